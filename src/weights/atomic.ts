/** Writes files so that their final name never shows half of one. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { BagpiperError, messageOf } from '../errors.js';

/** Appends bytes to the file being written. */
export type Append = (bytes: Uint8Array) => void;

let counter = 0;

/**
 * Writes `path` through a file beside it, flushed to the disk and then renamed; the old content stays until that moment
 * and survives any failure. The work is synchronous on purpose: arrays that are written cannot change meanwhile.
 *
 * @throws BagpiperError where the disk is full or the folder cannot be written; nothing is left behind.
 */
export function writeAtomically(path: string, write: (append: Append) => void): void {
  const aside = `${path}.${process.pid}-${counter++}.part`;
  let descriptor: number | undefined;
  try {
    const opened = openSync(aside, 'wx');
    descriptor = opened;
    write((bytes) => {
      let done = 0;
      while (done < bytes.length) done += writeSync(opened, bytes, done, Math.min(bytes.length - done, 2 ** 30));
    });
    fsyncSync(opened);
    closeSync(opened);
    descriptor = undefined;
    renameSync(aside, path);
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(aside, { force: true });
    if (error instanceof BagpiperError) throw error;
    throw new BagpiperError(
      `${path} could not be written: ${messageOf(error)}. Free some space or choose another folder.`,
    );
  }
}
