import { describe, expect, it } from 'vitest';
import { scenesFor, shardPlans } from '../../src/corpus/build.js';
import { composeScene } from '../../src/corpus/compose.js';
import { MAX_SECONDS, MIN_SECONDS, planScene } from '../../src/corpus/plan.js';
import type { Scene } from '../../src/corpus/scene.js';
import { RATE } from '../../src/corpus/sources/dsp.js';

/** Enough to meet every combination of parts; each takes a tenth of a second or more. */
const planned = await Promise.all(Array.from({ length: 24 }, (_, i) => planScene(`tests/valid/${i}`, 'valid')));
const scenes = planned.map((p) => p.scene);

describe('planned scenes', () => {
  it('are the same again from the same seed, and differ from one seed to the next', async () => {
    const again = await planScene('tests/valid/3', 'valid');
    expect(again.scene).toEqual(scenes[3]);
    expect(composeScene(again.scene, again.stems)).toEqual(composeScene(scenes[3]!, planned[3]!.stems));
    const bare = scenes.map(({ id: _id, seed: _seed, ...rest }) => JSON.stringify(rest));
    expect(new Set(bare).size).toBe(bare.length);
  });

  it('keep speech and events within the clip, in order, and apart from each other', () => {
    for (const { seconds, speech, events, speakers, music } of scenes) {
      expect(seconds).toBeGreaterThanOrEqual(MIN_SECONDS);
      expect(seconds).toBeLessThanOrEqual(MAX_SECONDS);
      for (const parts of [speech, events]) {
        parts.forEach((part, i) => {
          expect(part.start).toBeGreaterThanOrEqual(i === 0 ? 0 : parts[i - 1]!.end);
          expect(part.end).toBeGreaterThan(part.start);
          expect(part.end).toBeLessThanOrEqual(seconds);
        });
      }
      expect(speakers.length).toBe(new Set(speech.map((t) => t.speaker)).size);
      for (const turn of speech) expect(turn.sentence.slice(0, -1).toLowerCase()).toBe(turn.words);
      if (!music) continue;
      expect(music.start).toBeGreaterThanOrEqual(0);
      expect(music.end).toBeLessThanOrEqual(seconds);
      expect(music.end - music.start).toBeGreaterThan(2);
      const [low, high] = { slow: [60, 80], medium: [95, 115], fast: [135, 170] }[music.tempo] as [number, number];
      expect(music.beatsPerMinute).toBeGreaterThanOrEqual(low);
      expect(music.beatsPerMinute).toBeLessThanOrEqual(high);
      expect(music.role).toBe(speech.length > 0 ? 'background' : 'foreground');
    }
  });

  it('hold speech alone where that is wanted, until the clip is full, by one person or by two in turn', async () => {
    const talks = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => (await planScene(`tests/train/${i}`, 'train', 'speech')).scene),
    );
    for (const { seconds, speech, speakers, music, events, ambience } of talks) {
      expect([music, events, ambience]).toEqual([null, [], null]);
      expect(seconds).toBeLessThanOrEqual(MAX_SECONDS);
      // No room was left for the longest of nine words, said slowly.
      expect(speech.at(-1)!.end).toBeGreaterThan(4);
      speech.forEach(({ speaker, start }, i) => {
        expect(speaker).toBe(i % speakers.length);
        if (i > 0) expect(start).toBeGreaterThan(speech[i - 1]!.end);
      });
    }
    expect(Math.max(...talks.map(({ speech }) => speech.length))).toBeGreaterThan(2);
    expect(new Set(talks.map(({ speakers }) => speakers.length))).toEqual(new Set([1, 2]));
  });

  it('contain something, and set levels against the loudest part', () => {
    for (const { speech, music, events, ambience } of scenes) {
      const others = [music, ambience, ...events].filter((x) => x !== null);
      expect(speech.length + others.length).toBeGreaterThan(0);
      const levels = others.map((part) => part.level);
      if (speech.length === 0) expect(Math.max(...levels)).toBe(0);
      for (const level of levels) expect(level).toBeGreaterThan(-40);
    }
  });

  it('have parts as long as their times say', () => {
    for (const { scene, stems } of planned) {
      const pairs: [{ start: number; end: number }, Float32Array][] = [
        ...scene.speech.map((turn, i) => [turn, stems.speech[i]!] as [typeof turn, Float32Array]),
        ...scene.events.map((event, i) => [event, stems.events[i]!] as [typeof event, Float32Array]),
        ...(scene.music ? [[scene.music, stems.music!] as [typeof scene.music, Float32Array]] : []),
      ];
      expect(stems.events.length).toBe(scene.events.length);
      for (const [{ start, end }, stem] of pairs) expect(stem.length / RATE).toBeCloseTo(end - start, 1);
    }
  });
});

describe('composed clips', () => {
  it('are finite, as long as the scene, and peak between 0.3 and 0.9', () => {
    for (const { scene, stems } of planned) {
      const samples = composeScene(scene, stems);
      expect(samples.length).toBe(Math.round(scene.seconds * RATE));
      expect(samples.every(Number.isFinite)).toBe(true);
      const peak = samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      expect(peak).toBeGreaterThanOrEqual(0.299);
      expect(peak).toBeLessThanOrEqual(0.901);
    }
  });
});

describe('splits and shards', () => {
  const seedsOf = (split: Scene['split'], scenes: number): string[] =>
    shardPlans({ out: 'x', seed: 's', split, scenes, jobs: 1 }).flatMap((plan) =>
      Array.from({ length: plan.count }, (_, i) => `${plan.seed}/${plan.split}/${plan.first + i}`),
    );

  it('cover every number once and share no seed between splits', () => {
    const all = (['train', 'valid', 'test'] as const).flatMap((split) => seedsOf(split, 150));
    expect(all.length).toBe(450);
    expect(new Set(all).size).toBe(450);
    expect(seedsOf('train', 150).slice(0, 100)).toEqual(seedsOf('train', 100));
  });

  it('make another scene of the same number in another split', async () => {
    const { scene } = await planScene('tests/train/3', 'train');
    expect(scene.id).not.toBe(scenes[3]!.id);
    expect({ ...scene, id: '', seed: '', split: '' }).not.toEqual({ ...scenes[3]!, id: '', seed: '', split: '' });
  });

  it('turn hours into a number of scenes, about right in the mean', () => {
    const mean = scenes.reduce((sum, scene) => sum + scene.seconds, 0) / scenes.length;
    expect((scenesFor(1) * mean) / 3600).toBeGreaterThan(0.75);
    expect((scenesFor(1) * mean) / 3600).toBeLessThan(1.25);
    expect(scenesFor(0.0001)).toBe(1);
  });
});
