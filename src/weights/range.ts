/** Bytes read in pieces: files of weights take many gigabytes, so none is ever read whole. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { BagpiperError, messageOf } from '../errors.js';

/** Reads `length` bytes from byte `start` on. @throws BagpiperError where they cannot be read */
export type ReadRange = (start: number, length: number) => Uint8Array;

/** A file, or bytes that stand for one. */
export interface Source {
  /** The path, or a name for messages. */
  readonly file: string;
  readonly size: number;
  /** Gives `work` a function that reads; the file is open only meanwhile, so nothing needs closing. */
  use<T>(work: (read: ReadRange) => T): T;
}

/**
 * A file on disk. What is read is freshly allocated, so it is aligned for every number format.
 *
 * @param wanted what is expected there, for messages.
 * @throws BagpiperError where there is no file.
 */
export function fileSource(path: string, wanted: string): Source {
  const stats = explain(path, () => statSync(path, { throwIfNoEntry: false }));
  if (!stats?.isFile()) throw new BagpiperError(`${path} does not exist; ${wanted} is expected there.`);
  const use = <T>(work: (read: ReadRange) => T): T => {
    const descriptor = explain(path, () => openSync(path, 'r'));
    try {
      return work((start, length) => explain(path, () => readFrom(descriptor, path, start, length)));
    } finally {
      closeSync(descriptor);
    }
  };
  return { file: path, size: stats.size, use };
}

/** Bytes in memory; what is read are views of them. @param file names them in messages */
export function bytesSource(bytes: Uint8Array, file: string): Source {
  const read: ReadRange = (start, length) => {
    if (start + length > bytes.length) throw cutShort(file);
    return bytes.subarray(start, start + length);
  };
  return { file, size: bytes.length, use: (work) => work(read) };
}

function readFrom(descriptor: number, path: string, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, bytes, done, Math.min(length - done, 2 ** 30), start + done);
    if (count === 0) throw cutShort(path);
    done += count;
  }
  return bytes;
}

function cutShort(file: string): BagpiperError {
  return new BagpiperError(`${file} became shorter while it was read.`);
}

function explain<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BagpiperError) throw error;
    throw new BagpiperError(`${path} cannot be read: ${messageOf(error)}.`);
  }
}
