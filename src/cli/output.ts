/** Files that commands write: whole or not at all, checked before the long work starts. */
import { accessSync, constants, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { BagpiperError, messageOf } from '../errors.js';
import { writeFileAtomically } from '../files.js';

/**
 * Checks a path to write to.
 * @param endings accepted file name endings, e.g. ['.wav']; a device such as /dev/full may have any
 * @throws BagpiperError when it cannot be written
 */
export function checkOutput(path: string, endings: readonly string[]): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) throw new BagpiperError(`${path}: this is a folder; give a file name in it.`);
  if (stats && !stats.isFile()) return;
  if (!endings.includes(extname(path).toLowerCase())) {
    throw new BagpiperError(`${path}: a file name ending in ${endings.join(' or ')} is accepted.`);
  }
  const folder = dirname(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BagpiperError(`${path}: cannot be written: its folder does not exist; create it first.`);
  }
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new BagpiperError(
      `${path}: cannot be written: there is no permission to write there; choose another folder.`,
    );
  }
}

/** Writes a file, whole or not at all; devices and pipes are written into. @throws BagpiperError when it cannot be written */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  const stats = statSync(path, { throwIfNoEntry: false });
  // Renaming a file onto a device would replace the device.
  if (!stats || stats.isFile()) return writeFileAtomically(path, bytes);
  try {
    await writeFile(path, bytes);
  } catch (error) {
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    const why = full ? 'the disk is full; free some space or choose another folder' : messageOf(error);
    throw new BagpiperError(`${path}: cannot be written: ${why}.`);
  }
}
