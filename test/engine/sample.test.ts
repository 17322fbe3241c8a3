import { describe, expect, it } from 'vitest';
import { distribution, pick } from '../../src/engine/sample.js';
import { Random } from '../../src/random.js';

const DRAWS = 20_000;

/** How often each id is drawn. */
function shares(scores: number[], picking: { temperature: number; topk: number }, seed = 1): number[] {
  const random = new Random(seed);
  const counts = new Array<number>(scores.length).fill(0);
  for (let i = 0; i < DRAWS; i++) counts[pick(scores, picking, random)]++;
  return counts.map((count) => count / DRAWS);
}

/** Draws of probability p lie within five standard deviations. */
function expectShares(actual: number[], expected: number[]): void {
  for (const [i, p] of expected.entries()) {
    expect(Math.abs(actual[i] - p), `id ${i}`).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / DRAWS));
  }
}

const WEIGHTS = [3, 1, 8, 2, 5, 1];
const LOGITS = WEIGHTS.map(Math.log);
const shareOf = (weights: number[]) => weights.map((w) => w / weights.reduce((a, b) => a + b, 0));

describe('pick', () => {
  it('draws in proportion to exp(score) at temperature 1', () => {
    expectShares(shares(LOGITS, { temperature: 1, topk: 20 }), shareOf(WEIGHTS));
  });

  it('draws in proportion to the square and the root of that at temperatures 1/2 and 2', () => {
    expectShares(shares(LOGITS, { temperature: 0.5, topk: 20 }), shareOf(WEIGHTS.map((w) => w ** 2)));
    expectShares(shares(LOGITS, { temperature: 2, topk: 20 }), shareOf(WEIGHTS.map(Math.sqrt)));
  });

  it('draws among the top k alone', () => {
    expectShares(shares(LOGITS, { temperature: 1, topk: 3 }), shareOf([3, 0, 8, 0, 5, 0]));
  });

  it('takes the largest at temperature 0 and at top-k 1, the first of equals', () => {
    for (const picking of [
      { temperature: 0, topk: 20 },
      { temperature: 1, topk: 1 },
    ]) {
      expect(pick([1, 7, 7, 2], picking, new Random(0))).toBe(1);
    }
  });

  it('never draws minus infinity, even where few others are left', () => {
    const scores = [Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY];
    expectShares(shares(scores, { temperature: 0.7, topk: 4 }), [0, 0.5, 0, 0.5, 0]);
  });

  it('draws the same from the same seed', () => {
    expect(shares(LOGITS, { temperature: 1, topk: 4 }, 7)).toEqual(shares(LOGITS, { temperature: 1, topk: 4 }, 7));
  });

  it('draws what `distribution` says', () => {
    const picking = { temperature: 0.8, topk: 4 };
    const { ids, probabilities } = distribution(LOGITS, picking);
    expect(ids).toEqual([2, 4, 0, 3]);
    const expected = new Array<number>(LOGITS.length).fill(0);
    for (const [i, id] of ids.entries()) expected[id] = probabilities[i];
    expectShares(shares(LOGITS, picking), expected);
  });
});
