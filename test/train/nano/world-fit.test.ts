import { describe, expect, it } from 'vitest';
import { noveltyScore } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { fitWorld } from '../../../src/train/nano/world-fit.js';

describe('fitWorld', () => {
  const WIDTH = 8;
  /** Tokens of kinds that differ in one feature, and scatter by 3 along two others and by 0.1 along the rest. */
  function tokens(count: number, seed: string, kinds: readonly number[] = [-12, 12]): Float32Array {
    const random = new Random(seed);
    return Float32Array.from({ length: count * WIDTH }, (_, at) => {
      const i = at % WIDTH;
      if (i === 2) return random.pick(kinds) + 0.1 * random.normal();
      return (i < 2 ? 3 : 0.1) * random.normal();
    });
  }
  const options = { centres: 32, rounds: 8, leading: 0.25, exponent: 0.5, random: new Random('fit') };
  const fitted = fitWorld(tokens(4000, 'train'), WIDTH, options);

  it('makes the scatter around the nearest centre 1 along each direction', () => {
    // Then the mean square distance of a token of the same kinds is the number of directions.
    const held = tokens(400, 'held');
    const distances = Array.from({ length: 400 }, (_, t) =>
      Math.exp(noveltyScore({ ...fitted, exponent: 0 }, held.subarray(t * WIDTH, (t + 1) * WIDTH))),
    );
    const mean = distances.reduce((a, b) => a + b, 0) / distances.length;
    expect(mean).toBeGreaterThan(0.4 * WIDTH);
    expect(mean).toBeLessThan(1.3 * WIDTH);
  });

  it('finds stranger what lies between the kinds than what lies on them, though nearer to the mean', () => {
    const score = (...kinds: number[]): number => noveltyScore(fitted, tokens(200, 'other', kinds));
    expect(score(0)).toBeGreaterThan(score(-12, 12) + 1);
  });

  it('gives shapes that belong together, a quarter of the directions as leading', () => {
    const sizes = [fitted.mean, fitted.directions, fitted.centres, fitted.leading].map((x) => x.length);
    expect(sizes).toEqual([WIDTH, WIDTH * WIDTH, 32 * WIDTH, 2 * WIDTH]);
  });
});
