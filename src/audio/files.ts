import { BagpiperError, messageOf } from '../errors.js';

/**
 * Writes a file so that it is either whole or not there: into a temporary file in the same folder, then renamed. Node only.
 * @throws BagpiperError when it cannot be written (no such folder, no permission, disk full); the temporary file is removed
 */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const { open, rename, rm } = await import('node:fs/promises');
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 8)}.part`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new BagpiperError(`${path}: cannot be written: ${reason(error)}.`);
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
