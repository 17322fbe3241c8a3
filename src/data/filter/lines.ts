/** Files of lines that others wrote: with numbers for messages, and a last line that may be cut off. */
import { BagpiperError, messageOf } from '../../errors.js';
import { type RawLine, rawLines } from '../run/lines.js';

export interface LineBatch {
  /** whole lines without their ends; empty ones are left out. Valid until the next batch. */
  lines: Buffer[];
  /** where each begins in the file, in bytes */
  offsets: number[];
  /** number of each in the file, from 1 */
  numbers: number[];
  /** whether the last of them has no line end: the file may be cut off there */
  torn: boolean;
  /** bytes of the file that were read so far */
  read: number;
}

/**
 * All lines of a file, many at a time; between the batches other work gets its turn.
 * @throws BagpiperError when the file cannot be read; the signal's reason
 */
export async function* lineBatches(path: string, signal?: AbortSignal): AsyncGenerator<LineBatch> {
  const pieces = rawLines(path);
  let number = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await pieces.next().catch((error: unknown) => {
        throw new BagpiperError(`${path} cannot be read: ${messageOf(error)}; name a JSONL file that exists.`);
      });
      if (done) {
        const { rest, whole: at, size: read } = value;
        if (rest.length > 0) yield { lines: [rest], offsets: [at], numbers: [number + 1], torn: true, read };
        return;
      }
      const batch = batchOf(value, number);
      number += value.length;
      if (batch.lines.length > 0) yield batch;
    }
  } finally {
    await pieces.return({ whole: 0, size: 0, rest: Buffer.alloc(0) });
  }
}

function batchOf(raw: readonly RawLine[], before: number): LineBatch {
  const last = raw[raw.length - 1];
  const batch: LineBatch = {
    lines: [],
    offsets: [],
    numbers: [],
    torn: false,
    read: last.at + last.end - last.start + 1,
  };
  for (const [i, { bytes, start, end, at }] of raw.entries()) {
    if (start === end) continue;
    batch.lines.push(bytes.subarray(start, end));
    batch.offsets.push(at);
    batch.numbers.push(before + i + 1);
  }
  return batch;
}
