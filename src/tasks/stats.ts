import type { GenerateStats } from '../engine/types.js';

/** What no run at all takes. */
export function noStats(): GenerateStats {
  const seconds = { encode: 0, prefill: 0, text: 0, audio: 0, codec: 0 };
  return { promptRows: 0, textTokens: 0, audioFrames: 0, seconds };
}

/** Adds what one run took to a sum. */
export function addStats(sum: GenerateStats, more: GenerateStats): void {
  sum.promptRows += more.promptRows;
  sum.textTokens += more.textTokens;
  sum.audioFrames += more.audioFrames;
  for (const phase of Object.keys(sum.seconds) as (keyof GenerateStats['seconds'])[]) {
    sum.seconds[phase] += more.seconds[phase];
  }
}
