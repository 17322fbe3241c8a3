import { describe, expect, it } from 'vitest';
import { LEXICON, type Scene } from '../../../src/corpus/index.js';
import { Random } from '../../../src/random.js';
import { ctc } from '../../../src/train/ctc.js';
import {
  LETTER_CLASSES,
  letterTurns,
  spokenLoss,
  type Turn,
  WORD_CLASSES,
  wordClasses,
  wordOf,
  wordTurns,
} from '../../../src/train/nano/spoken.js';
import { EMPTY, scenes, tokensOf } from './clips.js';

const ALPHABET = " 'abcdefghijklmnopqrstuvwxyz";
const spell = (labels: readonly number[]): string => labels.map((label) => ALPHABET[label - 1]).join('');

/** A scene in which one speaker says this. */
function saying(...turns: { words: string; start: number; end: number }[]): Scene {
  return { ...EMPTY, speech: turns.map((turn) => ({ speaker: 0, sentence: turn.words, ...turn })) };
}

describe('words and letters', () => {
  it('have a class for every word of the lexicon, and every letter of it', () => {
    expect(WORD_CLASSES).toBe(LEXICON.length + 1);
    expect(LETTER_CLASSES).toBe(29);
    expect(LEXICON.map((_, i) => wordOf(i + 1))).toEqual(LEXICON);
    const all = LEXICON.join(' ');
    const scene = saying({ words: all, start: 0, end: 3 });
    expect(wordClasses(scene)).toEqual(LEXICON.map((_, i) => i + 1));
    expect(spell(letterTurns(scene, 52)[0].labels)).toBe(all);
  });

  it('are refused where the lexicon lacks them', () => {
    const scene = saying({ words: 'zebra xylophone', start: 0, end: 1 });
    expect(() => wordTurns(scene, 52)).toThrow('"zebra" is not in the lexicon');
  });
});

describe('turns', () => {
  const spoken = scenes(60).filter(({ speech }) => speech.length > 0);

  it('hold what is said, between tokens of the clip that hear its start and its end', () => {
    for (const scene of spoken) {
      const tokens = tokensOf(scene);
      const [words, letters] = [wordTurns(scene, tokens), letterTurns(scene, tokens)];
      scene.speech.forEach((turn, i) => {
        const { start, end, labels } = words[i];
        expect(labels.map(wordOf).join(' ')).toBe(turn.words);
        expect(letters[i]).toEqual({ start, end, labels: letters[i].labels });
        expect(spell(letters[i].labels)).toBe(turn.words);
        expect([start >= 0, start < end, end <= tokens]).toEqual([true, true, true]);
        expect(start).toBe(tokenHearing(turn.start));
        expect(end).toBe(Math.min(tokens, tokenHearing(turn.end) + 1));
      });
      expect(wordClasses(scene)).toEqual(words.flatMap(({ labels }) => labels));
    }
  });

  it('end with the clip where they are said to last longer', () => {
    const scene = saying({ words: 'a', start: 1, end: 9 });
    expect(wordTurns(scene, 20)).toMatchObject([{ start: 12, end: 20 }]);
  });
});

/** The token whose time holds `seconds`: one every 80 ms. */
function tokenHearing(seconds: number): number {
  const starts = Array.from({ length: 150 }, (_, t) => t * 0.08);
  return starts.findLastIndex((start) => start <= seconds + 1e-9);
}

const CLASSES = 4;
const STEP = 1 / 256;

/** Scores on a grid of 1/256, so that they can be moved by a step without rounding. */
function scores(rows: number, seed: string): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: rows * CLASSES }, () => Math.round(256 * random.normal()) * STEP);
}

function expectGradient(logits: Float32Array, tokens: number, rows: number, said: readonly Turn[]): void {
  const { grad } = spokenLoss(logits, tokens, rows, CLASSES, said);
  for (let i = 0; i < logits.length; i++) {
    const at = (step: number): number => {
      const moved = logits.slice();
      moved[i] += step;
      return spokenLoss(moved, tokens, rows, CLASSES, said).loss;
    };
    expect(grad[i]).toBeCloseTo((at(STEP) - at(-STEP)) / (2 * STEP), 4);
  }
}

/** Mean over rows of minus the log-probability of class 0. */
function meanSilence(logits: Float32Array): number {
  const rows = logits.length / CLASSES;
  let sum = 0;
  for (let t = 0; t < rows; t++) {
    const e = Array.from(logits.subarray(t * CLASSES, (t + 1) * CLASSES), Math.exp);
    sum -= Math.log(e[0] / e.reduce((a, b) => a + b));
  }
  return sum / rows;
}

describe('spokenLoss', () => {
  it('is plain CTC where the clip is one turn', () => {
    const logits = scores(6, 'one turn');
    const labels = [2, 1, 1];
    const plain = ctc(logits, 6, CLASSES, labels);
    const whole = { start: 0, end: 6, labels };
    expect(spokenLoss(logits, 6, 1, CLASSES, [whole])).toEqual({ ...plain, count: 3 });
    // The same rows as two tokens of three rows.
    expect(spokenLoss(logits, 2, 3, CLASSES, [{ start: 0, end: 2, labels }])).toEqual({ ...plain, count: 3 });
  });

  it('is the mean of the silent rows where nothing is said, and counts as one label', () => {
    const logits = scores(8, 'silence');
    const { loss, count } = spokenLoss(logits, 4, 2, CLASSES, []);
    expect(loss).toBeCloseTo(meanSilence(logits), 6);
    expect(count).toBe(1);
    expectGradient(logits, 4, 2, []);
  });

  it('adds up turns and the silence around them', () => {
    const [tokens, rows] = [9, 2];
    const logits = scores(tokens * rows, 'turns');
    const said: Turn[] = [
      { start: 1, end: 3, labels: [1, 2] },
      { start: 5, end: 8, labels: [3, 3] },
    ];
    const part = (start: number, end: number) => logits.slice(start * rows * CLASSES, end * rows * CLASSES);
    const inTurns = said.map(({ start, end, labels }) => ctc(part(start, end), (end - start) * rows, CLASSES, labels));
    const silent = Float32Array.of(...part(0, 1), ...part(3, 5), ...part(8, 9));
    const { loss, count } = spokenLoss(logits, tokens, rows, CLASSES, said);
    expect(loss).toBeCloseTo(inTurns[0].loss + inTurns[1].loss + meanSilence(silent), 6);
    expect(count).toBe(5);
    expectGradient(logits, tokens, rows, said);
  });

  it('has the gradient of the sum where one token hears the end of a turn and the start of the next', () => {
    const said: Turn[] = [
      { start: 0, end: 3, labels: [1] },
      { start: 2, end: 5, labels: [2, 3] },
    ];
    expectGradient(scores(6, 'shared'), 6, 1, said);
  });

  it('leaves out a turn whose labels do not fit its rows', () => {
    const logits = scores(5, 'hurried');
    const said: Turn[] = [
      { start: 0, end: 2, labels: [1, 1] },
      { start: 3, end: 5, labels: [2] },
    ];
    const { loss, grad, count } = spokenLoss(logits, 5, 1, CLASSES, said);
    expect(Number.isFinite(loss)).toBe(true);
    expect(grad.subarray(0, 2 * CLASSES)).toEqual(new Float32Array(2 * CLASSES));
    expect(count).toBe(2);
    expectGradient(logits, 5, 1, said);
  });
});
