import { describe, expect, it } from 'vitest';
import { pairedDifference, spread } from '../../experiments/statistics.js';

const seeds = (...values: number[]): Map<number, number> => new Map(values.map((value, i) => [i + 1, value]));

describe('pairedDifference', () => {
  it("is Student's t over the differences", () => {
    // Differences 1, 2, 3: mean 2, deviation 1, standard error 1 / sqrt(3), t(0.975, 2) = 4.303.
    const { mean, low, high, pairs, verdict } = pairedDifference(seeds(1, 1, 1), seeds(2, 3, 4));
    expect([mean, pairs, verdict]).toEqual([2, 3, 'noise']);
    expect(high - low).toBeCloseTo((2 * 4.303) / Math.sqrt(3), 3);
  });

  it('tells an effect that every seed shows, whatever the seeds do to both arms', () => {
    expect(pairedDifference(seeds(1, 5, 9), seeds(1.5, 5.49, 9.51)).verdict).toBe('higher');
    expect(pairedDifference(seeds(1, 5, 9), seeds(0.5, 4.51, 8.49)).verdict).toBe('lower');
  });

  it('pairs by seed, and says nothing of a single pair', () => {
    const result = pairedDifference(seeds(1, 2), new Map([[2, 5]]));
    expect([result.mean, result.pairs, result.verdict]).toEqual([3, 1, 'unknown']);
  });
});

describe('spread', () => {
  it('divides by n - 1', () => {
    expect(spread([1, 2, 3, 4])).toEqual({ mean: 2.5, deviation: Math.sqrt(5 / 3), count: 4 });
  });
});
