import { describe, expect, it } from 'vitest';
import { AMBIENCES, EVENTS, INSTRUMENTS, LEXICON, type Scene, VOICES } from '../../../src/corpus/index.js';
import { BagpiperError } from '../../../src/errors.js';
import { Random } from '../../../src/random.js';
import {
  type Adaptor,
  type AdaptorFit,
  carryAdaptor,
  fitAdaptor,
  type HeardClip,
} from '../../../src/train/nano/adaptor.js';
import { trainTokenizer } from '../../../src/train/nano/prepare.js';
import { WORD_CLASSES } from '../../../src/train/nano/spoken.js';
import { EMPTY, scenes } from './clips.js';

const [HIDDEN, FIRST_TEXT, TEXT_IDS, TOKENS] = [6, 3, 400, 50];
const { tokenizer } = trainTokenizer(scenes(20, 'adaptor'), TEXT_IDS, 'adaptor');
const random = new Random('adaptor');
const EMBEDDINGS = Float32Array.from({ length: (FIRST_TEXT + TEXT_IDS) * HIDDEN }, () => random.normal());

/** A clip, and the texts that its tokens `from` to `to` should look like. */
interface Told {
  scene: Scene;
  says: [text: string, from: number, to: number][];
}

const [EVENT, AMBIENCE, INSTRUMENT] = [EVENTS[0].label, AMBIENCES[0].label, INSTRUMENTS[0].id];
const VOICE = VOICES.find(({ age }) => age === 'adult')!;
const SPEAKER = { voice: VOICE.id, gender: VOICE.gender, age: VOICE.age, accent: VOICE.accent } as const;
const MUSIC = { beatsPerMinute: 90, key: 'C', level: 0, role: 'background', start: 2, end: 9 } as const;

/** Hand-made scenes in which, together, every part of a target comes and goes. */
const TOLD: Told[] = [
  {
    scene: { ...EMPTY, events: [{ label: EVENT, start: 0, end: 1.5, level: 0, distance: 'close' }] },
    says: [
      ['sound', 0, 18],
      [EVENT, 0, 18],
    ],
  },
  {
    scene: {
      ...EMPTY,
      speakers: [{ ...SPEAKER, pace: 'fast', mood: 'sad' }],
      speech: [{ speaker: 0, words: 'a', sentence: 'A.', start: 1, end: 3.5 }],
    },
    says: ['speech', SPEAKER.gender, SPEAKER.accent, 'sad', 'fast'].map((text) => [text, 12, 43]),
  },
  {
    scene: {
      ...EMPTY,
      music: { ...MUSIC, instruments: [INSTRUMENT], drums: true, tempo: 'slow', mode: 'minor', mood: 'tense' },
    },
    says: ['music', INSTRUMENT, 'slow', 'minor', 'tense', 'drums', 'background music'].map((text) => [text, 25, 49]),
  },
  {
    scene: { ...EMPTY, ambience: { label: AMBIENCE, level: -20 }, room: { kind: 'hall', rt60: 2 } },
    says: ['sound', AMBIENCE, 'hall'].map((text) => [text, 0, 49]),
  },
  { scene: { ...EMPTY, quality: { band: 'narrow', noise: 'slight' } }, says: [['narrow band', 0, 49]] },
];
TOLD[4].says.push(['slight noise', 0, 49]);

/** Mean of a text's embeddings, as within a sentence. */
function meaning(text: string): number[] {
  const ids = [...tokenizer.encode(` ${text}`)];
  const of = (i: number) => ids.reduce((sum, id) => sum + EMBEDDINGS[(FIRST_TEXT + id) * HIDDEN + i], 0) / ids.length;
  return Array.from({ length: HIDDEN }, (_, i) => of(i));
}

/** What the clip's tokens should become, [TOKENS, HIDDEN]. */
function targets({ says }: Told): number[][] {
  const rows = Array.from({ length: TOKENS }, () => new Array<number>(HIDDEN).fill(0));
  for (const [text, from, to] of says) {
    const vector = meaning(text);
    for (let t = from; t <= to; t++) for (let i = 0; i < HIDDEN; i++) rows[t][i] += vector[i];
  }
  return rows;
}

/** A word head that never hears a word. */
const deaf = (width: number): AdaptorFit['words'] => {
  const bias = new Float32Array(WORD_CLASSES).fill(-10);
  bias[0] = 10;
  return { weight: new Float32Array(WORD_CLASSES * width), bias };
};

function fit(clips: HeardClip[], width: number, words = deaf(width)): (features: ArrayLike<number>) => number[] {
  const sizes = { hidden: HIDDEN, width, firstText: FIRST_TEXT };
  const { weight, bias } = fitAdaptor({ ...sizes, clips, words, tokenizer, embeddings: EMBEDDINGS });
  expect([weight.length, bias.length]).toEqual([HIDDEN * width, HIDDEN]);
  return (features) =>
    Array.from(bias, (b, j) => {
      let sum = b;
      for (let i = 0; i < width; i++) sum += weight[j * width + i] * features[i];
      return sum;
    });
}

const rowsOf = (features: Float32Array, width: number) =>
  Array.from({ length: features.length / width }, (_, t) => features.subarray(t * width, (t + 1) * width));

/** Largest error of the map over all tokens. */
function largestError(map: (x: ArrayLike<number>) => number[], heard: HeardClip[], wanted: number[][][]): number {
  let most = 0;
  heard.forEach(({ features }, c) => {
    rowsOf(features, features.length / TOKENS).forEach((row, t) => {
      map(row).forEach((y, j) => {
        most = Math.max(most, Math.abs(y - wanted[c][t][j]));
      });
    });
  });
  return most;
}

