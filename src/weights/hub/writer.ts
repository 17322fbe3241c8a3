/**
 * Ranges that arrive in any order, written in order: so a file on the way is always the beginning of the whole, which the
 * hub's other tools can go on with too, and its checksum is computed on the way.
 */
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

/** A range being fetched. */
export interface Chunk {
  readonly start: number;
  /** first byte after it */
  readonly end: number;
  /** bytes of it that have come, written or not */
  received: number;
  /** came, not yet written */
  waiting: Uint8Array[];
  /** wakes whoever waits for it to be written */
  settle: { resolve: () => void; reject: (reason: unknown) => void } | undefined;
}

export class OrderedWriter {
  private readonly chunks: Chunk[] = [];
  private position: number;
  private failure: unknown;
  private busy = false;
  private pumped: Promise<void> = Promise.resolve();

  constructor(
    private readonly handle: FileHandle,
    private readonly hash: Hash,
    start: number,
    private readonly onWritten: (bytes: number) => void,
  ) {
    this.position = start;
  }

  /** Announces the next range; ranges follow one another without gaps. */
  expect(start: number, end: number): Chunk {
    const chunk: Chunk = { start, end, received: 0, waiting: [], settle: undefined };
    this.chunks.push(chunk);
    return chunk;
  }

  /** Takes bytes of a range; they are written once all before them are. @throws what made writing fail */
  add(chunk: Chunk, bytes: Uint8Array): void {
    if (this.failure !== undefined) throw this.failure;
    chunk.waiting.push(bytes);
    chunk.received += bytes.length;
    if (!this.busy) this.pumped = this.pump();
  }

  /** Resolves when a range is written whole. */
  written(chunk: Chunk): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.position >= chunk.end) return Promise.resolve();
    return new Promise((resolve, reject) => {
      chunk.settle = { resolve, reject };
    });
  }

  /** Writes what can be written, then takes no more; ranges that are not whole are given up. */
  async settle(): Promise<void> {
    while (this.busy) await this.pumped;
    this.failure ??= new Error('The file is closed.');
    for (const { settle } of this.chunks.splice(0)) settle?.reject(this.failure);
  }

  private async pump(): Promise<void> {
    this.busy = true;
    try {
      for (let head = this.chunks[0]; head !== undefined && head.waiting.length > 0; head = this.chunks[0]) {
        await this.writeAll(head.waiting.splice(0));
        if (this.position < head.end) continue;
        this.chunks.shift();
        head.settle?.resolve();
      }
    } catch (error) {
      this.failure = error;
      for (const { settle } of this.chunks.splice(0)) settle?.reject(error);
    } finally {
      this.busy = false;
    }
  }

  private async writeAll(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      for (let done = 0; done < piece.length; ) {
        const { bytesWritten } = await this.handle.write(piece, done, piece.length - done, this.position);
        done += bytesWritten;
        this.position += bytesWritten;
        this.onWritten(bytesWritten);
      }
      this.hash.update(piece);
    }
  }
}
