/** `run.json` of a training: its stages and settings in words, for whoever looks at the run. Nothing is read back from it to train. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../files.js';
import { isObject } from '../json.js';

const FILE = 'run.json';

export interface StageDescription {
  name: string;
  steps: number;
  /** by name, as JSON */
  settings: Record<string, unknown>;
}

export interface RunDescription {
  stages: StageDescription[];
  settings: Record<string, unknown>;
}

/** @throws BagpiperError where the folder cannot be written */
export function writeDescription(folder: string, description: RunDescription): void {
  writeAtomically(join(folder, FILE), `${JSON.stringify(description, null, 2)}\n`);
}

/** What is known of a run; undefined where there is no such file, or one of something else. */
export function readDescription(folder: string): RunDescription | undefined {
  const path = join(folder, FILE);
  if (!existsSync(path)) return undefined;
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isRun(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function isRun(value: unknown): value is RunDescription {
  return isObject(value) && isObject(value.settings) && Array.isArray(value.stages) && value.stages.every(isStage);
}

function isStage(value: unknown): value is StageDescription {
  if (!isObject(value)) return false;
  return typeof value.name === 'string' && typeof value.steps === 'number' && isObject(value.settings);
}
