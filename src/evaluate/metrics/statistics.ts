/** How sure a measured share is. */
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
 * 95 % percentile interval of a ratio of sums by drawing clips with replacement (Efron 1979): words of a clip are not
 * independent, so a count of words would look surer than it is.
 */
export function bootstrap(parts: readonly Part[], random: Random, draws = 1000): Interval {
  const values: number[] = [];
  for (let d = 0; d < draws; d++) {
    const value = ratioOf(parts.map(() => random.pick(parts)));
    if (Number.isFinite(value)) values.push(value);
  }
  values.sort((a, b) => a - b);
  const at = (q: number): number => values[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}

/** Mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
