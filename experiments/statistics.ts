/** Means over seeds, and differences between two arms whose runs share their seeds. */
import { mean } from '../src/evaluate/metrics/statistics.js';

/** 97.5 % quantiles of Student's t with 1, 2, ... degrees of freedom; beyond, the normal one is near enough. */
const T975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145];
const NORMAL975 = 1.96;

export interface Spread {
  mean: number;
  /** standard deviation with n - 1 in the denominator; NaN of a single value */
  deviation: number;
  count: number;
}

export function spread(values: readonly number[]): Spread {
  const middle = mean(values);
  const squares = values.reduce((sum, x) => sum + (x - middle) ** 2, 0);
  return { mean: middle, deviation: Math.sqrt(squares / (values.length - 1)), count: values.length };
}

export interface Difference {
  /** mean of second minus first */
  mean: number;
  /** 95 % interval of that mean; NaN with fewer than two pairs */
  low: number;
  high: number;
  pairs: number;
  /** `unknown` with fewer than two pairs; `noise` where the interval holds 0 */
  verdict: 'higher' | 'lower' | 'noise' | 'unknown';
}

/**
 * Paired difference of two arms (Student's t over seeds): what a seed does to both cancels.
 * @param first values by seed @param second values by seed; seeds that only one arm has are left out
 */
export function pairedDifference(first: ReadonlyMap<number, number>, second: ReadonlyMap<number, number>): Difference {
  const pairs = [...first].flatMap(([seed, a]) => {
    const b = second.get(seed);
    return b === undefined ? [] : [b - a];
  });
  const { mean: middle, deviation, count } = spread(pairs);
  if (count < 2) return { mean: middle, low: Number.NaN, high: Number.NaN, pairs: count, verdict: 'unknown' };
  const half = ((T975[count - 2] ?? NORMAL975) * deviation) / Math.sqrt(count);
  const [low, high] = [middle - half, middle + half];
  const verdict = low > 0 ? 'higher' : high < 0 ? 'lower' : 'noise';
  return { mean: middle, low, high, pairs: count, verdict };
}
