/** What the audio encoder is taught to hear of speech: the words of every turn, and their letters. */
import type { Scene } from '../../corpus/index.js';
import { LEXICON } from '../../corpus/index.js';
import { ctc } from '../ctc.js';
import { alignedLoss, NO_TARGET } from './aligned.js';
import { tokenAt } from './tags.js';

const WORDS = new Map([...LEXICON].map((word, i) => [word, i + 1]));

/** Classes of the word head: a blank (0) and every word of the lexicon. */
export const WORD_CLASSES = WORDS.size + 1;

const LETTERS = " 'abcdefghijklmnopqrstuvwxyz";

/** Classes of the letter head: a blank (0), the space between words, and the letters. */
export const LETTER_CLASSES = LETTERS.length + 1;

/** Letters have finer time than tokens: each token has so many rows of the letter head. */
export const LETTER_ROWS = 3;

function wordClass(word: string): number {
  const found = WORDS.get(word);
  if (found === undefined) throw new Error(`"${word}" is not in the lexicon`);
  return found;
}

/** The scene's words in order, as classes of the word head. */
export function wordClasses(scene: Scene): number[] {
  return scene.speech.flatMap((turn) => turn.words.split(' ').map(wordClass));
}

/** What is said between two tokens (`end` not included), as classes. */
export interface Turn {
  start: number;
  end: number;
  labels: number[];
}

function turns(scene: Scene, tokens: number, labels: (words: string) => number[]): Turn[] {
  return scene.speech.map((turn) => ({
    start: tokenAt(turn.start),
    end: Math.min(tokens, tokenAt(turn.end) + 1),
    labels: labels(turn.words),
  }));
}

/** Turns as words, for a clip of `tokens` tokens. */
export const wordTurns = (scene: Scene, tokens: number): Turn[] =>
  turns(scene, tokens, (words) => words.split(' ').map(wordClass));

/** Turns as letters, for a clip of `tokens` tokens; times still count tokens, not rows of the letter head. */
export const letterTurns = (scene: Scene, tokens: number): Turn[] =>
  turns(scene, tokens, (words) => [...words].map((letter) => LETTERS.indexOf(letter) + 1));

/**
 * CTC within every turn, and the blank outside, all of which weighs as much as one label. Knowing when a turn is spoken
 * spares the network most of the search for which part of a clip its words belong to.
 *
 * @param logits scores [tokens x rows, classes]; class 0 is the blank
 * @returns the sum of losses, its gradient, and how many labels it is about
 */
export function spokenLoss(
  logits: Float32Array,
  tokens: number,
  rows: number,
  classes: number,
  said: readonly Turn[],
): { loss: number; grad: Float32Array; count: number } {
  const targets = new Int32Array(tokens * rows);
  for (const { start, end } of said) targets.fill(NO_TARGET, start * rows, end * rows);
  const { loss: silence, grad, count: silent } = alignedLoss(logits, targets, classes);
  // A clip without a word counts as one label: silence is learned soon.
  const scale = silent === 0 ? 0 : 1 / silent;
  for (let i = 0; i < grad.length; i++) grad[i] *= scale;
  let loss = silence * scale;
  let count = silent === 0 ? 0 : 1;
  for (const { start, end, labels } of said) {
    const [from, length] = [start * rows * classes, (end - start) * rows];
    const turn = ctc(logits.subarray(from, from + length * classes), length, classes, labels);
    if (!Number.isFinite(turn.loss)) continue;
    loss += turn.loss;
    count += labels.length;
    // Added, since a token may hear the end of one turn and the start of the next.
    for (let i = 0; i < turn.grad.length; i++) grad[from + i] += turn.grad[i];
  }
  return { loss, grad, count };
}

/** The word of a class. */
export function wordOf(kind: number): string {
  return [...LEXICON][kind - 1];
}
