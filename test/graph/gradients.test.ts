import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.js';
import { Random } from '../../src/random.js';
import { Session } from '../../src/runtime/index.js';
import { type Build, checkElements } from './differences.js';

interface Case {
  shapes: number[][];
  build: Build;
  /** moves random values away from where an operation has a kink or no value */
  shift?: number;
  ops: string[];
}

const indices = (graph: g.Graph, values: number[], shape: number[]) =>
  graph.constant(BigInt64Array.from(values, BigInt), shape);

const cases: Record<string, Case> = {
  'broadcasting arithmetic': {
    shapes: [[2, 3], [3], [2, 1]],
    shift: 3,
    build: (_, a, b, c) => g.div(g.sub(g.mul(a, b), g.add(c, 1)), b),
    ops: ['Add', 'Sub', 'Mul', 'Div'],
  },
  'exp log sqrt': {
    shapes: [[2, 3]],
    shift: 3,
    build: (_, x) => g.exp(g.neg(g.log(g.sqrt(x)))),
    ops: ['Exp', 'Log', 'Sqrt', 'Neg'],
  },
  'abs and max': { shapes: [[4, 3]], build: (_, x) => g.add(g.abs(x), g.maximum(x, 0.1)), ops: ['Abs', 'Max'] },
  trigonometry: { shapes: [[5]], build: (_, x) => g.mul(g.sin(x), g.cos(x)), ops: ['Sin', 'Cos'] },
  'tanh erf sigmoid': {
    shapes: [[5]],
    build: (_, x) => g.add(g.tanh(x), g.mul(g.erf(x), g.sigmoid(x))),
    ops: ['Tanh', 'Erf', 'Sigmoid'],
  },
  elu: { shapes: [[7]], build: (_, x) => g.elu(x), ops: ['Elu'] },
  gelu: { shapes: [[7]], build: (_, x) => g.gelu(x), ops: ['Gelu'] },
  silu: { shapes: [[7]], build: (_, x) => g.silu(x), ops: ['QuickGelu'] },
  softmax: { shapes: [[3, 4]], build: (_, x) => g.softmax(x), ops: ['Softmax'] },
  'picked log softmax': {
    shapes: [[3, 4]],
    build: (graph, x) => g.pick(g.logSoftmax(x), indices(graph, [1, 3, 0], [3])),
    ops: ['LogSoftmax', 'GatherElements'],
  },
  where: {
    shapes: [[2, 3], [3]],
    build: (_, a, b) => g.where(g.greater(a, 0), g.square(a), b),
    ops: ['Where'],
  },
  'cast, reshape, expand, transpose': {
    shapes: [[2, 3]],
    build: (_, x) => g.expand(g.reshape(g.transpose(g.cast(x, 'float32'), [1, 0]), [3, 2, 1]), [3, 2, 4]),
    ops: ['Cast', 'Reshape', 'Expand', 'Transpose'],
  },
  'concat, slice, pad': {
    shapes: [
      [2, 3],
      [2, 2],
    ],
    build: (_, a, b) => g.pad(g.slice(g.concat([a, b], 1), 1, 1, 4), 0, 1, 2),
    ops: ['Concat', 'Slice', 'Pad'],
  },
  // Long enough for the path that turns one side first; most of x is constant so that few elements need differences.
  ...Object.fromEntries(
    [3, 512].map((out) => [
      `linear, many rows, ${out} outputs`,
      {
        shapes: [[out === 3 ? 3 : 4, 2]],
        build: (graph: g.Graph, w: g.Tensor) => {
          const wide = out === 3 ? 512 : 2;
          const random = new Random(out);
          const x = graph.constant(
            Float32Array.from({ length: 512 * wide }, () => random.normal() / 16),
            [512, wide],
          );
          const whole = out === 3 ? g.pad(w, 1, 0, wide - 2) : g.pad(w, 0, 0, out - 4);
          return g.sum(g.linear(x, whole), [0]);
        },
        ops: ['FusedMatMul'],
      },
    ]),
  ),
  'split, one part unused': {
    shapes: [[2, 6]],
    build: (_, x) => {
      const [a, , c] = g.split(x, 1, [2, 1, 3]);
      return g.concat([g.square(c), a], 1);
    },
    ops: ['Split'],
  },
  'log softmax, all of it': { shapes: [[3, 4]], build: (_, x) => g.logSoftmax(x), ops: ['LogSoftmax'] },
  rotary: {
    shapes: [[2, 3, 2, 8]],
    build: (graph, x) => {
      const angles = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => (i * i) % 7);
      const table = (of: (a: number) => number) => graph.constant(angles.map(of), [2, 3, 1, 4]);
      return g.rotary(x, table(Math.cos), table(Math.sin));
    },
    ops: ['RotaryEmbedding'],
  },
  'gather with repeats': {
    shapes: [[5, 3]],
    build: (graph, x) => g.gather(x, indices(graph, [4, 1, 1, 0, 4, 4], [2, 3])),
    ops: ['Gather'],
  },
  'sums and means': {
    shapes: [[2, 3, 4]],
    build: (_, x) => g.mul(g.sum(x, [1], true), g.mean(x, [0, 2], true)),
    ops: ['ReduceSum', 'ReduceMean'],
  },
  'rms norm of heads': {
    shapes: [[2, 3, 2, 4], [4]],
    build: (_, x, w) => g.rmsNorm(x, w, 1e-6),
    ops: ['SimplifiedLayerNormalization'],
  },
  'rms norm': {
    shapes: [[3, 4], [4]],
    build: (_, x, w) => g.rmsNorm(x, w, 1e-6),
    ops: ['SimplifiedLayerNormalization'],
  },
  'layer norm': {
    shapes: [[3, 4], [4], [4]],
    build: (_, x, w, b) => g.layerNorm(x, w, b, 1e-5),
    ops: ['LayerNormalization'],
  },
  'conv 2d, stride 2, odd width': {
    shapes: [[2, 3, 6, 5], [4, 3, 3, 3], [4]],
    build: (_, x, w, b) => g.conv(x, w, b, { stride: [2, 2], padding: [1, 1] }),
    ops: ['Conv'],
  },
  'conv 1d, dilated': {
    shapes: [[2, 3, 12], [4, 3, 3], [4]],
    build: (_, x, w, b) => g.conv(x, w, b, { padding: [2], dilation: [2] }),
    ops: ['Conv'],
  },
  'transposed conv': {
    shapes: [[2, 3, 4], [3, 2, 4], [2]],
    build: (_, x, w, b) => g.convTranspose(x, w, b, { stride: [2], padding: [1] }),
    ops: ['ConvTranspose'],
  },
};
for (const transA of [false, true]) {
  for (const transB of [false, true]) {
    cases[`matmul ${transA ? 'aT' : 'a'} ${transB ? 'bT' : 'b'}`] = {
      shapes: [
        [2, ...(transA ? [4, 3] : [3, 4])],
        [2, ...(transB ? [5, 4] : [4, 5])],
      ],
      build: (_, a, b) => g.matmul(a, b, { transA, transB, alpha: transA ? 0.5 : 1 }),
      ops: ['MatMul', 'FusedMatMul'],
    };
  }
}

