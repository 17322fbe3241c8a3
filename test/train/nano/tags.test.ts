import { describe, expect, it } from 'vitest';
import type { Scene } from '../../../src/corpus/index.js';
import { AMBIENCES, EVENTS, INSTRUMENTS, VOICES } from '../../../src/corpus/index.js';
import { TAG_WEIGHTS, TAGS, tagScene, tokenAt } from '../../../src/train/nano/tags.js';
import { EMPTY, scenes, tokensOf } from './clips.js';

/** Tokens of four seconds. */
const TOKENS = 50;

/** Where each tag holds: runs of tokens, "from-to" with both included. */
function tagged(scene: Partial<Scene>, tokens = TOKENS): Record<string, string> {
  const out = new Float32Array(tokens * TAGS.length);
  tagScene({ ...EMPTY, ...scene }, tokens, out, 0);
  expect(out.every((x) => x === 0 || x === 1)).toBe(true);
  const found: Record<string, string> = {};
  TAGS.forEach((tag, k) => {
    const holds = (t: number): boolean => out[t * TAGS.length + k] === 1;
    const all = Array.from({ length: tokens }, (_, t) => t).filter(holds);
    const ends = all.filter((t) => t + 1 === tokens || !holds(t + 1));
    const starts = all.filter((t) => t === 0 || !holds(t - 1));
    if (all.length > 0) found[tag] = starts.map((start, i) => `${start}-${ends[i]}`).join(' ');
  });
  return found;
}

describe('TAGS', () => {
  it('are names for everything that scenes are made of, each once', () => {
    expect(new Set(TAGS).size).toBe(TAGS.length);
    const expected = [
      ...VOICES.map(({ id }) => `voice ${id}`),
      ...VOICES.map(({ accent }) => `accent ${accent}`),
      ...INSTRUMENTS.map(({ id }) => `instrument ${id}`),
      ...EVENTS.map(({ label }) => `event ${label}`),
      ...AMBIENCES.map(({ label }) => `ambience ${label}`),
    ];
    expect(expected.filter((tag) => !TAGS.includes(tag))).toEqual([]);
  });

  it('have room for every scene', () => {
    for (const scene of scenes(100, 'tags')) {
      const tokens = tokensOf(scene);
      expect(() => tagScene(scene, tokens, new Float32Array(tokens * TAGS.length), 0)).not.toThrow();
    }
  });

  it('weigh by kind', () => {
    const weight = (tag: string) => TAG_WEIGHTS[TAGS.indexOf(tag)];
    expect(TAG_WEIGHTS.length).toBe(TAGS.length);
    expect(EVENTS.map(({ label }) => weight(`event ${label}`))).toEqual(EVENTS.map(() => 4));
    expect(['mood sad', 'pace slow', 'mode minor', 'music tense'].map(weight)).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(['speech', 'music', 'sound', 'woman', 'tempo slow', 'room', 'background music'].map(weight)).toEqual(
      new Array(7).fill(1),
    );
  });
});

describe('tokenAt', () => {
  it.each([
    [0, 0],
    [0.079, 0],
    [0.08, 1],
    // Not 2.9999999999999996.
    [0.24, 3],
    [0.95, 11],
    [1, 12],
    [2.5, 31],
    [11.99, 149],
  ])('hears %d s by token %i', (seconds, token) => {
    expect(tokenAt(seconds)).toBe(token);
  });
});

