/** Reads files of lines in large pieces, of any size in little memory. */
import { closeSync, openSync, readSync } from 'node:fs';
import { BagpiperError, messageOf } from '../../errors.js';

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
export async function* lineBatches(path: string, signal?: AbortSignal, size = 2 ** 20): AsyncGenerator<LineBatch> {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw new BagpiperError(`${path} cannot be read: ${messageOf(error)}; name a JSONL file that exists.`);
  }
  try {
    let buffer = Buffer.allocUnsafeSlow(size);
    let [kept, at, number] = [0, 0, 0];
    for (;;) {
      signal?.throwIfAborted();
      if (kept === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafeSlow(buffer.length)]);
      const got = readSync(descriptor, buffer, kept, buffer.length - kept, at + kept);
      const filled = buffer.subarray(0, kept + got);
      const batch: LineBatch = { lines: [], offsets: [], numbers: [], torn: false, read: at + filled.length };
      const add = (start: number, end: number): void => {
        number++;
        if (start === end) return;
        batch.lines.push(filled.subarray(start, end));
        batch.offsets.push(at + start);
        batch.numbers.push(number);
      };
      let start = 0;
      for (let end = filled.indexOf(10); end >= 0; end = filled.indexOf(10, start)) {
        add(start, end);
        start = end + 1;
      }
      if (got === 0 && start < filled.length) {
        add(start, filled.length);
        batch.torn = true;
      }
      if (batch.lines.length > 0) yield batch;
      if (got === 0) return;
      buffer.copyWithin(0, start, filled.length);
      kept = filled.length - start;
      at += start;
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    closeSync(descriptor);
  }
}
