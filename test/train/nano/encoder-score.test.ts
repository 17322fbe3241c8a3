import { describe, expect, it } from 'vitest';
import { EVENTS, type Scene } from '../../../src/corpus/index.js';
import { type EncoderBatch, type EncoderTrainer, layClips } from '../../../src/train/nano/encoder.js';
import { scoreEncoder } from '../../../src/train/nano/encoder-score.js';
import { WORD_CLASSES, wordTurns } from '../../../src/train/nano/spoken.js';
import { TAGS } from '../../../src/train/nano/tags.js';
import { EMPTY, noiseClip, SMALL, SPEAKER } from './clips.js';

const FRAMES = 1200;
const TOKENS = FRAMES / 8;

const SPEECH: Scene = {
  ...EMPTY,
  speakers: [SPEAKER, { ...SPEAKER, gender: 'man' }],
  speech: [
    { speaker: 0, words: 'a dog', sentence: 'A dog.', start: 0.2, end: 1.8 },
    { speaker: 1, words: 'the cat', sentence: 'The cat.', start: 2, end: 3.6 },
  ],
};
const MUSIC: Scene = {
  ...EMPTY,
  seconds: 3,
  music: {
    ...{ instruments: ['piano', 'flute'], drums: false, beatsPerMinute: 60, tempo: 'slow', key: 'C', mode: 'minor' },
    ...{ mood: 'sad', start: 0.5, end: 2.5, role: 'foreground', level: 0 },
  },
};
const SOUND: Scene = {
  ...EMPTY,
  seconds: 3,
  events: [0, 1].map((i) => ({ label: EVENTS[i].label, start: i, end: i + 0.9, level: 0, distance: 'close' })),
};

const batch = layClips(
  SMALL,
  FRAMES,
  [SPEECH, MUSIC, SOUND].map((scene, i) => noiseClip(scene, `clip ${i}`)),
);
const truth = (batch.inputs.tag_target.data as Float32Array).map((x) => x - 0.5);

/** Scores of words under which greedy decoding gives the truth: a word, a blank, a word, ... */
function spellOut({ spans }: EncoderBatch): Float32Array {
  const words = new Float32Array(TOKENS * WORD_CLASSES);
  for (const { clip, start, tokens } of spans) {
    let at = start;
    for (const { labels } of wordTurns(clip.scene, tokens)) {
      for (const label of labels) {
        words[at * WORD_CLASSES + label] = 1;
        at += 2;
      }
    }
  }
  return words;
}

/** Scores of heads that say this. */
const scored = (tags: Float32Array, words = spellOut(batch)) =>
  scoreEncoder({ forward: async () => ({ tags, words, letters: new Float32Array(0) }) } as unknown as EncoderTrainer, [
    batch,
  ]);

/** The truth, but with a tag's scores changed. */
function but(tag: string, change: (logit: number) => number): Float32Array {
  const column = TAGS.indexOf(tag);
  expect(column).toBeGreaterThanOrEqual(0);
  return truth.map((x, i) => (i % TAGS.length === column ? change(x) : x));
}

describe('scoreEncoder', () => {
  it('gives all to heads that say the truth', async () => {
    const all = { tagF1: 1, presence: 1, wer: 0, events: 1, gender: 1, instruments: 1, tempo: 1, mode: 1 };
    expect(await scored(truth)).toEqual(all);
  });

  it('gives nothing to heads that say nothing', async () => {
    const silent = await scored(
      truth.map(() => -1),
      new Float32Array(TOKENS * WORD_CLASSES),
    );
    // Silence is nowhere right, and of two genders one is named first.
    expect(silent).toMatchObject({ tagF1: 0, presence: 0, wer: 1, events: 0, gender: 0.5, instruments: 0 });
  });

  it('counts each fact by its tags', async () => {
    // One of three clips, of two instruments, and of two genders; F1 of one event that is found, one that is not, one too many.
    expect(await scored(but('speech', () => -1))).toMatchObject({ presence: 2 / 3 });
    expect(await scored(but('instrument flute', () => -1))).toMatchObject({ instruments: 0, tempo: 1, mode: 1 });
    expect(await scored(but('tempo fast', () => 2))).toMatchObject({ instruments: 1, tempo: 0, mode: 1 });
    expect(await scored(but('mode major', (x) => x + 2))).toMatchObject({ tempo: 1, mode: 0 });
    expect(await scored(but('woman', (x) => x + 2))).toMatchObject({ gender: 0.5 });
    expect((await scored(but(`event ${EVENTS[0].label}`, () => -1))).events).toBeCloseTo(2 / 3, 12);
    expect((await scored(but(`event ${EVENTS[2].label}`, () => 1))).events).toBeCloseTo(4 / 7, 12);
  });

  it('says nothing of what no clip has', async () => {
    const alone = layClips(SMALL, FRAMES, [noiseClip(EMPTY, 'empty')]);
    const quiet = {
      tags: new Float32Array(TOKENS * TAGS.length).fill(-1),
      words: new Float32Array(TOKENS * WORD_CLASSES),
    };
    const encoder = { forward: async () => ({ ...quiet, letters: new Float32Array(0) }) } as unknown as EncoderTrainer;
    expect(await scoreEncoder(encoder, [alone])).toEqual({
      ...{ tagF1: 0, presence: 1, wer: 0 },
      ...{ events: null, gender: null, instruments: null, tempo: null, mode: null },
    });
  });
});
