import { describe, expect, it } from 'vitest';
import { weightNorm } from '../../src/nn/index.js';

describe('weightNorm', () => {
  // [2, 1, 2]: rows (3, 4) and (0, 2).
  const v = Float32Array.of(3, 4, 0, 2);

  it('scales each output to its magnitude along the first axis', () => {
    expect([...weightNorm(Float32Array.of(10, -1), v, [2, 1, 2], 0)]).toEqual([6, 8, -0, -1]);
  });

  it('scales each kernel step to its magnitude along the last', () => {
    const [a, b, c, d] = weightNorm(Float32Array.of(6, 1), v, [2, 1, 2], 2);
    expect([a, c]).toEqual([6, 0]);
    expect(b).toBeCloseTo(4 / Math.sqrt(20), 6);
    expect(d).toBeCloseTo(2 / Math.sqrt(20), 6);
  });
});
