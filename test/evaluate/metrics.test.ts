import { describe, expect, it } from 'vitest';
import {
  auroc,
  bootstrap,
  bootstrapAuroc,
  bootstrapOf,
  cepstralDistance,
  f1Part,
  matchEvents,
  matchLabels,
  matchOnsets,
  median,
  melCepstralDistortion,
  orderRight,
  ratioOf,
  spectralDistance,
  wilson,
} from '../../src/evaluate/index.js';
import { Random } from '../../src/random.js';

describe('detection', () => {
  it('matches each thing once by label', () => {
    expect(matchLabels(['dog', 'dog', 'bell'], ['dog', 'bell', 'bell', 'cat'])).toEqual({
      hits: 2,
      extra: 2,
      missed: 1,
    });
    expect(matchLabels([], [])).toEqual({ hits: 0, extra: 0, missed: 0 });
  });

  it('matches onsets within the tolerance, as many pairs as there can be', () => {
    const at = (label: string, ...starts: (number | null)[]) => starts.map((start) => ({ label, start }));
    expect(matchOnsets(at('dog', 1, 2), at('dog', 2.9, 1.9), 1)).toEqual({ hits: 2, extra: 0, missed: 0 });
    expect(matchOnsets(at('dog', 1), at('dog', 2.01), 1)).toEqual({ hits: 0, extra: 1, missed: 1 });
    expect(matchOnsets(at('dog', 1), at('dog', null), 1)).toEqual({ hits: 0, extra: 1, missed: 1 });
    expect(matchOnsets(at('dog', 1), at('cat', 1), 1)).toEqual({ hits: 0, extra: 1, missed: 1 });
  });

  it('pairs equal labels in time, as many as there are, as near as can be', () => {
    const there = [
      { label: 'dog', start: 1 },
      { label: 'bell', start: 2 },
      { label: 'dog', start: 4 },
    ];
    const dog = (start: number | null) => ({ label: 'dog', start });
    expect(matchEvents(there, [dog(3.5)])).toEqual([{ label: 'dog', there: 2, told: 0 }]);
    expect(matchEvents(there, [dog(4.5), dog(0.5)])).toEqual([
      { label: 'dog', there: 0, told: 1 },
      { label: 'dog', there: 2, told: 0 },
    ]);
    // three told for two: the sum 0.5 + 0 is the least
    expect(matchEvents(there, [dog(1.5), dog(3), dog(4)]).map(({ told }) => told)).toEqual([0, 2]);
    expect(matchEvents(there, [dog(null), { label: 'cat', start: 1 }])).toHaveLength(1);
    expect(matchEvents([], [dog(1)])).toEqual([]);
  });

  it('judges the order by told times, else by telling', () => {
    const there = [
      { label: 'dog', start: 1 },
      { label: 'bell', start: 2 },
    ];
    const right = (...told: (readonly [string, number | null])[]) => {
      const list = told.map(([label, start]) => ({ label, start }));
      return orderRight(there, list, matchEvents(there, list));
    };
    expect(right(['dog', 1], ['bell', 2])).toBe(true);
    expect(right(['bell', 2], ['dog', 1])).toBe(true);
    expect(right(['dog', 2], ['bell', 1.5])).toBe(false);
    expect(right(['dog', null], ['bell', null])).toBe(true);
    expect(right(['bell', null], ['dog', null])).toBe(false);
    expect(right(['bell', 1.5], ['dog', 1.5])).toBe(false);
    expect(right(['dog', 1], ['cat', 2])).toBe(null);
  });

  it('gives F1 as a ratio of sums', () => {
    // precision 2/4, recall 2/3: F1 = 4/7
    expect(ratioOf([f1Part({ hits: 2, extra: 2, missed: 1 })])).toBeCloseTo(4 / 7, 12);
    expect(ratioOf([f1Part({ hits: 1, extra: 0, missed: 0 }), f1Part({ hits: 0, extra: 1, missed: 1 })])).toBe(0.5);
    expect(ratioOf([])).toBeNaN();
  });
});

describe('intervals', () => {
  it("equals Wilson's closed form", () => {
    // 8 of 10: Agresti and Coull 1998 round the same formula to 0.49 and 0.94
    const [low, high] = wilson(8, 10);
    expect(low).toBeCloseTo(0.4902, 4);
    expect(high).toBeCloseTo(0.9433, 4);
    // no hits: [0, z^2 / (n + z^2)]
    expect(wilson(0, 20)[0]).toBe(0);
    expect(wilson(0, 20)[1]).toBeCloseTo(1 / (1 + 20 / 3.841458820694), 10);
    expect(wilson(20, 20)[1]).toBe(1);
    expect(wilson(0, 0)).toEqual([0, 1]);
  });

  it('bootstraps around the ratio, with no width where all clips are equal', () => {
    const equal = Array.from({ length: 9 }, () => [1, 4] as const);
    expect(bootstrap(equal, new Random(1))).toEqual([0.25, 0.25]);
    const parts = Array.from({ length: 100 }, (_, i) => [i % 2, 1] as const);
    const [low, high] = bootstrap(parts, new Random(1));
    // the mean of 100 coins has standard deviation 0.05
    expect(low).toBeGreaterThan(0.35);
    expect(low).toBeLessThan(0.45);
    expect(high).toBeGreaterThan(0.55);
    expect(high).toBeLessThan(0.65);
  });
});

