/** RUN/run.json: what was done with a run, with which settings and prompts, and what came of it. */
import { existsSync, readFileSync } from 'node:fs';
import { BagpiperError, messageOf } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import type { JsonObject, StageSpec, Usage } from '../types.js';

export const FORMAT = 1;

/** How the records of a stage stand. */
export interface Counts {
  results: number;
  /** by kind of reason */
  aside: Record<string, number>;
  errors: Record<string, number>;
}

/** A stage in the manifest. */
export interface StageEntry {
  /** as it was run last */
  spec?: StageSpec;
  /** the settings that its results depend on; a later call must have the same */
  identity?: JsonObject;
  /** sha256 of the prompts, by their names in RUN/prompts */
  prompts?: Record<string, string>;
  /** done: all inputs have a result or are set aside */
  state: 'running' | 'done';
  counts: Counts;
  /** tokens that the lines of the stage's file count */
  usage: Usage;
  /** tokens of tries that failed, whose lines are gone */
  dropped?: Usage;
  /** of all tokens, where prices were given */
  cost?: number;
  /** records left out since another has their id */
  duplicates?: number;
  /** the file is being replaced by one of this size; see Run.takeUp */
  settling?: { bytes: number; dropped: Usage };
  /** what a stage keeps for itself */
  notes?: JsonObject;
}

export interface Manifest {
  format: number;
  stages: Record<string, StageEntry>;
}

/** @returns undefined when there is none @throws BagpiperError when it cannot be understood */
export function readManifest(path: string): Manifest | undefined {
  if (!existsSync(path)) return undefined;
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch (error) {
    throw new BagpiperError(`${path}: cannot be read (${messageOf(error)}); name the folder of a run.`);
  }
  if (typeof manifest?.format !== 'number' || typeof manifest.stages !== 'object' || manifest.stages === null) {
    throw new BagpiperError(`${path}: is no manifest of a run; name the folder of a run, or a new one.`);
  }
  if (manifest.format > FORMAT) {
    throw new BagpiperError(
      `${path}: the run is of format ${manifest.format}, and up to ${FORMAT} is known here; update bagpiper.`,
    );
  }
  return manifest;
}

export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(manifest, null, 2)}\n`);
}
