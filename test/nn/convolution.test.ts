import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from '../../src/graph/index.js';
import {
  type Conv1dOptions,
  conv1d,
  convLength,
  convReach,
  convTranspose1d,
  convTransposeReach,
  snake,
} from '../../src/nn/index.js';
import { Random } from '../../src/random.js';
import { Session, type Value } from '../../src/runtime/index.js';

const [IN, LENGTH] = [4, 23];

function draw(seed: string, ...dims: number[]): { data: Float32Array; dims: number[] } {
  const random = new Random(seed);
  const length = dims.reduce((a, b) => a * b, 1);
  return { data: Float32Array.from({ length }, () => random.normal()), dims };
}

/** Runs a layer over x [1, channels, time], whose time is told only now. */
async function run(build: (x: Tensor) => Tensor, inputs: Record<string, Value>): Promise<Value> {
  const graph = new Graph();
  graph.output('y', build(graph.input('x', 'float32', [1, inputs.x.dims[1], 'time'])));
  const session = await Session.create(graph, { threads: 1 });
  const { y } = await session.run(inputs);
  await session.release();
  return y;
}

function expectNear(actual: Value, expected: readonly number[][]): void {
  expect(actual.dims).toEqual([1, expected.length, expected[0].length]);
  expected.flat().forEach((x, i) => {
    expect(Math.abs(Number(actual.data[i]) - x), `number ${i}`).toBeLessThan(1e-5);
  });
}

describe('conv1d', () => {
  it.each<[string, Conv1dOptions]>([
    ['dilated', { kernel: 7, padding: 9, dilation: 3 }],
    ['strided', { kernel: 10, stride: 5, padding: 3 }],
    ['in groups, with an even kernel', { kernel: 8, padding: 4, paddingEnd: 3, groups: 2 }],
    ['without bias', { kernel: 3, padding: 1, bias: false }],
  ])('%s, is the sum that defines it', async (_, options) => {
    const { kernel, stride = 1, padding = 0, paddingEnd = padding, dilation = 1, groups = 1, bias = true } = options;
    const outputs = 6;
    const x = draw('x', 1, IN, LENGTH);
    const w = draw('w', outputs, IN / groups, kernel);
    const b = draw('b', outputs);
    const y = await run((t) => conv1d(t, 'c', outputs, options), { x, 'c.weight': w, 'c.bias': b });
    const length = Math.floor((LENGTH + padding + paddingEnd - dilation * (kernel - 1) - 1) / stride) + 1;
    const expected = Array.from({ length: outputs }, (_, o) =>
      Array.from({ length }, (_, t) => {
        let sum = bias ? b.data[o] : 0;
        for (let i = 0; i < IN / groups; i++) {
          const channel = Math.floor(o / (outputs / groups)) * (IN / groups) + i;
          for (let j = 0; j < kernel; j++) {
            const at = t * stride + j * dilation - padding;
            const inside = at >= 0 && at < LENGTH;
            sum += inside ? w.data[(o * (IN / groups) + i) * kernel + j] * x.data[channel * LENGTH + at] : 0;
          }
        }
        return sum;
      }),
    );
    expectNear(y, expected);
    if (padding === paddingEnd) expect(convLength(LENGTH, options)).toBe(length);
  });
});

describe('convTranspose1d', () => {
  it.each([
    { kernel: 16, stride: 8, padding: 4, outputPadding: 0 },
    { kernel: 10, stride: 5, padding: 3, outputPadding: 1 },
    { kernel: 3, stride: 1, padding: 0, outputPadding: 0 },
  ])('scatters kernels as defined: %o', async (options) => {
    const { kernel, stride, padding, outputPadding } = options;
    const outputs = 3;
    const x = draw('x', 1, IN, LENGTH);
    const w = draw('w', IN, outputs, kernel);
    const b = draw('b', outputs);
    const y = await run((t) => convTranspose1d(t, 'c', outputs, options), { x, 'c.weight': w, 'c.bias': b });
    const length = (LENGTH - 1) * stride - 2 * padding + kernel + outputPadding;
    const expected = Array.from({ length: outputs }, (_, o) => new Array<number>(length).fill(b.data[o]));
    for (let i = 0; i < IN; i++) {
      for (let t = 0; t < LENGTH; t++) {
        for (let o = 0; o < outputs; o++) {
          for (let j = 0; j < kernel; j++) {
            const at = t * stride + j - padding;
            if (at < 0 || at >= length) continue;
            expected[o][at] += w.data[(i * outputs + o) * kernel + j] * x.data[i * LENGTH + t];
          }
        }
      }
    }
    expectNear(y, expected);
  });
});

describe('reach', () => {
  it('of a convolution is from its first tap to its last', () => {
    expect(convReach([0, 0], { kernel: 7, padding: 9, dilation: 3 })).toEqual([-9, 9]);
    expect(convReach([2, 4], { kernel: 10, stride: 5, padding: 3 })).toEqual([7, 26]);
  });

  it('of a transposed convolution holds the steps whose kernels meet the output, and no others', () => {
    for (const window of [
      { kernel: 10, stride: 5, padding: 3 },
      { kernel: 16, stride: 8, padding: 4 },
      { kernel: 4, stride: 2, padding: 1 },
    ]) {
      const { kernel, stride, padding } = window;
      for (const [first, last] of [
        [0, 0],
        [-7, 12],
        [3, 40],
      ] as const) {
        const meets = (t: number): boolean =>
          t * stride - padding <= last && t * stride + kernel - 1 - padding >= first;
        const steps = Array.from({ length: 81 }, (_, i) => i - 40).filter(meets);
        const reach = convTransposeReach([first, last], window);
        expect(reach.map((t) => t + 0)).toEqual([steps[0], steps.at(-1)]);
      }
    }
  });
});

describe('snake', () => {
  it('adds sin(a x)^2 / a, channel by channel', async () => {
    const x = draw('x', 1, 3, LENGTH);
    const alpha = { data: Float32Array.of(0.25, 1, 7), dims: [1, 3, 1] };
    const y = await run((t) => snake(t, 's'), { x, 's.alpha': alpha });
    const expected = [0, 1, 2].map((c) =>
      Array.from({ length: LENGTH }, (_, t) => {
        const [a, v] = [alpha.data[c], x.data[c * LENGTH + t]];
        return v + Math.sin(a * v) ** 2 / a;
      }),
    );
    expectNear(y, expected);
  });

  it('stays finite where a is 0', async () => {
    const x = draw('x', 1, 1, LENGTH);
    const y = await run((t) => snake(t, 's'), { x, 's.alpha': { data: new Float32Array(1), dims: [1, 1, 1] } });
    expectNear(y, [[...x.data]]);
  });
});
