import { describe, expect, test } from 'vitest';
import { Resampler, resample } from '../../src/audio/index.js';
import { Random } from '../../src/random.js';
import { sine, snrDb } from './make.js';

/** Level of what came out, dB against the input's. */
function leakage(samples: Float32Array, amplitude: number, skip: number): number {
  let power = 0;
  for (let i = skip; i < samples.length - skip; i++) power += samples[i] ** 2;
  return 10 * Math.log10((2 * power) / (samples.length - 2 * skip) / amplitude ** 2);
}

const rates = [8000, 11025, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000, 12345, 44056];

describe.each(rates)('%d -> 16000', (rate) => {
  const band = Math.min(rate, 16000) / 2;

  test.each([0.01, 0.3, 0.7, 0.94])('keeps a tone at %f of the band with 120 dB', (share) => {
    const hz = share * band;
    const got = resample(sine(rate, rate, hz, 0.9, 0.3), rate, 16000);
    expect(got).toHaveLength(16000);
    expect(snrDb(sine(16000, 16000, hz, 0.9, 0.3), got, 1000)).toBeGreaterThan(120);
  });

  test('stops by 120 dB what 16 kHz cannot hold', () => {
    for (const share of [1.0001, 1.04, 1.3, 1.9]) {
      const hz = share * 8000;
      if (hz >= rate / 2) continue;
      expect(leakage(resample(sine(rate, rate, hz, 0.9), rate, 16000), 0.9, 1000)).toBeLessThan(-120);
    }
  });
});

test('the other way, 16000 -> 48000 and 44100, for what is written', () => {
  for (const rate of [48000, 44100, 22050]) {
    const got = resample(sine(16000, 16000, 7000, 0.9), 16000, rate);
    expect(snrDb(sine(rate, rate, 7000, 0.9), got, 4000)).toBeGreaterThan(120);
  }
});

test('pieces give the same as the whole, bit by bit', () => {
  const random = new Random(3);
  const noise = Float32Array.from({ length: 30000 }, () => random.range(-1, 1));
  for (const rate of [44100, 48000, 8000, 12345]) {
    const whole = resample(noise, rate, 16000);
    const resampler = new Resampler(rate, 16000);
    const out: number[] = [];
    for (let at = 0; at < noise.length; ) {
      const size = 1 + random.int(5000);
      out.push(...resampler.push(noise.subarray(at, at + size)));
      at += size;
    }
    out.push(...resampler.flush());
    expect(Float32Array.from(out)).toEqual(whole);
  }
});

test.each([0, 1, 2, 3, 159, 1000])('%d samples give round(n to / from)', (length) => {
  for (const [from, to] of [
    [44100, 16000],
    [8000, 16000],
    [192000, 16000],
    [16000, 48000],
  ]) {
    expect(resample(new Float32Array(length), from, to)).toHaveLength(Math.round((length * to) / from));
  }
});

test('a constant stays what it is away from the ends, and an impulse stays in its place', () => {
  const flat = resample(new Float32Array(20000).fill(0.25), 44100, 16000);
  expect(flat.subarray(1000, 6000).every((x) => Math.abs(x - 0.25) < 1e-6)).toBe(true);
  const impulse = new Float32Array(9000);
  impulse[4410] = 1;
  const out = resample(impulse, 44100, 16000);
  expect(out.indexOf(Math.max(...out))).toBe(1600);
});

test('loud sound is not clipped', () => {
  const square = Float32Array.from({ length: 44100 }, (_, i) => (i % 100 < 50 ? 1 : -1));
  expect(Math.max(...resample(square, 44100, 16000))).toBeGreaterThan(1.05);
});

test('refuses rates that cannot be meant', () => {
  for (const rate of [0, -1, 0.5, 44100.5, Number.NaN, 1e9])
    expect(() => new Resampler(rate, 16000)).toThrow(RangeError);
});
