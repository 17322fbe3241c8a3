import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWavMetadata } from '../../src/audio/index.js';
import { Random } from '../../src/random.js';
import { damaged, type Format, outcomeOf, seedsOf } from './seeds.js';

/**
 * Damaged files by the tens of thousands: each ends in sound or in a BagpiperError, with work and memory in proportion
 * to its size. With mutation-wasm.test.ts 100,000 in all.
 */
const path = process.env.PATH;
beforeAll(() => {
  // What is taken for a foreign format must not start an ffmpeg that many times.
  process.env.PATH = '';
});
afterAll(() => {
  process.env.PATH = path;
});

test.each(['wav', 'flac', 'ogg flac', 'mp3', 'ogg vorbis', 'ogg opus'] as Format[])(
  '%s undamaged gives the same however few bytes come at a time',
  async (format) => {
    for (const seed of await seedsOf(format)) {
      const whole = await outcomeOf(seed, 65536);
      expect(whole).toMatchObject({ kind: 'sound' });
      for (const piece of [1, 7, 100]) expect((await outcomeOf(seed, piece)).samples).toBe(whole.samples);
    }
  },
);

test.each([
  ['wav', 41_000],
  ['flac', 28_000],
  ['ogg flac', 10_000],
] as [Format, number][])('%s, %d damaged files', { timeout: 600_000 }, async (format, count) => {
  const seeds = await seedsOf(format);
  const random = new Random(`mutation ${format}`);
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const bytes = damaged(format, seeds, random);
    const outcome = await outcomeOf(bytes, random.pick([65536, 65536, 100, 7]));
    if (outcome.kind === 'refused') refused++;
    // A FLAC frame of 11 bytes can state 65,535 samples of silence in 8 channels; nothing gives more.
    expect(outcome.samples).toBeLessThanOrEqual(8 * 65536 * (1 + bytes.length / 11));
    if (format === 'wav') expect(outcome.samples).toBeLessThanOrEqual(bytes.length);
  }
  // Both ends are reached, or the damage was too little or too much.
  expect(refused).toBeGreaterThan(count * 0.1);
  expect(refused).toBeLessThan(count * 0.95);
});

test('texts of 10,000 damaged WAV files', { timeout: 600_000 }, async () => {
  const seeds = await seedsOf('wav');
  const random = new Random('mutation metadata');
  for (let i = 0; i < 10_000; i++) {
    const bytes = damaged('wav', seeds.slice(0, 1), random);
    const texts = await readWavMetadata(bytes);
    expect(Object.values(texts).join('').length).toBeLessThanOrEqual(bytes.length);
  }
});
