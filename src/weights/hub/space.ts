/** Whether the disk takes what is to come, asked before the first byte is. */
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BagpiperError } from '../../errors.js';

/** Kept free for links, notes and whoever else writes. */
const MARGIN = 64 * 10 ** 6;

/** Bytes that may be written below a folder that need not exist yet. */
export async function freeSpace(folder: string): Promise<number> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (at === dirname(at)) throw error;
    }
  }
}

/** @throws BagpiperError where `bytes` more do not fit */
export async function checkSpace(folder: string, bytes: number, free = freeSpace): Promise<void> {
  if (bytes === 0) return;
  const has = await free(folder);
  if (has >= bytes + MARGIN) return;
  throw new BagpiperError(
    `${sizeText(bytes)} are to come, but the disk of ${folder} has only ${sizeText(has)} free: free ${sizeText(bytes + MARGIN - has)}, or name a folder on another disk (--out, HF_HOME).`,
  );
}

/** Bytes as people say them: 18.2 GB. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  const step = bytes < 999_500 ? 1 : bytes < 999_500_000 ? 2 : bytes < 999_500_000_000 ? 3 : 4;
  const value = bytes / 1000 ** step;
  return `${value.toFixed(value < 10 ? 1 : value < 100 && step > 2 ? 1 : 0)} ${['kB', 'MB', 'GB', 'TB'][step - 1]}`;
}
