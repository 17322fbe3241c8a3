import { describe, expect, it } from 'vitest';
import {
  fitClasses,
  medianPitch,
  momentFeatures,
  moments,
  tempoFeatures,
  timbreFeatures,
} from '../../src/evaluate/index.js';
import { pitchThreshold } from '../../src/evaluate/nano/measures.js';
import { Random } from '../../src/random.js';

const RATE = 16000;
const make = (seconds: number, value: (t: number) => number): Float32Array =>
  Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => value(i / RATE));
/** A buzz with ten harmonics, as a voice has. */
const buzz = (hertz: number) => (t: number) =>
  [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].reduce((sum, h) => sum + (0.1 * Math.sin(2 * Math.PI * hertz * h * t)) / h, 0);

describe('median pitch', () => {
  it('is that of a buzz, whatever its level, and of a pure tone', () => {
    for (const hertz of [80, 123.4, 221, 400]) {
      expect(Math.abs((medianPitch(make(0.5, buzz(hertz))) as number) / hertz - 1)).toBeLessThan(0.005);
    }
    expect(medianPitch(make(0.5, (t) => 0.001 * Math.sin(2 * Math.PI * 200 * t)))).toBeCloseTo(200, 0);
  });

  it('is that of the longer part, and null where nothing is voiced', () => {
    const parts = make(1, (t) => (t < 0.3 ? buzz(300)(t) : buzz(110)(t)));
    expect(medianPitch(parts)).toBeCloseTo(110, 0);
    const random = new Random('noise');
    expect(medianPitch(make(0.5, () => random.normal()))).toBe(null);
    expect(medianPitch(new Float32Array(8000))).toBe(null);
    expect(medianPitch(new Float32Array(0))).toBe(null);
  });

  it('tells men from women at a frequency between them', () => {
    const pitches = [100, 120, 130].map((hertz) => ({ gender: 'man', hertz }));
    const threshold = pitchThreshold([...pitches, { gender: 'woman', hertz: 190 }, { gender: 'woman', hertz: 220 }]);
    expect(threshold).toBeGreaterThanOrEqual(130);
    expect(threshold).toBeLessThan(190);
  });
});

describe('nearest class', () => {
  const random = new Random('classes');
  /** Two long clouds side by side: apart along (1, -1), where they are thin. */
  const cloud = (label: string, shift: number) =>
    Array.from({ length: 200 }, () => {
      const [along, across] = [5 * random.normal(), 0.2 * random.normal()];
      return { label, features: [along + across + shift, along - across - shift] };
    });

  it('weighs directions by how much classes vary in them', () => {
    const { labels, nearest, distances } = fitClasses([...cloud('a', -1), ...cloud('b', 1)], 0.001);
    expect(labels).toEqual(['a', 'b']);
    const fresh = [...cloud('a', -1), ...cloud('b', 1)];
    expect(fresh.filter(({ label, features }) => nearest(features) === label).length / 400).toBeGreaterThan(0.99);
    // nearer to b's mean by plain distance along the clouds, but a by covariance
    expect(nearest([4 - 1, 4 + 1])).toBe('a');
    expect(distances([-1, 1])[0]).toBeLessThan(0.1);
  });

  it('takes a feature that never varies for no evidence, and needs samples', () => {
    const samples = [0, 1, 10, 11].map((x) => ({ label: x < 5 ? 'low' : 'high', features: [x, 7] }));
    expect(fitClasses(samples).nearest([2, 7])).toBe('low');
    expect(() => fitClasses([])).toThrow(RangeError);
  });
});

describe('features of sounds', () => {
  /** Clicks of noise at a tempo. */
  const beats = (perMinute: number, seed: string): Float32Array => {
    const random = new Random(seed);
    const period = 60 / perMinute;
    return make(4, (t) => 0.3 * random.normal() * Math.exp(-(t % period) * 40) + 0.001 * random.normal());
  };

  it('tell tempos apart', () => {
    const around = (label: string, perMinute: number) =>
      [-4, 0, 4].map((off, i) => ({
        label,
        features: tempoFeatures(beats(perMinute + off, `${label}${i}`)) as number[],
      }));
    const { nearest } = fitClasses([...around('slow', 70), ...around('medium', 105), ...around('fast', 150)]);
    for (const [label, perMinute] of [
      ['slow', 68.5],
      ['medium', 107.5],
      ['fast', 151.5],
    ] as const) {
      expect(nearest(tempoFeatures(beats(perMinute, 'new')) as number[])).toBe(label);
    }
  });

  it('find where something begins, and know it again at another level and time', () => {
    const random = new Random('events');
    const bell = (t: number) => (t < 0 ? 0 : Math.exp(-4 * t) * Math.sin(2 * Math.PI * 900 * t));
    const hiss = (t: number) => (t < 0 || t > 0.5 ? 0 : 0.3 * random.normal());
    const clip = make(3, (t) => 0.5 * bell(t - 0.5) + 0.5 * hiss(t - 2) + 1e-4 * random.normal());
    const { frames, at } = moments(clip);
    expect(at.some((t) => Math.abs(t - 50) <= 5)).toBe(true);
    expect(at.some((t) => Math.abs(t - 200) <= 5)).toBe(true);
    const learned = fitClasses(
      [
        { label: 'bell', features: momentFeatures(frames, 49) },
        { label: 'hiss', features: momentFeatures(frames, 199) },
      ],
      1,
    );
    const other = moments(make(2, (t) => 0.05 * bell(t - 1.2) + 1e-5 * random.normal()));
    expect(learned.nearest(momentFeatures(other.frames, 119))).toBe('bell');
  });

  it('do not depend on the level, and are null for silence', () => {
    const sound = make(1, buzz(220));
    const [a, b] = [sound, sound.map((x) => x / 10)].map((x) => timbreFeatures(x) as number[]);
    a.forEach((x, i) => {
      expect(x).toBeCloseTo(b[i], 3);
    });
    expect(timbreFeatures(new Float32Array(16000))).toBe(null);
    expect(timbreFeatures(new Float32Array(0))).toBe(null);
    expect(tempoFeatures(new Float32Array(16000))).toBe(null);
    expect(moments(new Float32Array(16000)).at).toEqual([]);
  });
});
