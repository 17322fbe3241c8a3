/** Copies the lines of a stage's file into another order. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { BagpiperError, messageOf } from '../../errors.js';
import type { Usage } from '../types.js';
import type { IdIndex } from './ids.js';
import { usageOf } from './lines.js';
import { addUsage, noUsage } from './usage.js';

/** Bytes that are read at once, how many such pieces are kept, and how much is written at once. */
const PIECE = 1 << 20;
const KEPT = 32;
const OUTPUT = 4 << 20;
const NEWLINE = 0x0a;

/**
 * @param entries the lines to copy, as the index knows them
 * @returns size of the new file, the tokens its lines count, and where each line lies in it
 * @throws BagpiperError when it cannot be written; it is removed then
 */
export async function copyLines(
  from: string,
  to: string,
  entries: Uint32Array,
  index: IdIndex,
): Promise<{ bytes: number; usage: Usage; offsets: Float64Array }> {
  const source = await open(from);
  try {
    const target = await open(to, 'w');
    try {
      return await copy(new LineReader(source), target, entries, index);
    } finally {
      await target.close();
    }
  } catch (error) {
    await rm(to, { force: true }).catch(() => {});
    if (error instanceof BagpiperError) throw error;
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    const why = full ? 'the disk is full; free some space and call the same command again' : messageOf(error);
    throw new BagpiperError(`${to}: cannot be written: ${why}.`);
  } finally {
    await source.close();
  }
}

async function copy(
  reader: LineReader,
  target: FileHandle,
  entries: Uint32Array,
  index: IdIndex,
): Promise<{ bytes: number; usage: Usage; offsets: Float64Array }> {
  const usage = noUsage();
  const offsets = new Float64Array(entries.length);
  let bytes = 0;
  let waiting: Buffer[] = [];
  let length = 0;
  const write = async (): Promise<void> => {
    const all = Buffer.concat(waiting);
    for (let at = 0; at < all.length; ) at += (await target.write(all, at)).bytesWritten;
    waiting = [];
    length = 0;
  };
  for (const [at, entry] of entries.entries()) {
    const offset = index.offset(entry);
    const line = reader.held(offset) ?? (await reader.read(offset));
    const spent = usageOf({ bytes: line, start: 0, end: line.length - 1, at: offset });
    if (spent) addUsage(usage, spent);
    offsets[at] = bytes;
    bytes += line.length;
    length += line.length;
    waiting.push(line);
    if (length >= OUTPUT) await write();
  }
  await write();
  await target.sync();
  return { bytes, usage, offsets };
}

/** Lines by their offsets; they were written in nearly the order they are asked for. */
class LineReader {
  /** by number, the latest last */
  private readonly pieces = new Map<number, Buffer>();

  constructor(private readonly file: FileHandle) {}

  /** The line with its newline, where all of it is in memory. */
  held(offset: number): Buffer | undefined {
    const number = Math.floor(offset / PIECE);
    const piece = this.pieces.get(number);
    if (!piece) return undefined;
    const start = offset - number * PIECE;
    const end = piece.indexOf(NEWLINE, start);
    return end < 0 ? undefined : piece.subarray(start, end + 1);
  }

  /** The line with its newline. */
  async read(offset: number): Promise<Buffer> {
    const first = Math.floor(offset / PIECE);
    const parts: Buffer[] = [];
    for (let number = first; ; number++) {
      const piece = await this.piece(number);
      const start = number === first ? offset - first * PIECE : 0;
      const end = piece.indexOf(NEWLINE, start);
      parts.push(piece.subarray(start, end < 0 ? piece.length : end + 1));
      if (end >= 0 || piece.length < PIECE) return Buffer.concat(parts);
    }
  }

  private async piece(number: number): Promise<Buffer> {
    let piece = this.pieces.get(number);
    this.pieces.delete(number);
    if (!piece) {
      const bytes = Buffer.allocUnsafe(PIECE);
      const { bytesRead } = await this.file.read(bytes, 0, PIECE, number * PIECE);
      piece = bytes.subarray(0, bytesRead);
    }
    this.pieces.set(number, piece);
    if (this.pieces.size > KEPT) this.pieces.delete(this.pieces.keys().next().value as number);
    return piece;
  }
}
