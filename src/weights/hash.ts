/** One fingerprint for a model's files, cheap even where they take many gigabytes. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { BagpiperError, messageOf } from '../errors.js';

/** Up to this size a file is hashed whole. */
const WHOLE = 64 * 2 ** 20;
const BLOCK = 2 ** 16;
const BLOCKS = 128;

/**
 * SHA-256 over name, size and content of files, in hex. Files above 64 MiB are sampled: 128 blocks of 64 KiB, evenly from
 * the first byte (which holds a safetensors header) to the last. So any change of names, sizes, tensor layout or a training
 * step is seen, but not a deliberate change between two samples: it identifies a model, it does not protect it.
 *
 * @throws BagpiperError where a file cannot be read.
 */
export function hashFiles(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    try {
      hashFile(hash, path);
    } catch (error) {
      throw new BagpiperError(`${path} cannot be read: ${messageOf(error)}.`);
    }
  }
  return hash.digest('hex');
}

function hashFile(hash: ReturnType<typeof createHash>, path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    hash.update(`${basename(path)}\0${size}\0`);
    const block = new Uint8Array(BLOCK);
    const whole = size <= WHOLE;
    const count = whole ? Math.ceil(size / BLOCK) : BLOCKS;
    for (let i = 0; i < count; i++) {
      const start = whole ? i * BLOCK : Math.floor(((size - BLOCK) * i) / (BLOCKS - 1));
      hash.update(block.subarray(0, readSync(descriptor, block, 0, BLOCK, start)));
    }
  } finally {
    closeSync(descriptor);
  }
}
