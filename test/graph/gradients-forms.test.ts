/**
 * The shapes and combinations in which the networks (language model, audio encoder, codec, their losses) use operations,
 * beyond one case for each rule (gradients.test.ts).
 */
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.js';
import { Random } from '../../src/random.js';
import { Session } from '../../src/runtime/index.js';
import { type Build, checkElements } from './differences.js';

const indices = (graph: g.Graph, values: number[], shape: number[] = [values.length]) =>
  graph.constant(BigInt64Array.from(values, BigInt), shape);

const forms: Record<string, { shapes: number[][]; build: Build; shift?: number | number[] }> = {
  'one tensor used three times': {
    shapes: [[2, 3]],
    build: (_, x) => g.add(g.mul(x, g.sin(x)), g.square(x)),
  },
  'twice the same tensor in one product': { shapes: [[2, 2]], build: (_, x) => g.matmul(x, x, { transB: true }) },
  'a bias over tokens': { shapes: [[2, 3, 4], [4]], build: (_, x, b) => g.add(x, b) },
  'a bias over a batch of one': { shapes: [[1, 3, 4], [4]], build: (_, x, b) => g.add(x, b) },
  'an offset for each stream': {
    shapes: [
      [2, 3, 4],
      [2, 1, 4],
    ],
    build: (_, x, b) => g.add(x, b),
  },
  'positions for a batch': {
    shapes: [
      [2, 3, 4],
      [1, 3, 4],
    ],
    build: (_, x, b) => g.add(x, b),
  },
  'a factor for each row': {
    shapes: [
      [3, 4],
      [3, 1],
    ],
    build: (_, x, w) => g.mul(x, w),
  },
  'a factor for each stream of each row': {
    shapes: [
      [2, 2, 3, 4],
      [2, 2, 3, 1],
    ],
    build: (_, x, w) => g.mul(x, w),
  },
  'scalars: ratio of sums under a root': {
    shapes: [
      [2, 3],
      [2, 3],
    ],
    build: (_, a, b) => g.mul(g.sqrt(g.div(g.add(g.sumAll(g.square(a)), 1e-6), g.add(g.sumAll(g.square(b)), 1e-6))), 2),
    shift: 1,
  },
  'mean of all, of three axes': { shapes: [[2, 3, 2]], build: (_, x) => g.meanAll(g.square(x)) },
  'sums without keeping axes, counted from the end': { shapes: [[2, 3, 4]], build: (_, x) => g.sum(x, [-1, 0]) },
  'sum over streams': { shapes: [[1, 3, 4, 2]], build: (_, x) => g.sum(x, [2]) },
  'clamp from above': { shapes: [[8]], build: (_, x) => g.neg(g.maximum(g.neg(g.mul(x, 2)), -1)), shift: 0.1 },
  softplus: {
    shapes: [[8]],
    build: (_, x) => {
      const positive = g.maximum(x, 0);
      return g.add(positive, g.log(g.add(g.exp(g.neg(g.sub(g.mul(positive, 2), x))), 1)));
    },
  },
  'a number left of minus and division': { shapes: [[5]], build: (_, x) => g.add(g.sub(1, x), g.div(2, x)), shift: 3 },
  'where, all three broadcast': {
    shapes: [[1, 1, 4], [4]],
    build: (graph, a, b) => {
      const ids = indices(graph, [0, 1, 2, 0, 0, 5], [2, 3, 1]);
      return g.where(g.equal(ids, graph.constant(BigInt64Array.of(0n), [])), a, b);
    },
  },
  'where against a number': { shapes: [[2, 3]], build: (_, x) => g.where(g.greater(x, 0), g.exp(x), -1), shift: 0.05 },
  'slices of a slice': { shapes: [[2, 5, 3]], build: (_, x) => g.slice(g.slice(x, 1, 0, 4), 1, 1, 3) },
  'slices that overlap, put side by side': {
    shapes: [[2, 6, 3]],
    build: (_, x) =>
      g.concat(
        [0, 1, 2, 3].map((q) => g.slice(x, 1, q, q + 3)),
        2,
      ),
  },
  'the same part twice in a concat': { shapes: [[2, 3]], build: (_, x) => g.concat([x, g.neg(x), x], 0) },
  'a row of zeros before a table, then rows of it': {
    shapes: [[3, 2]],
    build: (graph, x) => {
      const table = g.concat([graph.constant(new Float32Array(2), [1, 2]), x], 0);
      return g.gather(table, indices(graph, [0, 3, 0, 1, 1]));
    },
  },
  'ids of several streams': {
    shapes: [[6, 2]],
    build: (graph, x) => g.sum(g.gather(x, indices(graph, [0, 5, 5, 1, 2, 5, 0, 0], [1, 2, 4])), [2]),
  },
  'split along rows, each part with a part of the keys': {
    shapes: [
      [1, 2, 4, 3],
      [1, 2, 3, 4],
    ],
    build: (_, q, k) => {
      const [first, second] = g.split(q, 2, [2, 2]);
      const early = g.softmax(g.matmul(first, g.slice(k, 3, 0, 2), { alpha: 0.5 }));
      return g.concat([g.pad(early, 3, 0, 2), g.softmax(g.matmul(second, k, { alpha: 0.5 }))], 2);
    },
  },
  'softmax under a mask': {
    shapes: [[1, 2, 3, 3]],
    build: (graph, x) => {
      const mask = Float32Array.from({ length: 9 }, (_, i) => (i % 3 > Math.floor(i / 3) ? -1e4 : 0));
      return g.softmax(g.add(x, graph.constant(mask, [1, 1, 3, 3])));
    },
  },
  'orders of axes': {
    shapes: [
      [2, 3, 1, 2],
      [1, 2, 2, 1, 3],
    ],
    build: (_, a, b) => {
      const four = [
        [0, 3, 1, 2],
        [0, 2, 3, 1],
        [1, 0, 2, 3],
      ].map((order) => g.reshape(g.transpose(a, order), [12]));
      return g.concat([...four, g.reshape(g.transpose(b, [0, 2, 1, 3, 4]), [12])], 0);
    },
  },
  'a linear layer over tokens': {
    shapes: [
      [2, 3, 4],
      [5, 4],
    ],
    build: (_, x, w) => g.linear(x, w),
  },
  'log softmax of a linear layer, picked with weights': {
    shapes: [
      [3, 4],
      [5, 4],
    ],
    build: (graph, x, w) => g.mul(g.pick(g.logSoftmax(g.linear(x, w)), indices(graph, [1, 1, 4])), -0.5),
  },
  'log softmax picked and used again': {
    shapes: [[3, 4]],
    build: (graph, x) => {
      const y = g.logSoftmax(x);
      return g.add(g.pick(y, indices(graph, [0, 3, 3])), g.sum(g.square(y), [1]));
    },
  },
  'layer norm of a batch of one': {
    shapes: [[1, 2, 4], [4], [4]],
    build: (_, x, w, b) => g.layerNorm(x, w, b, 1e-5),
  },
  'pad on two axes': { shapes: [[2, 2]], build: (_, x) => g.pad(g.pad(x, 1, 0, 2), 0, 1, 0) },
  'expand to more axes': { shapes: [[3, 1]], build: (_, x) => g.expand(x, [2, 3, 4]) },
  'conv 2d of a picture: one channel, stride 2, even size': {
    shapes: [[2, 1, 6, 4], [3, 1, 3, 3], [3]],
    build: (_, x, w, b) => g.conv(x, w, b, { stride: [2, 2], padding: [1, 1] }),
  },
  'conv 1d without a bias, stride 3 that leaves a rest': {
    shapes: [
      [1, 2, 9],
      [2, 2, 2],
    ],
    build: (_, x, w) => g.conv(x, w, null, { stride: [3] }),
  },
  'transposed conv, padded at the end': {
    shapes: [[1, 2, 3], [2, 2, 3], [2]],
    build: (_, x, w, b) => g.convTranspose(x, w, b, { stride: [2], padding: [1], outputPadding: [1] }),
  },
};

