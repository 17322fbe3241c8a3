/**
 * Checkpoints: one safetensors file with parameters, optimizer moments and, in its metadata, everything else that a run
 * needs to continue exactly. Written aside, flushed and renamed, so a kill at any moment leaves the previous one whole.
 */
import { existsSync } from 'node:fs';
import { BagpiperError } from '../errors.js';
import { openSafetensors, type Safetensors, type TensorInput, toFloat32, writeSafetensors } from '../weights/index.js';
import type { AdamW } from './optimizer.js';

export interface Checkpoint {
  /** steps done */
  step: number;
  /** what was set for the run, as JSON; resuming with other settings is refused */
  settings: string;
  /** bytes of the log that belong to the steps done */
  logBytes: number;
}

type Tensors = ReadonlyMap<string, Float32Array>;

/**
 * Writes a checkpoint; when this returns, it is on the disk under its final name.
 *
 * @throws BagpiperError where the disk is full; the previous checkpoint is then untouched
 */
export function saveCheckpoint(path: string, parameters: Tensors, optimizer: AdamW, checkpoint: Checkpoint): void {
  const { step, first, second } = optimizer.state();
  const tensors: TensorInput[] = [];
  const put = (prefix: string, from: Tensors) => {
    for (const [name, data] of from) tensors.push({ name: prefix + name, dtype: 'F32', shape: [data.length], data });
  };
  put('parameter/', parameters);
  put('first/', first);
  put('second/', second);
  writeSafetensors(path, tensors, { checkpoint: JSON.stringify({ ...checkpoint, optimizerStep: step }) });
}

/**
 * Puts a checkpoint back into parameters and optimizer, in place. Names and sizes are checked before anything changes.
 *
 * @returns what was saved, or undefined when there is none yet
 * @throws BagpiperError when it is damaged, belongs to a run with other settings, or holds other tensors
 */
export function loadCheckpoint(
  path: string,
  parameters: Tensors,
  optimizer: AdamW,
  settings: string,
): Checkpoint | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSafetensors(path);
  const saved = readMetadata(file);
  const different = difference(JSON.parse(saved.settings), JSON.parse(settings), 'settings');
  if (different) {
    throw new BagpiperError(
      `${path} belongs to a run with other settings (${different}). Use the same settings to continue it, or another output folder to start anew.`,
    );
  }
  const { first, second } = optimizer.state();
  const groups: [string, Tensors][] = [
    ['parameter/', parameters],
    ['first/', first],
    ['second/', second],
  ];
  const wanted = new Map(groups.flatMap(([prefix, group]) => [...group].map(([name, data]) => [prefix + name, data])));
  checkTensors(file, wanted);
  const read = (prefix: string, group: Tensors): Map<string, Float32Array> =>
    new Map([...group.keys()].map((name) => [name, toFloat32(file.tensor(prefix + name))]));
  for (const [name, data] of read('parameter/', parameters)) parameters.get(name)!.set(data);
  optimizer.restore({ step: saved.optimizerStep, first: read('first/', first), second: read('second/', second) });
  return { step: saved.step, settings: saved.settings, logBytes: saved.logBytes };
}

function readMetadata(file: Safetensors): Checkpoint & { optimizerStep: number } {
  const text = file.metadata.get('checkpoint');
  if (text === undefined) {
    throw new BagpiperError(
      `${file.file} is not a checkpoint of this trainer. Move it away, or choose another output folder.`,
    );
  }
  return JSON.parse(text);
}

/** Exactly the wanted tensors, each of its size. */
function checkTensors(file: Safetensors, wanted: Tensors): void {
  const missing = [...wanted].find(([name, data]) => file.tensors.get(name)?.byteLength !== data.byteLength)?.[0];
  const extra = [...file.tensors.keys()].find((name) => !wanted.has(name));
  if (missing === undefined && extra === undefined) return;
  throw new BagpiperError(
    `${file.file} was made by another network: it ${missing ? `has no fitting "${missing}"` : `also holds "${extra}"`}. Continue it with the code that made it, or choose another output folder.`,
  );
}

/** The first place where two JSON values differ, in words; the order of an object's fields does not matter. */
function difference(a: unknown, b: unknown, path: string): string | undefined {
  if (
    typeof a !== 'object' ||
    typeof b !== 'object' ||
    a === null ||
    b === null ||
    Array.isArray(a) !== Array.isArray(b)
  )
    return Object.is(a, b) ? undefined : `${path} was ${JSON.stringify(a)} and is ${JSON.stringify(b)}`;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of new Set([...Object.keys(x), ...Object.keys(y)])) {
    const found = difference(x[key], y[key], `${path}.${key}`);
    if (found) return found;
  }
  return undefined;
}
