/** How unlike the sounds of its training a heard sound is: what is said of it, for one stretch of sound or for several. */

/** A judgement of a heard sound. Formula and measurements: docs/model.md, "Novelty". */
export interface Novelty {
  /** higher is stranger; of several stretches the median */
  score: number;
  /** what 5% of held-out sounds of the model's own world score above */
  threshold: number;
  /** the score is above the threshold */
  foreign: boolean;
}

/**
 * One judgement of a sound that was heard in stretches: its score is their median, so that a long sound warns no more often
 * by chance than a short one, and is called foreign where most of it is.
 *
 * @param stretches of one model, so with one threshold
 * @returns undefined for none
 */
export function joinNovelty(stretches: readonly Novelty[]): Novelty | undefined {
  if (stretches.length === 0) return undefined;
  const sorted = stretches.map(({ score }) => score).sort((a, b) => a - b);
  const half = sorted.length / 2;
  return judge((sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2, stretches[0].threshold);
}

export function judge(score: number, threshold: number): Novelty {
  return { score, threshold, foreign: score > threshold };
}
