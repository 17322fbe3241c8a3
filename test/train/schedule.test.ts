import { describe, expect, it } from 'vitest';
import { learningRate } from '../../src/train/schedule.js';

describe('learningRate', () => {
  const schedule = { peak: 2, warmup: 4, steps: 12, floor: 0.25 };

  it('rises in equal parts, then falls along a cosine to its floor and stays there', () => {
    const rates = [0, 1, 2, 3].map((step) => learningRate(step, schedule));
    expect(rates).toEqual([0.5, 1, 1.5, 2]);
    expect(learningRate(4, schedule)).toBe(2);
    // a quarter, half and three quarters of the way: 1/2 (1 + cos) is 0.85355, 0.5 and 0.14645
    expect(learningRate(6, schedule)).toBeCloseTo(2 * (0.25 + 0.75 * 0.853553), 5);
    expect(learningRate(8, schedule)).toBeCloseTo(2 * (0.25 + 0.75 * 0.5), 10);
    expect(learningRate(10, schedule)).toBeCloseTo(2 * (0.25 + 0.75 * 0.146447), 5);
    for (const step of [12, 13, 1000]) expect(learningRate(step, schedule)).toBeCloseTo(0.5, 10);
  });

  it('stays constant with a floor of 1, and needs no warm-up', () => {
    for (const step of [0, 3, 50]) expect(learningRate(step, { peak: 3, warmup: 0, steps: 9, floor: 1 })).toBe(3);
  });
});
