/** The embedding table: in memory where it is small or plain, else read row by row from its file as ids need them. */
import { closeSync, openSync, readSync } from 'node:fs';
import { BagpiperError, messageOf } from '../errors.js';
import { type BlockMatrix, codeBytes, rowScales } from '../graph/index.js';
import { readRows, unpackBlocks } from '../weights/index.js';

/** A table in blocks is unpacked into memory up to this many numbers. */
const IN_MEMORY = 4e6;

export interface Embeddings {
  /** Adds row `id` to `out` from place `at` on. */
  add(id: number, out: Float32Array, at: number): void;
  close(): void;
}

/** @param table [vocab_size, hidden] */
export function embeddingsOf(table: Float32Array | BlockMatrix, width: number): Embeddings {
  if (!(table instanceof Float32Array)) {
    const { rows, columns, codes, scales } = table;
    if ('file' in codes && 'file' in scales && rows * columns > IN_MEMORY) return new FileTable(table, codes, scales);
    return embeddingsOf(readRows(table, 0, rows), width);
  }
  const add = (id: number, out: Float32Array, at: number): void => {
    for (let d = 0; d < width; d++) out[at + d] += table[id * width + d];
  };
  return { add, close: () => {} };
}

interface Place {
  file: string;
  offset: number;
}

/**
 * Rows read when they are asked for. The operating system keeps the file's pages, so a row costs two short copies; the
 * table takes no memory of the process.
 */
class FileTable implements Embeddings {
  private readonly descriptor: number;
  private readonly codes: Uint8Array;
  private readonly scales: Float32Array;

  constructor(
    private readonly matrix: BlockMatrix,
    private readonly codePlace: Place,
    private readonly scalePlace: Place,
  ) {
    if (codePlace.file !== scalePlace.file) throw new Error(`${codePlace.file} holds codes without their scales`);
    this.codes = new Uint8Array(codeBytes(matrix));
    this.scales = new Float32Array(rowScales(matrix));
    try {
      this.descriptor = openSync(codePlace.file, 'r');
    } catch (error) {
      throw new BagpiperError(`${codePlace.file} cannot be read: ${messageOf(error)}.`);
    }
  }

  add(id: number, out: Float32Array, at: number): void {
    const { codes, scales, matrix } = this;
    if (id < 0 || id >= matrix.rows) throw new Error(`no embedding ${id} among ${matrix.rows}`);
    this.read(codes, this.codePlace.offset + id * codes.byteLength);
    this.read(new Uint8Array(scales.buffer), this.scalePlace.offset + id * scales.byteLength);
    const row = unpackBlocks({ codes, scales }, matrix);
    for (let d = 0; d < row.length; d++) out[at + d] += row[d];
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private read(into: Uint8Array, position: number): void {
    let done = 0;
    while (done < into.length) {
      const count = readSync(this.descriptor, into, done, into.length - done, position + done);
      if (count === 0) throw new BagpiperError(`${this.codePlace.file} became shorter while it was read.`);
      done += count;
    }
  }
}
