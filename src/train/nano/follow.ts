/** Which words are being said in each row of a sound: what the language model's guided attention is taught (model/language-model.ts). */
import type { SpeechTurn } from '../../corpus/index.js';
import { HOP, RATE } from '../../model/codec/nano-config.js';
import type { Tokenizer } from '../../text/index.js';
import type { Followed } from '../batch.js';
import { idWith } from './id-with.js';

/** What is said in a sound, and where it is written. */
export interface Spoken {
  /** the text before the sound, in which the sentences stand in quotes */
  text: string;
  ids: Int32Array;
  /** how long the sound is */
  frames: number;
  /** with times that count from the sound's beginning */
  turns: readonly Pick<SpeechTurn, 'sentence' | 'start' | 'end'>[];
}

/** Where a time lies, in frames of the codec. */
export const frameAt = (seconds: number): number => (seconds * RATE) / HOP;

/** Characters before and after the one that is about to be said which may be looked at. */
const REACH = { before: 3, after: 4 };

/**
 * Rows that say something, with the rows of the text about to be said. How long a word takes is not known: a turn's time is
 * divided evenly among its characters.
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
  for (const { sentence, start, end } of turns) {
    // A request or a plan before the caption may hold it, too.
    const quote = text.lastIndexOf(`"${sentence}"`);
    if (quote < 0 || end <= start) continue;
    const first = Buffer.byteLength(text.slice(0, quote + 1));
    const last = first + Buffer.byteLength(sentence) - 1;
    const until = Math.min(frames, Math.ceil(frameAt(end)));
    for (let frame = Math.floor(frameAt(start)); frame < until; frame++) {
      const said = ((frame + 0.5) * HOP) / RATE;
      const part = Math.max(0, Math.min(1, (said - start) / (end - start)));
      const at = first + part * (last - first);
      rows.push({
        // The row before a frame foretells it.
        row: soundAt + frame - 1,
        from: textAt + rowOf(Math.max(first, Math.floor(at - REACH.before))),
        to: textAt + rowOf(Math.min(last, Math.ceil(at + REACH.after))) + 1,
      });
    }
  }
  return rows;
}
