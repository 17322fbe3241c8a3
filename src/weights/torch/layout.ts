/**
 * Tensors as ways through a storage. In PyTorch a tensor is a start and, per dimension, a size and a stride; transposed,
 * sliced and expanded ones are saved as such. Their row-major numbers are gathered here, a piece at a time.
 */
import type { ReadRange } from '../range.js';

/** A checked way through a storage; strides and offset count numbers. */
export interface Layout {
  shape: number[];
  strides: readonly number[];
  offset: number;
  /** Bytes a number takes: 1, 2, 4 or 8. */
  width: number;
  /** Where the storage begins in the file. */
  start: number;
}

/** One dimension of a box to copy; `step` is the stride on the row-major side. */
interface Dimension {
  size: number;
  stride: number;
  step: number;
}

/** PyTorch's own limit. */
const MAX_DIMENSIONS = 64;
/** Bytes read ahead while gathering. */
const WINDOW = 4 * 2 ** 20;

/** Count of numbers of a shape. */
export function countOf(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

/**
 * What is wrong with a way through a storage, or undefined where nothing is.
 *
 * @param available numbers in the storage.
 */
export function problemOf(
  shape: readonly unknown[],
  strides: readonly unknown[],
  offset: unknown,
  available: number,
): string | undefined {
  const tooMany = shape.length > MAX_DIMENSIONS;
  if (tooMany || shape.length !== strides.length || !areCounts(shape) || !areCounts(strides) || !areCounts([offset])) {
    return `has an impossible shape [${shape.slice(0, 8).map(String)}] or strides [${strides.slice(0, 8).map(String)}]`;
  }
  if (shape.includes(0)) return undefined;
  let last = offset as number;
  shape.forEach((size, i) => {
    last += (size - 1) * strides[i];
  });
  if (last >= available) {
    return `reaches number ${last} of a storage of ${available}; the file is damaged or cut short`;
  }
  const moving = shape.map((size, i) => ({ size, stride: strides[i] })).filter((d) => d.size > 1 && d.stride > 0);
  let reach = 0;
  for (const { size, stride } of moving.sort((a, b) => a.stride - b.stride)) {
    // Rows that share numbers (as_strided, unfold) would be read in leaps; nobody saves them as weights.
    if (stride <= reach) return 'has rows that overlap in memory; save its .contiguous() instead';
    reach += (size - 1) * stride;
  }
  return undefined;
}

/** Whether the numbers lie row-major without holes. */
export function isContiguous({ shape, strides }: Layout): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i];
  }
  return true;
}

/**
 * The bytes `[start, end)` of a tensor's row-major numbers. Beside them it holds at most two rows and 4 MiB in memory.
 *
 * @param read reads from the file that the layout's `start` counts in.
 */
export function gather(layout: Layout, start: number, end: number, read: ReadRange): Uint8Array {
  if (start >= end) return new Uint8Array(0);
  const { width } = layout;
  let dimensions = layout.shape.map((size, i) => ({ size, stride: layout.strides[i], step: 0 }));
  let offset = layout.offset;
  let first = Math.floor(start / width);
  let last = Math.ceil(end / width);
  // The smallest box of whole rows around the range: inside one row the range may be cut further.
  while (dimensions.length > 0) {
    const [outer, ...inner] = dimensions;
    const row = countOf(inner.map(({ size }) => size));
    const from = Math.floor(first / row);
    const to = Math.ceil(last / row);
    offset += from * outer.stride;
    first -= from * row;
    last -= from * row;
    if (to - from > 1) {
      dimensions = [{ ...outer, size: to - from }, ...inner];
      break;
    }
    dimensions = inner;
  }
  let count = 1;
  for (const dimension of [...dimensions].reverse()) {
    dimension.step = count;
    count *= dimension.size;
  }
  const out = new Uint8Array(count * width);
  copyBox(dimensions, offset, new Window(read, layout.start, width, boxEnd(dimensions, offset)), out);
  const cut = first * width + (start % width);
  return out.subarray(cut, cut + end - start);
}

/** Copies a box in the order of the storage, so that the file is read forwards. */
function copyBox(dimensions: readonly Dimension[], offset: number, window: Window, out: Uint8Array): void {
  const ordered = dimensions.filter(({ size }) => size > 1).sort((a, b) => b.stride - a.stride);
  const inner = ordered.pop() ?? { size: 1, stride: 0, step: 0 };
  const perPiece = inner.stride === 0 ? inner.size : Math.floor((window.capacity - 1) / inner.stride) + 1;
  const copy = copier(window.width, out);
  const index = ordered.map(() => 0);
  let source = offset;
  let target = 0;
  for (;;) {
    for (let done = 0; done < inner.size; done += perPiece) {
      const count = Math.min(perPiece, inner.size - done);
      const from = source + done * inner.stride;
      const bytes = window.have(from, from + (count - 1) * inner.stride);
      copy(bytes, from - window.first, inner.stride, target + done * inner.step, inner.step, count);
    }
    let axis = ordered.length - 1;
    for (; axis >= 0; axis--) {
      const { size, stride, step } = ordered[axis];
      source += stride;
      target += step;
      if (++index[axis] < size) break;
      source -= size * stride;
      target -= size * step;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

type Copy = (bytes: Uint8Array, from: number, stride: number, to: number, step: number, count: number) => void;

/** Copies numbers of a width from a window into `out`; positions and steps count numbers. */
function copier(width: number, out: Uint8Array): Copy {
  const Words = width === 1 ? Uint8Array : width === 2 ? Uint16Array : Uint32Array;
  const words = width === 8 ? 2 : 1;
  const target = new Words(out.buffer as ArrayBuffer, out.byteOffset, out.length / Words.BYTES_PER_ELEMENT);
  return (bytes, from, stride, to, step, count) => {
    if (stride === 1 && step === 1) {
      out.set(bytes.subarray(from * width, (from + count) * width), to * width);
      return;
    }
    const source = new Words(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / Words.BYTES_PER_ELEMENT);
    for (let word = 0; word < words; word++) {
      let s = from * words + word;
      let t = to * words + word;
      for (let i = 0; i < count; i++, s += stride * words, t += step * words) target[t] = source[s];
    }
  };
}

/** A part of the storage in memory that moves on as it is asked for more. */
class Window {
  first = 0;
  readonly capacity: number;
  private bytes: Uint8Array = new Uint8Array(0);

  /** @param end the number at which nothing more will be asked for */
  constructor(
    private readonly read: ReadRange,
    private readonly start: number,
    readonly width: number,
    private readonly end: number,
  ) {
    this.capacity = WINDOW / width;
  }

  /** Bytes that begin with number `this.first` and hold the numbers `from` to `to`, both included. */
  have(from: number, to: number): Uint8Array {
    if (from >= this.first && to < this.first + this.bytes.length / this.width) return this.bytes;
    const count = Math.min(this.capacity, this.end - from);
    const bytes = this.read(this.start + from * this.width, count * this.width);
    this.bytes = bytes.byteOffset % this.width === 0 ? bytes : new Uint8Array(bytes);
    this.first = from;
    return this.bytes;
  }
}

/** The number after the last one of a box. */
function boxEnd(dimensions: readonly Dimension[], offset: number): number {
  return dimensions.reduce((last, { size, stride }) => last + (size - 1) * stride, offset) + 1;
}

function areCounts(values: readonly unknown[]): values is number[] {
  return values.every((value) => Number.isSafeInteger(value) && (value as number) >= 0);
}
