/**
 * engine/: generation behind one interface. `openEngine` gives an `Engine` for a model folder or for a server; what is asked
 * of it and what it answers stands in types.ts.
 */
import { isAddress } from '../endpoints/index.js';
import { type LocalOptions, openLocalEngine } from './local.js';
import type { ParityLine, ParityOptions } from './parity.js';
import type { RemoteOptions } from './remote/options.js';
import type { ServerReport } from './remote/report.js';
import type { Engine } from './types.js';

export { type PreparedFolder, prepareFolder } from './local.js';
export type { ParityLine, ParityOptions } from './parity.js';
export type { RemoteOptions, RetryOptions, ServerKind, Timeouts } from './remote/options.js';
export type { ServerReport } from './remote/report.js';
export type {
  Engine,
  EngineEvent,
  EngineInfo,
  EngineMessage,
  FinishedSegment,
  GenerateRequest,
  GenerateStats,
  Prompts,
} from './types.js';

export interface EngineOptions extends LocalOptions, RemoteOptions {}

/** Opens a model: a folder with config.json, tokenizer.json and weights, or the address of a server (docs/remote.md). */
export async function openEngine(source: string, options: EngineOptions = {}): Promise<Engine> {
  if (!isAddress(source)) return openLocalEngine(source, options);
  const { openRemoteEngine } = await import('./remote/open.js');
  return openRemoteEngine(source, options);
}

/**
 * Asks the servers of an address, or of several, what they are; one that fails is reported as such.
 *
 * @throws BagpiperError where an address or an option is wrong
 */
export async function reportServers(source: string, options: RemoteOptions = {}): Promise<ServerReport[]> {
  const report = await import('./remote/report.js');
  return report.reportServers(source, options);
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
