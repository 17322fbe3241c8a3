/**
 * engine/: generation behind one interface. `openEngine` gives an `Engine` for a model folder; what is asked of it and what
 * it answers stands in types.ts.
 */
import { BagpiperError } from '../errors.js';
import { type LocalOptions, openLocalEngine } from './local.js';
import type { ParityLine, ParityOptions } from './parity.js';
import type { Engine } from './types.js';

export type { ParityLine, ParityOptions } from './parity.js';
export type {
  Engine,
  EngineEvent,
  EngineInfo,
  EngineMessage,
  FinishedSegment,
  GenerateRequest,
  GenerateStats,
} from './types.js';

/** Opens a model: a folder with config.json, tokenizer.json and weights. */
export async function openEngine(source: string, options: LocalOptions = {}): Promise<Engine> {
  if (/^https?:/.test(source))
    throw new BagpiperError(`${source} is an address; this version runs model folders only.`);
  return openLocalEngine(source, options);
}

/**
 * Checks a folder of reference data against this package's networks; see parity.ts, which is loaded when first used.
 *
 * @returns one line a tensor; the check holds where every line that is `required` is `ok`
 * @throws BagpiperError where the folder is of no known kind, or a file or tensor is missing or damaged
 */
export async function checkFolder(folder: string, options: ParityOptions = {}): Promise<ParityLine[]> {
  const parity = await import('./parity.js');
  return parity.checkFolder(folder, options);
}
