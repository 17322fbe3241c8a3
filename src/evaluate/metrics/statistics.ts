/** How sure a measure is, and how well two groups are told apart. */
import type { Random } from '../../random.js';

/** Standard normal quantile of 97.5 %. */
const Z95 = 1.959963984540054;

/** Lower and upper end of an interval. */
export type Interval = readonly [low: number, high: number];

/**
 * 95 % score interval of a share (Wilson 1927): holds for small counts and shares near 0 and 1 too.
 * @returns [0, 1] when nothing was counted
 */
export function wilson(hits: number, total: number, z = Z95): Interval {
  if (total === 0) return [0, 1];
  const share = hits / total;
  const zz = (z * z) / total;
  const middle = share + zz / 2;
  const half = z * Math.sqrt((share * (1 - share)) / total + zz / (4 * total));
  const clip = (x: number): number => Math.min(1, Math.max(0, x));
  return [clip((middle - half) / (1 + zz)), clip((middle + half) / (1 + zz))];
}

/** What one clip adds above and below the line of a ratio of sums. */
export type Part = readonly [above: number, below: number];

/** Sum above over sum below; NaN when below is 0. */
export function ratioOf(parts: readonly Part[]): number {
  let above = 0;
  let below = 0;
  for (const [a, b] of parts) {
    above += a;
    below += b;
  }
  return below === 0 ? Number.NaN : above / below;
}

/**
 * 95 % percentile interval of any statistic of clips by drawing clips with replacement (Efron 1979): words or events of one
 * clip are not independent, so a count of them would look surer than it is. Statistics of pairs (ours and another's of the
 * same clip) stay paired.
 * @param statistic NaN where a draw has nothing to measure: such draws are left out
 */
export function bootstrapOf<T>(
  clips: readonly T[],
  statistic: (drawn: readonly T[]) => number,
  random: Random,
  draws = 1000,
): Interval {
  return percentiles(Array.from({ length: draws }, () => statistic(clips.map(() => random.pick(clips)))));
}

/** {@link bootstrapOf} a ratio of sums. */
export function bootstrap(parts: readonly Part[], random: Random, draws = 1000): Interval {
  return bootstrapOf(parts, ratioOf, random, draws);
}

/** From the 2.5th to the 97.5th percentile; what is not finite is left out. */
function percentiles(values: readonly number[]): Interval {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}

/**
 * Area under the receiver operating characteristic: the chance that a positive scores higher than a negative, a tie counting
 * half (the statistic of Mann and Whitney 1947 over the number of pairs). 0.5 tells nothing apart.
 * @param positives scores of those that should be high, finite or infinite @param negatives of those that should be low
 * @returns NaN when either is empty or a score is NaN
 */
export function auroc(positives: readonly number[], negatives: readonly number[]): number {
  const all = [...positives.map((score) => ({ score, up: true })), ...negatives.map((score) => ({ score, up: false }))];
  if (all.some(({ score }) => Number.isNaN(score))) return Number.NaN;
  all.sort((a, b) => (a.score < b.score ? -1 : a.score > b.score ? 1 : 0));
  let wins = 0;
  let below = 0;
  for (let i = 0; i < all.length; ) {
    let [ups, downs] = [0, 0];
    const { score } = all[i];
    for (; i < all.length && all[i].score === score; i++) {
      if (all[i].up) ups++;
      else downs++;
    }
    wins += ups * (below + downs / 2);
    below += downs;
  }
  return wins / (positives.length * negatives.length);
}

/** 95 % percentile interval of {@link auroc}: both groups are drawn with replacement, each for itself. */
export function bootstrapAuroc(
  positives: readonly number[],
  negatives: readonly number[],
  random: Random,
  draws = 1000,
): Interval {
  const again = (scores: readonly number[]): number[] => scores.map(() => random.pick(scores));
  return percentiles(Array.from({ length: draws }, () => auroc(again(positives), again(negatives))));
}

/** The middle value, of an even number the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.floor(half - 0.5)] + sorted[Math.floor(half)]) / 2;
}

/** Mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
