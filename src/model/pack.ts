/** Several samples in one row of a batch: positions restart at each sample, and attention stays inside it. */
import { BagpiperError } from '../errors.js';
import type { ContinuousSpan, TokenGrid } from './grid.js';

/** Rows that take encoder vectors, with the sample they come from; `start` counts from the beginning of the pack. */
export interface PackedSpan extends ContinuousSpan {
  /** Index into the packed samples. */
  sample: number;
}

/** Several grids, one after the other, then padding. */
export interface Pack {
  /** Rows, padding included. */
  length: number;
  /** Rows before the padding. */
  used: number;
  /** Ids `[length, num_stream]`. */
  ids: Int32Array;
  /** Loss weights `[length, num_stream]`. */
  lossMask: Float32Array;
  /** First row of each sample. */
  sampleStarts: Int32Array;
  /** Edges of the attention blocks: the sample starts, the start of the padding if any, and the length. */
  cuSeqlens: Int32Array;
  /** Position of each row within its block, `[length]`. */
  positionIds: Int32Array;
  /** Attention block of each row, `[length]`: a row attends to earlier rows of its own block only. */
  blockIds: Int32Array;
  continuous: PackedSpan[];
}

/** A full row grows by this many rows at a time where the samples do not fit it. */
const GROWTH = 20;

/**
 * Puts samples one after the other.
 *
 * @param batchLength rows to pad to, or -1 for no padding. Where the samples are longer, the row grows by steps of 20.
 *   The padding is numbered 0, 1, 2, ... as a sample of its own (as in the newer upstream trainer); its mask is 0.
 * @throws BagpiperError where there is no sample.
 */
export function packGrids(samples: readonly TokenGrid[], batchLength = -1): Pack {
  const first = samples[0];
  if (first === undefined) throw new BagpiperError('A pack needs at least one sample.');
  const streams = first.ids.length / first.length;
  const used = samples.reduce((rows, sample) => rows + sample.length, 0);
  const length = paddedLength(used, batchLength);
  const pack: Pack = {
    length,
    used,
    ids: new Int32Array(length * streams),
    lossMask: new Float32Array(length * streams),
    sampleStarts: new Int32Array(samples.length),
    cuSeqlens: new Int32Array(samples.length + (length > used ? 2 : 1)),
    positionIds: new Int32Array(length),
    blockIds: new Int32Array(length),
    continuous: [],
  };
  let row = 0;
  for (const [index, sample] of samples.entries()) {
    pack.ids.set(sample.ids, row * streams);
    pack.lossMask.set(sample.lossMask, row * streams);
    pack.sampleStarts[index] = row;
    for (const span of sample.continuous) pack.continuous.push({ ...span, sample: index, start: span.start + row });
    numberBlock(pack, index, row, row + sample.length);
    row += sample.length;
  }
  if (length > used) numberBlock(pack, samples.length, used, length);
  pack.cuSeqlens[pack.cuSeqlens.length - 1] = length;
  return pack;
}

function numberBlock(pack: Pack, block: number, start: number, end: number): void {
  pack.cuSeqlens[block] = start;
  for (let row = start; row < end; row++) {
    pack.positionIds[row] = row - start;
    pack.blockIds[row] = block;
  }
}

function paddedLength(used: number, batchLength: number): number {
  if (batchLength < 0) return used;
  return batchLength + GROWTH * Math.ceil(Math.max(0, used - batchLength) / GROWTH);
}

/**
 * Groups samples into rows of at most `capacity`: longest first, each into the fullest row that still has room
 * (best-fit decreasing). Deterministic: equal lengths keep their order.
 *
 * @returns the indices of each row's samples, rows in order of opening.
 * @throws BagpiperError where a sample alone is longer than `capacity`.
 */
export function packBestFit(lengths: readonly number[], capacity: number): number[][] {
  const order = lengths.map((_, index) => index).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const rows: number[][] = [];
  const open = new RoomIndex(capacity);
  for (const index of order) {
    const length = lengths[index];
    if (!Number.isInteger(length) || length < 0 || length > capacity) {
      throw new BagpiperError(`Sample ${index} has ${length} rows; a packed row holds 0 to ${capacity}.`);
    }
    const room = open.smallestAtLeast(length);
    let row = room < 0 ? -1 : open.take(room);
    if (row < 0) row = rows.push([]) - 1;
    rows[row].push(index);
    open.put((room < 0 ? capacity : room) - length, row);
  }
  return rows;
}

/** Open rows by the room they have left; finds the tightest fit in capacity / 32 steps. */
class RoomIndex {
  private readonly byRoom = new Map<number, number[]>();
  private readonly present: Uint32Array;

  constructor(capacity: number) {
    this.present = new Uint32Array(Math.floor(capacity / 32) + 1);
  }

  put(room: number, row: number): void {
    const rows = this.byRoom.get(room);
    if (rows === undefined) this.byRoom.set(room, [row]);
    else rows.push(row);
    this.present[room >>> 5] |= 1 << (room & 31);
  }

  take(room: number): number {
    const rows = this.byRoom.get(room)!;
    const row = rows.pop()!;
    if (rows.length === 0) {
      this.byRoom.delete(room);
      this.present[room >>> 5] &= ~(1 << (room & 31));
    }
    return row;
  }

  /** The smallest room of at least `length` that some row has, or -1. */
  smallestAtLeast(length: number): number {
    let word = length >>> 5;
    let bits = (this.present[word] & (0xffffffff << (length & 31))) >>> 0;
    while (bits === 0) {
      if (++word >= this.present.length) return -1;
      bits = this.present[word];
    }
    return word * 32 + (31 - Math.clz32(bits & -bits));
  }
}
