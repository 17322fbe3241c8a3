/** The bytes of what sources name, wherever they lie. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { RandomBytes } from '../../audio/index.js';
import { BagpiperError } from '../../errors.js';
import { Buckets } from './s3.js';

/** Bytes of an object that are fetched at once: most headers lie in the first. */
const BLOCK = 1 << 17;

/** Where sounds lie: on disks, and in buckets. */
export class Places {
  private readonly buckets: Buckets;

  /** @param env has keys and addresses of buckets */
  constructor(env?: Readonly<Record<string, string | undefined>>) {
    this.buckets = new Buckets(env);
  }

  /**
   * Lends parts of a file.
   * @throws BagpiperError when there is none, or it may not be read
   */
  async withBytes<T>(uri: string, work: (bytes: RandomBytes) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (isRemote(uri)) return work(await this.remoteBytes(uri, signal));
    const file = await open(uri).catch((error: unknown) => {
      throw unreadable(uri, error);
    });
    try {
      const { size } = await file.stat();
      return await work({
        name: uri,
        size,
        read: async (at, length) => {
          const bytes = new Uint8Array(Math.max(0, Math.min(length, size - at)));
          const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
          return bytes.subarray(0, bytesRead);
        },
      });
    } finally {
      await file.close();
    }
  }

  private async remoteBytes(uri: string, signal: AbortSignal | undefined): Promise<RandomBytes> {
    const { size, bytes: first } = await this.buckets.begin(uri, BLOCK, signal);
    return {
      name: uri,
      size,
      read: async (at, length) => {
        const end = Math.min(size, at + length);
        if (end <= first.length) return first.subarray(at, Math.max(at, end));
        const response = await this.buckets.open(uri, { at, length: end - at }, signal);
        return new Uint8Array(await response.arrayBuffer());
      },
    };
  }

  /**
   * A path to read a whole file from: itself, or a copy of an object.
   * @returns `free` removes the copy
   * @throws BagpiperError when there is none
   */
  async path(uri: string, signal?: AbortSignal): Promise<{ path: string; free: () => Promise<void> }> {
    if (!isRemote(uri)) return { path: uri, free: async () => {} };
    const response = await this.buckets.open(uri, undefined, signal);
    const folder = await mkdtemp(join(tmpdir(), 'bagpiper-'));
    const path = join(folder, `sound${extname(uri).replace(/[^.\w]/g, '')}`);
    const free = (): Promise<void> => rm(folder, { recursive: true, force: true });
    try {
      const body = Readable.fromWeb((response.body ?? new Blob([]).stream()) as ReadableStream);
      await pipeline(body, createWriteStream(path), { ...(signal && { signal }) });
      return { path, free };
    } catch (error) {
      await free();
      throw error;
    }
  }

  /** The objects below a prefix: uri, and path from the prefix on. @throws BagpiperError */
  async *objects(uri: string, signal?: AbortSignal): AsyncGenerator<string, void, void> {
    const { bucket } = uri.match(/^s3:\/\/(?<bucket>[^/]+)/)?.groups ?? { bucket: '' };
    const key = uri.slice(`s3://${bucket}/`.length);
    for await (const object of this.buckets.list({ bucket, key }, signal)) yield `s3://${bucket}/${object.key}`;
  }
}

export function isRemote(uri: string): boolean {
  return uri.startsWith('s3://');
}

/** What is wrong with a file, in a sentence. */
export function unreadable(path: string, error: unknown): BagpiperError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new BagpiperError(`${path}: there is no such file; check the path.`);
  if (code === 'EACCES' || code === 'EPERM')
    return new BagpiperError(`${path}: it may not be read; check its permissions.`);
  return new BagpiperError(`${path}: it cannot be read (${code ?? String(error)}).`);
}
