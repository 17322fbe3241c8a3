/** The reference data for the language model's bookkeeping, read from test/fixtures/golden/lm. */
import { readFileSync } from 'node:fs';
import { type BagpiperConfig, parseConfig } from '../../src/model/config.js';
import type { Message, Role } from '../../src/model/messages.js';

export const GOLDEN = new URL('../fixtures/golden/lm', import.meta.url).pathname;

/** One parsed reference file; its shape is the caller's business. */
export function goldenJson<T>(name: string): T {
  return JSON.parse(readFileSync(`${GOLDEN}/${name}`, 'utf8')) as T;
}

/** The reference model's config with some fields replaced. */
export function goldenConfig(changes: Record<string, unknown> = {}): BagpiperConfig {
  return parseConfig({ ...goldenJson<object>('config.json'), ...changes }, 'config.json');
}

export const text = (role: Role, ...textIds: number[]): Message => ({ role, modality: 'text', textIds });

/** An audio answer whose codes are all `code`. */
export const audio = (frames: number, code = 0): Message => ({
  role: 'assistant',
  modality: 'audio',
  codes: new Int32Array(frames * 8).fill(code),
});
