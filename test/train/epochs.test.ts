import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Epochs } from '../../src/train/epochs.js';

/** The bins of the first `count` steps in one line. */
const bins = (epochs: Epochs, count: number): number[][] =>
  Array.from({ length: count }, (_, step) => epochs.at(step)).flat();

const sized = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 40 }),
  perStep: fc.integer({ min: 1, max: 5 }),
  open: fc.integer({ min: 1, max: 4 }),
});

describe('Epochs', () => {
  it('uses every fitting sample once an epoch, and never overfills a bin', () => {
    fc.assert(
      fc.property(sized, ({ sizes, perStep, open }) => {
        const capacity = 10;
        const fitting = sizes.flatMap((size, i) => (size <= capacity ? [i] : []));
        fc.pre(fitting.length > 0);
        const epochs = new Epochs('seed', sizes, capacity, perStep, open);
        // As many steps as three epochs can need at one sample a bin.
        const line = bins(epochs, 3 * fitting.length);
        let at = 0;
        for (let epoch = 0; epoch < 3; epoch++) {
          const seen: number[] = [];
          while (seen.length < fitting.length) seen.push(...line[at++]);
          expect(seen.sort((a, b) => a - b)).toEqual(fitting);
        }
        for (const bin of line) expect(bin.reduce((sum, i) => sum + sizes[i], 0)).toBeLessThanOrEqual(capacity);
        for (const step of [0, 1, 2]) expect(epochs.at(step)).toHaveLength(perStep);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('answers by seed and step alone, in whatever order it is asked', () => {
    const sizes = Array.from({ length: 23 }, (_, i) => 1 + (i % 7));
    const make = (seed: string) => new Epochs(seed, sizes, 9, 2, 3);
    const [forward, backward] = [make('a'), make('a')];
    const steps = Array.from({ length: 30 }, (_, i) => i);
    const late = [...steps].reverse().map((step) => backward.at(step));
    expect(steps.map((step) => forward.at(step))).toEqual(late.reverse());
    expect(make('b').at(0)).not.toEqual(forward.at(0));
  });

  it('shuffles every epoch anew and says which one a step begins in', () => {
    const epochs = new Epochs('s', new Array(12).fill(1), 1, 5);
    // 12 bins an epoch, 5 a step: step 2 takes the last two of the first epoch and three of the second.
    expect([0, 1, 2, 3, 4, 5].map((step) => epochs.epochOf(step))).toEqual([0, 0, 0, 1, 1, 2]);
    const line = bins(epochs, 5).flat();
    expect(line.slice(0, 12)).not.toEqual(line.slice(12, 24));
  });

  it('packs tighter with more open bins', () => {
    const sizes = Array.from({ length: 200 }, (_, i) => 1 + ((i * 7) % 10));
    const needed = (open: number): number => {
      const epochs = new Epochs('s', sizes, 10, 1, open);
      let step = 0;
      while (epochs.epochOf(step) === 0) step++;
      return step;
    };
    const total = sizes.reduce((a, b) => a + b, 0) / 10;
    expect(needed(16)).toBeLessThan(needed(1));
    expect(needed(16)).toBeLessThan(1.1 * total);
  });

  it('refuses a capacity that no sample fits', () => {
    expect(() => new Epochs('s', [5, 6], 4)).toThrow(/no sample fits 4/);
  });
});
