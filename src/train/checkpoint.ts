/**
 * Checkpoints: one safetensors file with parameters, optimizer moments and, in its metadata, everything else that a run
 * needs to continue exactly. Written aside and renamed, so a kill at any moment leaves the previous one whole.
 */
import { existsSync } from 'node:fs';
import { BagpiperError } from '../errors.js';
import { openSafetensors, type TensorInput, toFloat32, writeSafetensors } from '../weights/index.js';
import type { AdamW } from './optimizer.js';

export interface Checkpoint {
  /** steps done */
  step: number;
  /** what was set for the run; resuming with other settings is refused */
  settings: string;
  /** bytes of the log that belong to the steps done */
  logBytes: number;
}

export async function saveCheckpoint(
  path: string,
  parameters: ReadonlyMap<string, Float32Array>,
  optimizer: AdamW,
  checkpoint: Checkpoint,
): Promise<void> {
  const { step, first, second } = optimizer.state();
  const tensors: TensorInput[] = [];
  const put = (prefix: string, from: ReadonlyMap<string, Float32Array>) => {
    for (const [name, data] of from) tensors.push({ name: prefix + name, dtype: 'F32', shape: [data.length], data });
  };
  put('parameter/', parameters);
  put('first/', first);
  put('second/', second);
  await writeSafetensors(path, tensors, { checkpoint: JSON.stringify({ ...checkpoint, optimizerStep: step }) });
}

/**
 * Puts a checkpoint back into parameters and optimizer, in place.
 *
 * @returns what was saved, or undefined when there is none yet
 * @throws BagpiperError when it belongs to a run with other settings
 */
export function loadCheckpoint(
  path: string,
  parameters: ReadonlyMap<string, Float32Array>,
  optimizer: AdamW,
  settings: string,
): Checkpoint | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSafetensors(path);
  const saved = JSON.parse(file.metadata.get('checkpoint') ?? '{}') as Checkpoint & { optimizerStep: number };
  if (saved.settings !== settings) {
    throw new BagpiperError(
      `${path} belongs to a run with other settings. Use the same settings to continue it, or another output folder to start anew.`,
    );
  }
  const read = (prefix: string): Map<string, Float32Array> => {
    const names = [...file.tensors.keys()].filter((name) => name.startsWith(prefix));
    return new Map(names.map((name) => [name.slice(prefix.length), toFloat32(file.tensor(name))]));
  };
  for (const [name, data] of read('parameter/')) parameters.get(name)?.set(data);
  optimizer.restore({ step: saved.optimizerStep, first: read('first/'), second: read('second/') });
  return { step: saved.step, settings: saved.settings, logBytes: saved.logBytes };
}
