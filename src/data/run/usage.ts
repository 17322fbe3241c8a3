/** Sums of tokens, and what they cost. */
import type { Prices } from '../llm/options.js';
import type { Usage } from '../types.js';

export function noUsage(): Usage {
  return { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
}

/** Adds to `sum`. */
export function addUsage(sum: Usage, { prompt_tokens, completion_tokens, total_tokens }: Usage): void {
  sum.prompt_tokens += prompt_tokens;
  sum.completion_tokens += completion_tokens;
  sum.total_tokens += total_tokens;
}

export function costOf({ prompt_tokens, completion_tokens }: Usage, { input, output }: Prices): number {
  return (prompt_tokens * input + completion_tokens * output) / 1e6;
}
