import { describe, expect, it } from 'vitest';
import { attention, Graph } from '../../src/graph/index.js';
import { Random } from '../../src/random.js';
import { Session } from '../../src/runtime/index.js';

describe('attention', () => {
  it.each([1, 7, 300])('is softmax(q k / sqrt(d)) v, head by head, over %i rows', async (rows) => {
    const [heads, size] = [3, 4];
    const width = heads * size;
    const random = new Random(rows);
    const [q, k, v] = [0, 1, 2].map(() => Float32Array.from({ length: rows * width }, () => random.normal() * 2));
    const graph = new Graph();
    const [tq, tk, tv] = ['q', 'k', 'v'].map((name) => graph.input(name, 'float32', [1, 'rows', width]));
    graph.output('y', attention(tq, tk, tv, heads));
    const session = await Session.create(graph, { threads: 1 });
    const value = (data: Float32Array) => ({ data, dims: [1, rows, width] });
    const { y } = await session.run({ q: value(q), k: value(k), v: value(v) });
    await session.release();
    expect(y.dims).toEqual([1, rows, width]);
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < rows; i += 13) {
        const at = (row: number, d: number) => row * width + h * size + d;
        const scores = Array.from({ length: rows }, (_, j) => {
          let sum = 0;
          for (let d = 0; d < size; d++) sum += q[at(i, d)] * k[at(j, d)];
          return Math.exp(sum / Math.sqrt(size));
        });
        const total = scores.reduce((a, b) => a + b, 0);
        for (let d = 0; d < size; d++) {
          const expected = scores.reduce((sum, s, j) => sum + s * v[at(j, d)], 0) / total;
          expect(Math.abs(Number(y.data[at(i, d)]) - expected)).toBeLessThan(1e-5);
        }
      }
    }
  });

  it('refuses widths that the heads do not divide, and keys unlike the values', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1, 'rows', 10]);
    expect(() => attention(x, x, x, 3)).toThrow(/attention: shapes do not fit/);
    expect(() => attention(x, x, graph.input('v', 'float32', [1, 'others', 10]), 2)).toThrow(/attention: shapes/);
  });
});
