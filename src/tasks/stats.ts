import type { GenerateStats } from '../engine/types.js';

/** Adds what one run took to a sum. */
export function addStats(sum: GenerateStats, more: GenerateStats): void {
  sum.promptRows += more.promptRows;
  sum.textTokens += more.textTokens;
  sum.audioFrames += more.audioFrames;
  for (const phase of Object.keys(sum.seconds) as (keyof GenerateStats['seconds'])[]) {
    sum.seconds[phase] += more.seconds[phase];
  }
}