describe('gradients agree with central differences', () => {
  for (const [name, { shapes, build, shift }] of Object.entries(cases)) {
    it(name, () => checkElements(name, shapes, build, shift));
  }

  it('every rule is covered by a case', () => {
    const covered = new Set(Object.values(cases).flatMap((c) => c.ops));
    expect(g.differentiable.filter((op) => !covered.has(op))).toEqual([]);
  });
});

it('rotary turns the halves of each head by the angle of its row', async () => {
  const graph = new g.Graph();
  const angles = [0.3, 2, -1, 0.5, 4, 1];
  const table = (of: (a: number) => number) => graph.constant(Float32Array.from(angles, of), [1, 3, 1, 2]);
  const x = Float32Array.from({ length: 3 * 2 * 4 }, (_, i) => Math.sin(i * i));
  graph.output('y', g.rotary(graph.input('x', 'float32', [1, 3, 2, 4]), table(Math.cos), table(Math.sin)));
  const session = await Session.create(graph, { threads: 1 });
  const { y } = await session.run({ x: { data: x, dims: [1, 3, 2, 4] } });
  for (let pair = 0; pair < 12; pair++) {
    const [head, j] = [pair >> 1, pair % 2];
    const angle = angles[(head >> 1) * 2 + j];
    const [u, v] = [x[head * 4 + j], x[head * 4 + j + 2]];
    expect(y.data[head * 4 + j]).toBeCloseTo(u * Math.cos(angle) - v * Math.sin(angle), 5);
    expect(y.data[head * 4 + j + 2]).toBeCloseTo(v * Math.cos(angle) + u * Math.sin(angle), 5);
  }
  await session.release();
});

describe('building refuses', () => {
  it('shapes that do not fit', () => {
    const graph = new g.Graph();
    const a = graph.input('a', 'float32', [2, 3]);
    expect(() => g.add(a, graph.input('b', 'float32', [4]))).toThrow(/Add: shapes do not fit: \[2, 3\] and \[4\]/);
    expect(() => g.matmul(a, a)).toThrow(/matmul/);
    expect(() => g.reshape(a, [7])).toThrow(/reshape/);
  });

  it('a target that the loss does not depend on', () => {
    const graph = new g.Graph();
    const a = graph.parameter('a', [2]);
    const b = graph.parameter('b', [2]);
    expect(() => g.gradients(g.sumAll(a), [b])).toThrow(/does not depend/);
  });
});
