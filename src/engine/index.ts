/**
 * engine/: generation behind one interface. `openEngine` gives an `Engine` for a model folder; what is asked of it and what
 * it answers stands in types.ts.
 */
import { BagpiperError } from '../errors.js';
import { type LocalOptions, openLocalEngine } from './local.js';
import type { Engine } from './types.js';

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
