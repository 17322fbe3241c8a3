import { describe, expect, it } from 'vitest';
import { joinNovelty, judge, noveltyScore, type WorldStatistics } from '../../src/model/index.js';

describe('noveltyScore', () => {
  /** Two features; distances count double along the second, strength is the first alone. */
  const statistics: WorldStatistics = {
    mean: Float32Array.of(1, 0),
    directions: Float32Array.of(1, 0, 0, 2),
    centres: Float32Array.of(3, 0, -3, 8),
    leading: Float32Array.of(0.5, 0),
    exponent: 0.5,
  };

  it('is the mean of log distance to the nearest centre less the excused strength', () => {
    // First token: at (4, 3) from the mean, so (4, 6) along the directions: 1 + 36 from the first centre, 49 + 4 from the second.
    const first = Math.log(37) - 0.5 * Math.log(4);
    // Second: (-4, 3), so (-4, 6): 1 + 4 from the second centre.
    const second = Math.log(5) - 0.5 * Math.log(4);
    expect(noveltyScore(statistics, Float32Array.of(5, 3, -3, 3))).toBeCloseTo((first + second) / 2, 5);
  });

  it('stays finite on a centre and where there is no strength', () => {
    expect(
      Number.isFinite(noveltyScore({ ...statistics, centres: Float32Array.of(0, 0) }, Float32Array.of(1, 0))),
    ).toBe(true);
  });
});

describe('joinNovelty', () => {
  it.each([
    ['one', [2], 2, true],
    ['two: the middle between them', [2, 0.5], 1.25, true],
    ['most of them foreign', [3, 0, 2], 2, true],
    ['most of them familiar', [9, 0, 0.5, 0], 0.25, false],
  ])('takes the median of %s', (_, scores, score, foreign) => {
    expect(joinNovelty(scores.map((x) => judge(x, 1)))).toEqual({ score, threshold: 1, foreign });
  });

  it('says nothing of nothing', () => {
    expect(joinNovelty([])).toBeUndefined();
  });
});
