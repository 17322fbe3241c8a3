/** Which words are being said in each row of a sound: what the language model's guided attention is taught (model/language-model.ts). */
import type { SpeechTurn } from '../../corpus/index.js';
import { HOP, RATE } from '../../model/codec/nano-config.js';
import { LETTERS } from '../../model/index.js';
import type { Tokenizer } from '../../text/index.js';
import type { Followed } from '../batch.js';
import { idWith } from './id-with.js';

type SaidTurn = Pick<SpeechTurn, 'sentence' | 'start' | 'end' | 'wordEnds'>;

/** What is said in a sound, and where it is written. */
export interface Spoken {
  /** the text before the sound, in which the sentences stand in quotes */
  text: string;
  ids: Int32Array;
  /** how long the sound is */
  frames: number;
  /** with times that count from the sound's beginning */
  turns: readonly SaidTurn[];
}

/** Where a time lies, in frames of the codec. */
export const frameAt = (seconds: number): number => (seconds * RATE) / HOP;

/** Characters before and after the one that is about to be said which may be looked at: more where it is guessed which one that is. */
const REACH = { known: { before: 1, after: 1 }, guessed: { before: 3, after: 4 } };

/**
 * Rows that say something, with the rows of the text about to be said. Where it is not known when each word is over, a turn's time
 * is divided evenly among its characters.
 *
 * @param textAt first row of the text @param soundAt first row of the sound
 */
export function followWords(
  { text, ids, frames, turns }: Spoken,
  tokenizer: Tokenizer,
  { textAt, soundAt }: { textAt: number; soundAt: number },
): Followed[] {
  const rowOf = idWith(ids, tokenizer);
  const rows: Followed[] = [];
  for (const turn of turns) {
    const { sentence, start, end, wordEnds } = turn;
    // A request or a plan before the caption may hold it, too.
    const quote = text.lastIndexOf(`"${sentence}"`);
    if (quote < 0 || end <= start) continue;
    const first = Buffer.byteLength(text.slice(0, quote + 1));
    const last = first + Buffer.byteLength(sentence) - 1;
    const saidAt = characterAt(turn);
    const reach = wordEnds ? REACH.known : REACH.guessed;
    const until = Math.min(frames, Math.ceil(frameAt(end)));
    for (let frame = Math.floor(frameAt(start)); frame < until; frame++) {
      const character = saidAt(((frame + 0.5) * HOP) / RATE);
      const at = first + character;
      rows.push({
        // The row before a frame foretells it.
        row: soundAt + frame - 1,
        from: textAt + rowOf(Math.max(first, Math.floor(at - reach.before))),
        to: textAt + rowOf(Math.min(last, Math.ceil(at + reach.after))) + 1,
        letter: letterOf(sentence[Math.min(sentence.length - 1, Math.floor(character))]),
      });
    }
  }
  return rows;
}

/** Which character of a turn's sentence is said at a time, from 0 to the last one; fractions lie between two. */
function characterAt({ sentence, start, end, wordEnds }: SaidTurn): (seconds: number) => number {
  const marks = [{ time: start, character: 0 }];
  let character = -1;
  for (const [k, word] of wordEnds ? sentence.split(' ').entries() : []) {
    character += word.length + 1;
    marks.push({ time: wordEnds![k], character });
  }
  marks.push({ time: end, character: sentence.length - 1 });
  return (seconds) => {
    const next = marks.findIndex(({ time }) => time > seconds);
    if (next < 0) return sentence.length - 1;
    if (next === 0) return 0;
    const [from, to] = [marks[next - 1], marks[next]];
    return from.character + ((to.character - from.character) * (seconds - from.time)) / (to.time - from.time);
  };
}

/** The number of a letter, or the one behind the last for all else. */
function letterOf(character: string): number {
  const letter = character.toLowerCase().charCodeAt(0) - 'a'.charCodeAt(0);
  return letter >= 0 && letter < LETTERS - 1 ? letter : LETTERS - 1;
}