describe('gradients agree with central differences', () => {
  for (const [name, { shapes, build, shift }] of Object.entries(forms)) {
    it(name, () => checkElements(name, shapes, build, shift));
  }
});

describe('gradients', () => {
  it('of a gather add up exactly where many rows are the same, on any number of threads', async () => {
    const [count, width, rows] = [20_000, 16, 7];
    const graph = new g.Graph();
    const table = graph.parameter('table', [rows, width]);
    const random = new Random('gather');
    const at = Array.from({ length: count }, () => random.int(rows));
    const [grad] = g.gradients(g.sumAll(g.gather(table, indices(graph, at))), [table]);
    graph.output('grad', grad);
    const expected = Array.from({ length: rows }, (_, row) => at.filter((i) => i === row).length);
    for (const threads of [1, 4]) {
      const session = await Session.create(graph, { threads });
      const values = { table: { data: new Float32Array(rows * width), dims: [rows, width] } };
      const data = (await session.run(values)).grad.data as Float32Array;
      expect(Array.from(data)).toEqual(expected.flatMap((n) => new Array<number>(width).fill(n)));
      await session.release();
    }
  });

  it('do not flow through whole numbers and comparisons', () => {
    const graph = new g.Graph();
    const x = graph.parameter('x', [3]);
    const sign = g.cast(g.greater(x, 0), 'float32');
    expect(() => g.gradients(g.sumAll(sign), [x])).toThrow(/does not depend on x/);
    expect(() => g.gradients(x, [x])).toThrow(/must be a scalar/);
  });
});
