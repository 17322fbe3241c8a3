import { describe, expect, it } from 'vitest';
import { isSpeechAlone, type Scene } from '../../../src/corpus/index.js';
import { Random } from '../../../src/random.js';
import type { Clip } from '../../../src/train/nano/encoder.js';
import { covers, isBackground, isForeground, layOver } from '../../../src/train/nano/mix.js';
import { type ByteMel, melFrames } from '../../../src/train/nano/shards.js';
import { EMPTY, noiseClip, picture, SPEAKER } from './clips.js';

const RATE = 16000;
const EVENT = { label: 'dog bark', level: -3, distance: 'close' } as const;
const MUSIC = {
  drums: false,
  beatsPerMinute: 100,
  tempo: 'medium',
  key: 'C',
  mode: 'major',
} as const;

const speech: Scene = {
  ...EMPTY,
  seconds: 6,
  speakers: [SPEAKER],
  speech: [{ speaker: 0, words: 'a dog', sentence: 'A dog.', start: 1, end: 3 }],
  room: { kind: 'room', rt60: 0.5 },
};
const background: Scene = {
  ...EMPTY,
  seconds: 4,
  music: { ...MUSIC, instruments: ['piano'], mood: 'cheerful', start: 0.5, end: 3, role: 'foreground', level: 0 },
  events: [{ ...EVENT, start: 1, end: 2 }],
};

/** Noise in a band around a frequency, of unit power, as the recipe makes all sounds. */
function hum(hertz: number, seconds: number, seed: string): Float32Array {
  const random = new Random(seed);
  const x = Float32Array.from({ length: seconds * RATE }, (_, t) => {
    return Math.sin((2 * Math.PI * hertz * t) / RATE) + 0.05 * random.normal();
  });
  const rms = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);
  return x.map((v) => v / rms);
}

const values = ({ frames, bytes, top }: ByteMel): Float32Array => {
  const out = new Float32Array(bytes.length);
  melFrames({ frames, bytes, top }, 0, frames, out, 0, frames);
  return out;
};

describe('layOver', () => {
  it('makes the picture of the sounds played together', () => {
    const [a, b] = [hum(440, 3, 'a'), hum(2000, 3, 'b')];
    for (const seed of ['quiet', 'loud', 'middle']) {
      const { mel } = layOver(
        { scene: speech, mel: picture(a) },
        { scene: background, mel: picture(b) },
        new Random(seed),
      );
      // The level is drawn; it shows at 2 kHz, where the speech has next to nothing.
      const peak = (x: Float32Array, frames: number) =>
        Math.max(...Array.from({ length: 128 }, (_, band) => (band > 60 ? x[band * frames + 150] : -9)));
      const gain = 10 ** (2 * (peak(values(mel), mel.frames) - peak(values(picture(b)), mel.frames)));
      expect(gain).toBeLessThan(1.05);
      expect(gain).toBeGreaterThan(0.3);
      const played = picture(a.map((x, t) => x + gain * b[t]));
      // The recipe brings what it hears to unit power, so that the two differ by one constant.
      const shift = 0.25 * Math.log10(1 + gain * gain);
      const [mixed, real] = [values(mel), values(played)];
      // Noise adds up in power only on average: single cells differ by what the two happen to do to each other, and the mean
      // of their logarithms a little with them (0.075 would be a factor of 2).
      const errors = Array.from(mixed, (x, i) => x - shift - real[i]);
      expect(Math.abs(errors.reduce((sum, x) => sum + x, 0) / errors.length)).toBeLessThan(0.03);
      const sizes = errors.map(Math.abs).sort((x, y) => x - y);
      expect(sizes[Math.floor(0.5 * sizes.length)]).toBeLessThan(0.05);
      expect(sizes[Math.floor(0.95 * sizes.length)]).toBeLessThan(0.2);
    }
  });

  it('tells the scene of both, at the times where the background came to lie', () => {
    const under = noiseClip(background, 'under');
    for (const seed of ['1', '2', '3', '4']) {
      const { scene, mel } = layOver(noiseClip(speech, 'over'), under, new Random(seed));
      expect(mel.frames).toBe(600);
      expect(scene).toMatchObject({ speech: speech.speech, speakers: speech.speakers, room: speech.room, seconds: 6 });
      const shift = scene.events[0].start - 1;
      expect(shift).toBeGreaterThanOrEqual(0);
      expect(shift).toBeLessThanOrEqual(2);
      expect(scene.events[0].end - 2).toBeCloseTo(shift, 6);
      expect(scene.music?.role).toBe('background');
      expect(scene.music?.start).toBeCloseTo(0.5 + shift, 6);
      expect(scene.music?.end).toBeCloseTo(3 + shift, 6);
    }
  });

  it('cuts what a longer background has before and after the speech, and no longer tells what is gone', () => {
    const long: Scene = {
      ...EMPTY,
      seconds: 10,
      ambience: { label: 'rain', level: -8 },
      events: Array.from({ length: 10 }, (_, i) => ({ ...EVENT, start: i, end: i + 0.9 })),
    };
    const { scene } = layOver(noiseClip(speech, 'over'), noiseClip(long, 'under'), new Random('long'));
    expect(scene.ambience).toEqual(long.ambience);
    expect(scene.events.length).toBeGreaterThanOrEqual(5);
    expect(scene.events.length).toBeLessThanOrEqual(7);
    for (const { start, end } of scene.events) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(6);
      expect(end - start).toBeGreaterThanOrEqual(0.2);
    }
  });
});

describe('what can be laid over what', () => {
  const clip = (scene: Scene): Clip => noiseClip(scene, 'clip');

  it('is speech with nothing else, over clips without speech or noise of their own', () => {
    const telephone: Scene = { ...speech, quality: { band: 'narrow', noise: 'none' } };
    expect([speech, telephone].map(isForeground)).toEqual([true, false]);
    expect([speech, telephone].map(isSpeechAlone)).toEqual([true, true]);
    for (const scene of [{ ...speech, events: background.events }, background]) {
      expect([isSpeechAlone(scene), isForeground(scene)]).toEqual([false, false]);
    }
    expect(isBackground(background)).toBe(true);
    expect(isBackground(speech)).toBe(false);
    expect(isBackground({ ...background, quality: { band: 'full', noise: 'slight' } })).toBe(false);
  });

  it('must go on all through the speech where it has an ambience', () => {
    const rain = { label: 'rain', level: 0 };
    expect(covers(clip(speech), clip(background))).toBe(true);
    expect(covers(clip(speech), clip({ ...background, ambience: rain }))).toBe(false);
    expect(covers(clip(speech), clip({ ...background, ambience: rain, seconds: 6 }))).toBe(true);
  });
});
