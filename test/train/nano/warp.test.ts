import { describe, expect, it } from 'vitest';
import type { Scene } from '../../../src/corpus/index.js';
import { Random } from '../../../src/random.js';
import type { ByteMel } from '../../../src/train/nano/shards.js';
import { warp } from '../../../src/train/nano/warp.js';
import { EMPTY, picture, SPEAKER } from './clips.js';

const RATE = 16000;

const TURNS = [
  { start: 0.5, end: 1.2 },
  { start: 1.9, end: 2.4 },
  { start: 3.1, end: 3.7 },
];
const scene: Scene = {
  ...EMPTY,
  speakers: [SPEAKER],
  speech: TURNS.map((turn) => ({ speaker: 0, words: 'a dog', sentence: 'A dog.', ...turn })),
};

/** A tone in each turn, next to nothing between. */
function tones(hertz: number): Float32Array {
  const random = new Random('tones');
  return Float32Array.from({ length: 4 * RATE }, (_, i) => {
    const on = TURNS.some(({ start, end }) => i >= start * RATE && i < end * RATE);
    return (on ? 0.3 * Math.sin((2 * Math.PI * hertz * i) / RATE) : 0) + 1e-4 * random.normal();
  });
}

/** Seconds at which a band's level passes the middle between its most and its least. */
function edges({ frames, bytes }: ByteMel, band: number): number[] {
  const row = bytes.subarray(band * frames, (band + 1) * frames);
  const middle = (Math.max(...row) + Math.min(...row)) / 2;
  return [...row.keys()].filter((t) => t > 0 && row[t] > middle !== row[t - 1] > middle).map((t) => t / 100);
}

const loudest = ({ frames, bytes }: ByteMel, at: number): number =>
  Array.from({ length: 128 }, (_, band) => band).reduce((best, band) =>
    bytes[band * frames + at] > bytes[best * frames + at] ? band : best,
  );

const SEEDS = Array.from({ length: 24 }, (_, i) => `seed ${i}`);

describe('warp', () => {
  const mel = picture(tones(1000));

  it('tells the times at which the turns have come to lie', () => {
    const moved: number[] = [];
    for (const seed of SEEDS) {
      const said = warp({ scene, mel }, new Random(seed));
      expect(said.mel.frames).toBe(mel.frames);
      expect(said.mel.bytes.length).toBe(mel.bytes.length);
      const told = said.scene.speech.flatMap(({ start, end }) => [start, end]);
      const heard = edges(said.mel, loudest(said.mel, Math.round(((told[0] + told[1]) / 2) * 100)));
      expect(heard).toHaveLength(told.length);
      // A window of 25 ms and frames of 10 ms blur an edge by as much.
      heard.forEach((t, i) => {
        expect(Math.abs(t - told[i])).toBeLessThan(0.035);
      });
      moved.push(...told.map((t, i) => Math.abs(t - TURNS.flatMap(({ start, end }) => [start, end])[i])));
      expect(said.scene.speech.map(({ sentence }) => sentence)).toEqual(scene.speech.map(({ sentence }) => sentence));
    }
    // A quarter of 4 s at 12 % is the most that a wave of the whole length moves: 4 x 0.12 / pi.
    expect(Math.max(...moved)).toBeGreaterThan(0.08);
    expect(Math.max(...moved)).toBeLessThan(0.16);
  });

  it('makes the voice higher or lower by at most a semitone', () => {
    const bandOf = (hertz: number) => loudest(picture(tones(hertz)), 80);
    const bands = SEEDS.map((seed) => {
      const said = warp({ scene, mel }, new Random(seed));
      const { start, end } = said.scene.speech[0];
      return loudest(said.mel, Math.round(((start + end) / 2) * 100));
    });
    expect(Math.min(...bands)).toBeGreaterThanOrEqual(bandOf(940) - 1);
    expect(Math.max(...bands)).toBeLessThanOrEqual(bandOf(1060) + 1);
    expect(Math.min(...bands)).toBeLessThan(bandOf(1000));
    expect(Math.max(...bands)).toBeGreaterThan(bandOf(1000));
  });

  it('leaves the clip that it was given as it was', () => {
    const given = { scene, mel: { ...mel, bytes: mel.bytes.slice() } };
    warp(given, new Random('any'));
    expect(given.mel.bytes).toEqual(mel.bytes);
    expect(given.scene.speech.map(({ start, end }) => ({ start, end }))).toEqual(TURNS);
  });
});
