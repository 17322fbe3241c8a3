/** Results as JSON, one object a line: what was asked and made, then how. */
import { isAddress } from '../endpoints/index.js';
import type { EngineInfo } from '../engine/types.js';
import type { Parts } from '../tasks/types.js';

/** @param content the command's own fields, first in the line */
export function jsonLine(content: object, { seed, stats, novelty, warnings }: Parts, info: EngineInfo): string {
  return JSON.stringify({ ...content, seed, model: modelOf(info), stats, novelty, warnings });
}

/** Which model made a result: its hash, or the server where the hash cannot be known. */
export function modelOf({ name, hash, source }: EngineInfo): { name: string; hash: string; server?: string } {
  return isAddress(source) ? { name, hash, server: source } : { name, hash };
}
