import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/random.js';
import { countOf, gather, isContiguous, type Layout, problemOf } from '../../../src/weights/torch/layout.js';

/** The row-major bytes by the definition of strides, number by number. */
function byDefinition({ shape, strides, offset, width, start }: Layout, file: Uint8Array): Uint8Array {
  const out: number[] = [];
  const index = shape.map(() => 0);
  for (let i = countOf(shape); i > 0; i--) {
    const at = start + width * index.reduce((sum, value, axis) => sum + value * strides[axis], offset);
    out.push(...file.subarray(at, at + width));
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return Uint8Array.from(out);
}

/** A random view of a dense tensor: dimensions shuffled, sliced with steps, dropped and repeated. */
function randomView(random: Random): Layout {
  let stride = 1;
  let offset = 0;
  const dimensions: [number, number][] = [];
  for (let i = random.int(5); i > 0; i--) {
    const size = 1 + random.int(6);
    const from = random.int(size);
    const step = 1 + random.int(3);
    offset += from * stride;
    const taken = Math.ceil((size - from) / step);
    if (random.chance(0.8)) dimensions.push([taken, step * stride]);
    stride *= size;
  }
  if (random.chance(0.3)) dimensions.push([1 + random.int(3), 0]);
  const shuffled = random.shuffle(dimensions);
  const width = [1, 2, 4, 8][random.int(4)];
  return { shape: shuffled.map(([size]) => size), strides: shuffled.map(([, s]) => s), offset, width, start: 24 };
}

describe('gathering', () => {
  it('gives what the strides say, whole and in pieces', () => {
    const random = new Random(5);
    const file = Uint8Array.from({ length: 24 + 8 * 6 ** 4 }, () => random.int(256));
    for (let i = 0; i < 2000; i++) {
      const layout = randomView(random);
      expect(problemOf(layout.shape, layout.strides, layout.offset, 6 ** 4)).toBeUndefined();
      const expected = byDefinition(layout, file);
      const read = (start: number, length: number): Uint8Array => file.subarray(start, start + length);
      expect(Buffer.from(gather(layout, 0, expected.length, read)).equals(expected)).toBe(true);
      const start = random.int(expected.length);
      const end = start + random.int(expected.length - start + 1);
      expect(Buffer.from(gather(layout, start, end, read)).equals(expected.subarray(start, end))).toBe(true);
      if (isContiguous(layout)) {
        const first = layout.start + layout.offset * layout.width;
        expect(Buffer.from(file.subarray(first, first + expected.length)).equals(expected)).toBe(true);
      }
    }
  });

  it('reads a large transposed matrix forwards, in windows', () => {
    const [rows, columns] = [3000, 2000];
    const stored = Uint32Array.from({ length: rows * columns }, (_, i) => i);
    const bytes = new Uint8Array(stored.buffer);
    const layout: Layout = { shape: [columns, rows], strides: [1, columns], offset: 0, width: 4, start: 0 };
    let reads = 0;
    let total = 0;
    let last = -1;
    const read = (start: number, length: number): Uint8Array => {
      expect(start).toBeGreaterThan(last);
      last = start;
      reads++;
      total += length;
      return bytes.subarray(start, start + length);
    };
    const whole = new Uint32Array(gather(layout, 0, bytes.length, read).buffer);
    expect([whole[0], whole[1], whole[rows], whole.at(-1)]).toEqual([0, columns, 1, rows * columns - 1]);
    expect(whole[1234 * rows + 567]).toBe(567 * columns + 1234);
    expect(reads).toBeLessThan(10);
    expect(total).toBeLessThan(1.5 * bytes.length);
    // One row of it: every stored row is passed, but only one row is held.
    last = -1;
    const row = gather(layout, 7 * rows * 4, 8 * rows * 4, read);
    expect(new Uint32Array(row.buffer)[5]).toBe(5 * columns + 7);
    expect(row.length).toBe(rows * 4);
  });
});

describe('a layout', () => {
  it('is row-major whatever the strides of dimensions of one', () => {
    const base = { offset: 0, width: 4, start: 0 };
    expect(isContiguous({ ...base, shape: [2, 1, 3], strides: [3, 77, 1] })).toBe(true);
    expect(isContiguous({ ...base, shape: [2, 3], strides: [1, 2] })).toBe(false);
    expect(isContiguous({ ...base, shape: [2], strides: [0] })).toBe(false);
    expect(isContiguous({ ...base, shape: [], strides: [] })).toBe(true);
    expect(isContiguous({ ...base, shape: [0, 5], strides: [1, 9] })).toBe(true);
  });

  it('overlaps where two ways lead to one number', () => {
    expect(problemOf([3, 3], [3, 1], 0, 9)).toBeUndefined();
    expect(problemOf([3, 3], [2, 1], 0, 9)).toMatch(/overlap/);
    expect(problemOf([2, 2], [3, 3], 0, 9)).toMatch(/overlap/);
    expect(problemOf([2, 3], [1, 2], 0, 9)).toBeUndefined();
  });
});