describe('telling two groups apart', () => {
  it('is the share of pairs in order, ties counting half', () => {
    expect(auroc([3, 4], [1, 2])).toBe(1);
    expect(auroc([1, 2], [3, 4])).toBe(0);
    expect(auroc([5, 5, 5], [5, 5])).toBe(0.5);
    // pairs: 2>1, 2=2, 3>1, 3>2
    expect(auroc([2, 3], [1, 2])).toBe(3.5 / 4);
    expect(auroc([Number.POSITIVE_INFINITY], [1, Number.POSITIVE_INFINITY])).toBe(0.75);
    expect(auroc([], [1])).toBeNaN();
    expect(auroc([Number.NaN], [1])).toBeNaN();
  });

  it('equals counting all pairs, and turns around with the groups', () => {
    const random = new Random('auroc');
    const draw = (count: number, most: number) => Array.from({ length: count }, () => random.int(most));
    const [up, down] = [draw(37, 9), draw(23, 7)];
    const pairs = up.flatMap((a) => down.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
    expect(auroc(up, down)).toBeCloseTo(pairs.reduce((sum: number, x) => sum + x, 0) / pairs.length, 12);
    expect(auroc(down, up)).toBeCloseTo(1 - auroc(up, down), 12);
  });

  it("has an interval about as wide as Hanley and McNeil's", () => {
    expect(bootstrapAuroc([3, 4], [1, 2], new Random(1))).toEqual([1, 1]);
    const random = new Random('wide');
    // scores a standard deviation apart: the area is the normal distribution at 1 / sqrt(2), 0.760
    const scores = (shift: number) => Array.from({ length: 200 }, () => random.normal() + shift);
    const [up, down] = [scores(1), scores(0)];
    const area = auroc(up, down);
    expect(area).toBeGreaterThan(0.68);
    expect(area).toBeLessThan(0.84);
    const [q1, q2] = [area / (2 - area), (2 * area ** 2) / (1 + area)];
    const variance = (area * (1 - area) + 199 * (q1 - area ** 2) + 199 * (q2 - area ** 2)) / (200 * 200);
    const [low, high] = bootstrapAuroc(up, down, new Random(2), 400);
    expect((high - low) / (2 * 1.96 * Math.sqrt(variance))).toBeGreaterThan(0.8);
    expect((high - low) / (2 * 1.96 * Math.sqrt(variance))).toBeLessThan(1.25);
  });

  it('takes the middle value', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
    expect(bootstrapOf([[7], [7, 7]], (drawn) => median(drawn.flat()), new Random(1))).toEqual([7, 7]);
  });
});

describe('spectral distances', () => {
  const random = new Random('noise');
  const noise = Float32Array.from({ length: 8000 }, () => 0.1 * random.normal());

  it('is 0 for equal sounds', () => {
    expect(spectralDistance(noise, noise)).toEqual({ convergence: 0, logMagnitude: 0 });
    expect(melCepstralDistortion(noise, noise)).toBe(0);
  });

  it('halving the level gives half the convergence, 6 dB and no cepstral distortion', () => {
    const half = noise.map((x) => x / 2);
    const { convergence, logMagnitude } = spectralDistance(noise, half);
    expect(convergence).toBeCloseTo(0.5, 6);
    // white noise hardly ever falls 60 dB below its largest magnitude
    expect(logMagnitude).toBeCloseTo(20 * Math.log10(2), 1);
    expect(melCepstralDistortion(noise, half)).toBeCloseTo(0, 4);
  });

  it('silence instead of the sound is a convergence of 1', () => {
    expect(spectralDistance(noise, new Float32Array(0)).convergence).toBeCloseTo(1, 6);
    expect(melCepstralDistortion(new Float32Array(1600), noise)).toBeNaN();
  });

  it('a ripple of the log spectrum is a distortion of 10 sqrt(2) / ln 10 times its height', () => {
    const bands = 40;
    const flat = new Float64Array(bands);
    const ripple = (order: number): Float64Array =>
      Float64Array.from(flat, (_, k) => 0.3 * Math.cos((Math.PI * order * (k + 0.5)) / bands));
    const height = (10 * Math.SQRT2 * 0.3) / Math.LN10;
    expect(cepstralDistance(flat, ripple(1))).toBeCloseTo(height, 10);
    expect(cepstralDistance(ripple(13), flat)).toBeCloseTo(height, 10);
    // the level and ripples beyond the 13th coefficient are left out
    expect(cepstralDistance(flat, ripple(0))).toBeCloseTo(0, 10);
    expect(cepstralDistance(flat, ripple(14))).toBeCloseTo(0, 10);
  });
});
