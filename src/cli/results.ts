/** Results as JSON, one object a line: what was asked and made, then how. */
import type { EngineInfo } from '../engine/types.js';
import type { Parts } from '../tasks/types.js';

/** @param content the command's own fields, first in the line */
export function jsonLine(content: object, { seed, stats, warnings }: Parts, { name, hash }: EngineInfo): string {
  return JSON.stringify({ ...content, seed, model: { name, hash }, stats, warnings });
}
