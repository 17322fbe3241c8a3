/** Places of a text among its ids. */
import type { Tokenizer } from '../../text/index.js';

/** Finds the id that holds a byte of the text; -1 behind its end. */
export function idWith(ids: Int32Array, tokenizer: Tokenizer): (byte: number) => number {
  let total = 0;
  const ends = Array.from(ids, (id) => (total += tokenizer.tokenBytes(id)?.length ?? 0));
  return (byte) => ends.findIndex((end) => end > byte);
}