/** Features that are a rotation of the target, plus a constant; more numbers may follow. */
function mirrored(target: readonly number[], ...more: number[]): number[] {
  // A reflection along a vector of odd lengths: orthogonal, so the ridge matters equally little everywhere.
  const along = [1, 2, -3, 5, -1, 2];
  const scale = along.reduce((sum, x, i) => sum + x * target[i], 0) / 22;
  return [...target.map((x, i) => x - scale * along[i] + 0.5), ...more];
}

describe('fitAdaptor', () => {
  it('restores the target where features are a linear image of it', () => {
    const wanted = TOLD.map(targets);
    const heard = TOLD.map(({ scene }, c) => {
      return { scene, features: Float32Array.from(wanted[c].flatMap((row) => mirrored(row))) };
    });
    const size = Math.max(...wanted.flat(2).map(Math.abs));
    expect(largestError(fit(heard, HIDDEN), heard, wanted)).toBeLessThan(0.02 * size);
  });

  it('adds the word that the head is sure of, where somebody speaks', () => {
    const kinds = [7, 200];
    const width = HIDDEN + 2;
    const words = deaf(width);
    kinds.forEach((kind, k) => {
      words.weight[kind * width + HIDDEN + k] = 40;
    });
    // Word 7 in every third token, word 200 in every fifth: where both sound, the head is sure of neither.
    const heardAt = (t: number) => [t % 3 === 0 ? 1 : 0, t % 5 === 0 ? 1 : 0];
    const wanted = TOLD.map((told) => {
      const rows = targets(told);
      if (told.scene.speech.length === 0) return rows;
      return rows.map((row, t) => {
        const marks = heardAt(t);
        if (marks[0] === marks[1]) return row;
        const vector = meaning(LEXICON[kinds[marks.indexOf(1)] - 1]);
        return row.map((x, i) => x + vector[i]);
      });
    });
    const heard = TOLD.map(({ scene }, c) => {
      return { scene, features: Float32Array.from(wanted[c].flatMap((row, t) => mirrored(row, ...heardAt(t)))) };
    });
    const size = Math.max(...wanted.flat(2).map(Math.abs));
    expect(largestError(fit(heard, width, words), heard, wanted)).toBeLessThan(0.02 * size);
  });

  it('is least squares otherwise: what is left over has nothing in common with the features', () => {
    const width = 4;
    const heard = TOLD.map(({ scene }) => {
      return { scene, features: Float32Array.from({ length: TOKENS * width }, () => 1 + random.normal()) };
    });
    const map = fit(heard, width);
    const wanted = TOLD.map(targets);
    const sums = Array.from({ length: width + 1 }, () => new Array<number>(HIDDEN).fill(0));
    const squares = new Array<number>(width + 1).fill(0);
    heard.forEach(({ features }, c) => {
      rowsOf(features, width).forEach((row, t) => {
        const left = map(row).map((y, j) => wanted[c][t][j] - y);
        [...row, 1].forEach((x, i) => {
          squares[i] += x * x;
          left.forEach((y, j) => {
            sums[i][j] += x * y;
          });
        });
      });
    });
    // A thousandth of each feature's energy is the ridge's, times weights of size 1.
    sums.forEach((row, i) => {
      for (const sum of row) expect(Math.abs(sum)).toBeLessThan(2e-3 * squares[i]);
    });
  });

  it.each([
    ['nothing', () => 0],
    ['always the same', () => 0.7],
    ['no numbers', () => Number.NaN],
  ])('refuses features that are %s', (_, value) => {
    const features = Float32Array.from({ length: TOKENS * 4 }, value);
    const heard = TOLD.map(({ scene }) => ({ scene, features }));
    expect(() => fit(heard, 4)).toThrow(
      new BagpiperError('The encoder features do not vary: the audio encoder is not trained.'),
    );
  });
});

describe('carryAdaptor', () => {
  const [width, hidden] = [4, 3];
  const numbers = (length: number) => Float32Array.from({ length }, () => random.normal());
  const adaptor = { weight: numbers(hidden * width), bias: numbers(hidden) };
  const apply = ({ weight, bias }: Adaptor, x: ArrayLike<number>) =>
    Array.from(bias, (b, j) => Array.from(x).reduce((sum, v, i) => sum + weight[j * width + i] * v, b));

  it('makes of new features what the old ones were made into, where they say the same in another way', () => {
    const before = [numbers(30 * width), numbers(50 * width)];
    // Stretched, turned by a permutation, and moved: nothing is lost.
    const turned = (row: Float32Array) => [3 * row[2] + 1, -row[0], 0.5 * row[3] - 2, row[1]];
    const clips = before.map((features) => {
      return { before: features, now: Float32Array.from(rowsOf(features, width).flatMap(turned)) };
    });
    const carried = carryAdaptor(adaptor, clips, width);
    let [error, size] = [0, 0];
    for (const clip of clips) {
      const now = rowsOf(clip.now, width);
      rowsOf(clip.before, width).forEach((row, t) => {
        const wanted = apply(adaptor, row);
        apply(carried, now[t]).forEach((y, j) => {
          error += (y - wanted[j]) ** 2;
          size += wanted[j] ** 2;
        });
      });
    }
    // The ridge holds back some thousandths, more where a feature lies far from zero.
    expect(Math.sqrt(error / size)).toBeLessThan(0.02);
  });

  it('refuses features that are always the same', () => {
    const clips = [{ before: numbers(20 * width), now: new Float32Array(20 * width).fill(0.5) }];
    expect(() => carryAdaptor(adaptor, clips, width)).toThrow(BagpiperError);
  });
});
