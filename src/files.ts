/** Writes files so that their final name never shows half of one: aside, onto the disk, then renamed. Node only. */
import { randomInt } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BagpiperError, messageOf } from './errors.js';

/** Appends bytes to the file being written. */
export type Append = (bytes: Uint8Array) => void;

const asideOf = (path: string): string => `${path}.${process.pid}-${randomInt(2 ** 40)}.part`;

/**
 * Writes `path` through a file beside it, flushed to the disk and then renamed; the old content stays until that moment
 * and survives any failure. The work is synchronous on purpose: arrays that are written cannot change meanwhile.
 *
 * @param content all of it, or what appends it piece by piece
 * @throws BagpiperError where the disk is full or the folder cannot be written; nothing is left behind.
 */
export function writeAtomically(path: string, content: string | Uint8Array | ((append: Append) => void)): void {
  const aside = asideOf(path);
  let descriptor: number | undefined;
  try {
    const opened = openSync(aside, 'wx');
    descriptor = opened;
    const append: Append = (bytes) => {
      let done = 0;
      while (done < bytes.length) done += writeSync(opened, bytes, done, Math.min(bytes.length - done, 2 ** 30));
    };
    if (typeof content === 'function') content(append);
    else append(typeof content === 'string' ? Buffer.from(content) : content);
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

/**
 * The same for content that nobody changes meanwhile, while other work goes on.
 * @throws BagpiperError when it cannot be written (no such folder, no permission, disk full); nothing is left behind
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const aside = asideOf(path);
  try {
    const file = await open(aside, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true }).catch(() => {});
    throw new BagpiperError(`${path}: cannot be written: ${reason(error)}.`);
  }
}

/**
 * Removes what a kill left of a file that was being written. Only for a folder that no other process writes to.
 */
export function removeLeftovers(path: string): void {
  const [folder, name] = [dirname(path), basename(path)];
  for (const entry of readdirSync(folder)) {
    if (entry.startsWith(`${name}.`) && /^\d+-\d+\.part$/.test(entry.slice(name.length + 1))) {
      rmSync(join(folder, entry), { force: true });
    }
  }
}

function reason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full; free some space or choose another folder';
    case 'ENOENT':
    case 'ENOTDIR':
      return 'its folder does not exist; create it first';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'there is no permission to write there; choose another folder';
    case 'EISDIR':
      return 'this is a folder; give a file name';
    default:
      return messageOf(error);
  }
}
