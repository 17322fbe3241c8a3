/** Real captions, and texts of any length that no filter minds. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Random } from '../../../src/random.js';

export interface UpstreamLabel {
  utt_id: string;
  caption: string;
  duration: number;
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
  finish_reason: string;
}

export const captionFile = (name: 'generation' | 'understanding'): string =>
  fileURLToPath(new URL(`../../fixtures/captions/${name}.jsonl`, import.meta.url));

export function realLabels(name: 'generation' | 'understanding' = 'generation'): UpstreamLabel[] {
  return readFileSync(captionFile(name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as UpstreamLabel);
}

/** A real caption with all its words in another order: a text of its own that reads as English. */
export function shuffledCaption(seed: number): string {
  const random = new Random(seed);
  const { caption } = random.pick(realLabels());
  return random.shuffle(caption.replace(/["\u201c\u201d]/g, '').split(/\s+/)).join(' ');
}

/** A label that passes, with some fields changed. */
export function goodLabel(id: string, changes: Partial<UpstreamLabel> = {}): UpstreamLabel {
  const seed = [...id].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7) % 1e9;
  return {
    utt_id: id,
    caption: shuffledCaption(seed),
    duration: 10,
    usage: { prompt_tokens: 140, completion_tokens: 400, total_tokens: 540 },
    finish_reason: 'stop',
    ...changes,
  };
}