describe('tagScene', () => {
  it('says nothing of an empty scene', () => {
    expect(tagged({})).toEqual({});
  });

  it('tags a turn with its speaker while it lasts', () => {
    const voice = VOICES.find(({ age }) => age !== 'adult')!;
    const speaker = { voice: voice.id, gender: voice.gender, age: voice.age, accent: voice.accent };
    const speech = [{ speaker: 0, words: 'a', sentence: 'A.', start: 1.1, end: 2.3 }];
    const now = '13-28';
    expect(tagged({ speakers: [{ ...speaker, pace: 'fast', mood: 'sad' }], speech })).toEqual({
      speech: now,
      [`voice ${voice.id}`]: now,
      [voice.gender]: now,
      [voice.age]: now,
      [`accent ${voice.accent}`]: now,
      'mood sad': now,
      'pace fast': now,
    });
  });

  it('tells two speakers apart, and that there are two over the whole clip', () => {
    const [a, b] = [VOICES.find((v) => v.gender === 'man')!, VOICES.find((v) => v.gender === 'woman')!];
    const speakers = [a, b].map(({ id, gender, accent }) => {
      return { voice: id, gender, age: 'adult', accent, pace: 'normal', mood: 'neutral' } as const;
    });
    const speech = [0, 1].map((speaker) => {
      return { speaker, words: 'a', sentence: 'A.', start: 2 * speaker, end: 2 * speaker + 1.5 };
    });
    const found = tagged({ speakers, speech });
    const turns = { speech: '0-18 25-43', man: '0-18', woman: '25-43' };
    expect(found).toMatchObject({ 'two speakers': '0-49', 'mood neutral': '0-18 25-43', ...turns });
    expect(found).toMatchObject({ [`voice ${a.id}`]: '0-18', [`voice ${b.id}`]: '25-43' });
    expect(Object.keys(found).filter((tag) => /^(elderly|young|child)$/.test(tag))).toEqual([]);
  });

  it('tags music, with drums and its role where they are so', () => {
    const [one, two] = INSTRUMENTS;
    const about = { beatsPerMinute: 100, key: 'C', level: 0, start: 1, end: 9 };
    const music = { ...about, mode: 'minor', tempo: 'slow', mood: 'tense' } as const;
    const instruments = [one.id, two.id];
    const now = '12-49';
    const plain = {
      music: now,
      [`instrument ${one.id}`]: now,
      [`instrument ${two.id}`]: now,
      'tempo slow': now,
      'mode minor': now,
      'music tense': now,
    };
    expect(tagged({ music: { ...music, instruments, drums: false, role: 'foreground' } })).toEqual(plain);
    const more = { drums: now, 'background music': now };
    expect(tagged({ music: { ...music, instruments, drums: true, role: 'background' } })).toEqual({
      ...plain,
      ...more,
    });
  });

  it('tags events when they sound, and an ambience all the time', () => {
    const [one, other] = EVENTS;
    const event = { level: 0, distance: 'close' } as const;
    const events = [
      { ...event, label: one.label, start: 0.5, end: 1 },
      { ...event, label: other.label, start: 0.9, end: 2 },
      { ...event, label: other.label, start: 3, end: 3.1 },
      { ...event, label: other.label, start: 5, end: 6 },
    ];
    const found = tagged({ events });
    expect(found).toEqual({
      sound: '6-25 37-38',
      [`event ${one.label}`]: '6-12',
      [`event ${other.label}`]: '11-25 37-38',
    });
    const ambience = { label: AMBIENCES[0].label, level: -20 };
    expect(tagged({ ambience })).toEqual({ sound: '0-49', [`ambience ${ambience.label}`]: '0-49' });
  });

  it('tags the room and the recording all the time', () => {
    const quality = { band: 'narrow', noise: 'strong' } as const;
    expect(tagged({ room: { kind: 'hall', rt60: 2 }, quality })).toEqual({
      hall: '0-49',
      'narrow band': '0-49',
      'strong noise': '0-49',
    });
    expect(tagged({ room: { kind: 'room', rt60: 0.4 }, quality: { band: 'full', noise: 'slight' } })).toEqual({
      room: '0-49',
      'slight noise': '0-49',
    });
  });

  it('writes into its own tokens only', () => {
    const out = new Float32Array(30 * TAGS.length);
    tagScene({ ...EMPTY, room: { kind: 'hall', rt60: 2 } }, 7, out, 11);
    const hall = TAGS.indexOf('hall');
    const rows = Array.from({ length: 30 }, (_, t) => out.subarray(t * TAGS.length, (t + 1) * TAGS.length));
    expect(rows.flatMap((row, t) => (row.some((x) => x !== 0) ? [t] : []))).toEqual([11, 12, 13, 14, 15, 16, 17]);
    expect(rows[12].reduce((a, b) => a + b)).toBe(rows[12][hall]);
  });

  it('refuses what has no tag', () => {
    const events = [{ label: 'unicorn', start: 0, end: 1, level: 0, distance: 'close' as const }];
    expect(() => tagged({ events })).toThrow('no tag "event unicorn"');
  });
});
