import { describe, expect, it } from 'vitest';
import {
  bootstrap,
  cepstralDistance,
  f1Part,
  matchLabels,
  matchOnsets,
  melCepstralDistortion,
  namedChoice,
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

describe('answers', () => {
  const people = ['a man', 'a young man', 'a woman', 'a girl'];
  const kinds = ['speech only', 'speech, music and sound effects', 'music and sound effects', 'music only'];
  const times = ['at about 0.5 seconds', 'at about 5 seconds', 'right at the start', 'at about 1 second'];

  it('finds the one choice that is named', () => {
    expect(namedChoice('A man', people)).toBe(0);
    expect(namedChoice('It is a young man.', people)).toBe(1);
    expect(namedChoice('Speech, music and sound effects.', kinds)).toBe(1);
    expect(namedChoice('at about 5 seconds', times)).toBe(1);
    expect(namedChoice('At about 0.5 seconds.', times)).toBe(0);
  });

  it('reads letters, but not the article', () => {
    expect(namedChoice('(C)', people)).toBe(2);
    expect(namedChoice('D', people)).toBe(3);
    expect(namedChoice('B. a young man', people)).toBe(1);
    expect(namedChoice('A girl', people)).toBe(3);
    expect(namedChoice('A dog', people)).toBe(null);
  });

  it('takes nothing, several choices and contradictions for no answer', () => {
    expect(namedChoice('', people)).toBe(null);
    expect(namedChoice('a man or a woman', people)).toBe(null);
    expect(namedChoice('(A) a woman', people)).toBe(null);
    expect(namedChoice('a robot', people)).toBe(null);
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
