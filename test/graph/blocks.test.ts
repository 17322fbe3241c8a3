import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type Bits,
  type BlockMatrix,
  blockRows,
  Graph,
  linearNamed,
  matmulBlocks,
  stackedBlocks,
} from '../../src/graph/index.js';
import { Random } from '../../src/random.js';
import { Session } from '../../src/runtime/index.js';

const folder = mkdtempSync(join(tmpdir(), 'blocks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Random codes and scales, and the numbers they stand for by the definition, in plain loops. */
function matrix(
  rows: number,
  columns: number,
  bits: Bits,
  block: number,
): { stored: BlockMatrix; values: Float64Array } {
  const random = new Random(`${rows} ${columns} ${bits} ${block}`);
  const codes = Uint8Array.from({ length: (rows * columns * bits) / 8 }, () => random.int(256));
  const scales = Float32Array.from({ length: (rows * columns) / block }, () => random.normal());
  const values = Float64Array.from({ length: rows * columns }, (_, i) => {
    const code = bits === 8 ? codes[i] : i % 2 === 0 ? codes[i >> 1] & 15 : codes[i >> 1] >> 4;
    return (code - (bits === 8 ? 128 : 8)) * scales[Math.floor(i / block)];
  });
  return { stored: { rows, columns, bits, block, codes: { data: codes }, scales: { data: scales } }, values };
}

/** Whole numbers up to 127, which every block reaches: the kernel's 8-bit numbers are then exact. */
function whole(rows: number, columns: number): Float32Array {
  const random = new Random('whole');
  return Float32Array.from({ length: rows * columns }, (_, i) => (i % 16 === 0 ? 127 : random.int(255) - 127));
}

async function product(x: Float32Array, stored: BlockMatrix): Promise<Float32Array> {
  const graph = new Graph();
  graph.output('y', matmulBlocks(graph.input('x', 'float32', ['n', stored.columns]), stored));
  const session = await Session.create(graph, { threads: 1 });
  const { y } = await session.run({ x: { data: x, dims: [x.length / stored.columns, stored.columns] } });
  await session.release();
  return y.data as Float32Array;
}

function plain(x: Float32Array, values: Float64Array, columns: number): number[] {
  const [n, rows] = [x.length / columns, values.length / columns];
  return Array.from({ length: n * rows }, (_, i) => {
    const [t, r] = [Math.floor(i / rows), i % rows];
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += x[t * columns + k] * values[r * columns + k];
    return sum;
  });
}

function expectClose(actual: Float32Array, expected: number[]): void {
  const size = Math.sqrt(expected.reduce((sum, x) => sum + x * x, 0) / expected.length);
  expect(actual.length).toBe(expected.length);
  actual.forEach((x, i) => {
    expect(Math.abs(x - expected[i]) / size).toBeLessThan(1e-5);
  });
}

describe('matmulBlocks', () => {
  const formats = ([4, 8] as const).flatMap((bits) => [16, 32, 64, 128].map((block) => [bits, block] as const));

  it.each(formats)('multiplies as %i-bit codes in blocks of %i are defined', async (bits, block) => {
    const { stored, values } = matrix(33, 256, bits, block);
    const x = whole(3, 256);
    expectClose(await product(x, stored), plain(x, values, 256));
  });

  it('is within the rounding of its input to 8 bits for any input', async () => {
    const { stored, values } = matrix(64, 128, 4, 32);
    const random = new Random('any');
    const x = Float32Array.from({ length: 4 * 128 }, () => random.normal());
    const y = await product(x, stored);
    plain(x, values, 128).forEach((expected, i) => {
      const [t, r] = [Math.floor(i / 64), i % 64];
      let bound = 0;
      for (let b = 0; b < 4; b++) {
        const [at, row] = [t * 128 + b * 32, r * 128 + b * 32];
        const step = x.subarray(at, at + 32).reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127;
        bound += (step / 2) * values.subarray(row, row + 32).reduce((sum, v) => sum + Math.abs(v), 0);
      }
      expect(Math.abs(y[i] - expected)).toBeLessThanOrEqual(bound * 1.001);
    });
  });

  it('reads codes and scales where they lie in a file, at any offset, and rows of them', async () => {
    const { stored, values } = matrix(48, 64, 4, 32);
    const bytes = (source: BlockMatrix['codes']) =>
      'data' in source ? new Uint8Array(source.data.buffer) : new Uint8Array();
    const [codes, scales] = [bytes(stored.codes), bytes(stored.scales)];
    const file = join(folder, 'weights.bin');
    writeFileSync(file, Buffer.concat([new Uint8Array(20), codes, new Uint8Array(4), scales]));
    const mapped: BlockMatrix = {
      ...stored,
      codes: { file, offset: 20, length: codes.length },
      scales: { file, offset: 24 + codes.length, length: scales.length },
    };
    const x = whole(2, 64);
    expectClose(await product(x, mapped), plain(x, values, 64));
    const part = values.subarray(5 * 64, 38 * 64);
    expectClose(await product(x, blockRows(mapped, 5, 38)), plain(x, part, 64));
  });

  it('multiplies with matrices that follow each other at once', async () => {
    const { stored, values } = matrix(48, 64, 8, 64);
    const together = stackedBlocks([blockRows(stored, 0, 20), blockRows(stored, 20, 48)])!;
    const x = whole(2, 64);
    expectClose(await product(x, together), plain(x, values, 64));
  });
});

describe('stackedBlocks', () => {
  const { stored } = matrix(48, 64, 8, 64);
  const mapped: BlockMatrix = {
    ...stored,
    codes: { file: 'a', offset: 0, length: 3072 },
    scales: { file: 'a', offset: 3072, length: 192 },
  };

  it('joins neighbours in a file without reading them', () => {
    expect(stackedBlocks([blockRows(mapped, 0, 8), blockRows(mapped, 8, 48)])).toEqual(mapped);
  });

  it('leaves alone what does not follow in the file, or is of another format', () => {
    expect(stackedBlocks([blockRows(mapped, 8, 48), blockRows(mapped, 0, 8)])).toBeUndefined();
    expect(stackedBlocks([blockRows(mapped, 0, 8), { ...blockRows(mapped, 8, 48), block: 32 }])).toBeUndefined();
    expect(stackedBlocks([blockRows(mapped, 0, 8), blockRows(stored, 8, 48)])).toBeUndefined();
  });
});

describe('linearNamed', () => {
  it('takes a matrix in whichever form it is stored', () => {
    const { stored } = matrix(48, 64, 8, 64);
    const graph = new Graph({ blocks: (name) => (name === 'a' ? stored : undefined) });
    const x = graph.input('x', 'float32', ['n', 64]);
    expect(linearNamed(x, 'a', 48).shape).toEqual(['n', 48]);
    expect(linearNamed(x, 'b', 5).shape).toEqual(['n', 5]);
    expect([...graph.parameters.keys()]).toEqual(['b']);
    expect(() => linearNamed(x, 'a', 47)).toThrow(/47 outputs of a \[48, 64\]: shapes do not fit/);
  });
});
