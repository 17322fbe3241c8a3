import { BagpiperError } from '../errors.js';

/** Bytes that are read front to back; the whole need not fit in memory. */
export interface ByteSource {
  /** how messages call it */
  readonly name: string;
  /** its path, if it has one */
  readonly path?: string;
  /** pieces of about `size` bytes, from the start; each call starts over */
  pieces(size: number): AsyncIterable<Uint8Array>;
}

/** A source in memory. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    async *pieces(size) {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    },
  };
}

/**
 * A file as a source. Only this function and `files.ts` touch the file system, and only when called.
 * @throws BagpiperError when it does not exist, is a folder or may not be read
 */
export async function fileSource(path: string, name: string): Promise<ByteSource> {
  const { open, stat } = await import('node:fs/promises');
  const explain = (error: unknown): BagpiperError => {
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'there is no such file; check the path'
        : code === 'EACCES' || code === 'EPERM'
          ? 'the file may not be read; check its permissions'
          : code === 'EISDIR'
            ? 'this is a folder; name an audio file in it'
            : `it cannot be read (${code ?? String(error)})`;
    return new BagpiperError(`${name}: ${why}.`);
  };
  try {
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error('folder'), { code: 'EISDIR' });
  } catch (error) {
    throw explain(error);
  }
  return {
    name,
    path,
    async *pieces(size) {
      const file = await open(path).catch((error: unknown) => {
        throw explain(error);
      });
      try {
        for (;;) {
          const piece = new Uint8Array(size);
          const { bytesRead } = await file.read(piece, 0, size).catch((error: unknown) => {
            throw explain(error);
          });
          if (bytesRead === 0) return;
          yield piece.subarray(0, bytesRead);
        }
      } finally {
        await file.close();
      }
    },
  };
}
