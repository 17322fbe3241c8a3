/** Rewritten graphs, run on the CPU: what they compute must not change. */
import { describe, expect, it } from 'vitest';
import { conv, Graph, linear, matmul, type Tensor, toOnnx } from '../../src/graph/index.js';
import { Random } from '../../src/random.js';
import { forWebgpu, leftNames } from '../../src/runtime/webgpu.js';

const random = new Random('webgpu');
const numbers = (shape: readonly number[]): Float32Array =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());

/** The output of a graph of inputs of these shapes, as it is and rewritten. */
async function both(shapes: readonly number[][], build: (...inputs: Tensor[]) => Tensor): Promise<Float32Array[]> {
  const ort = await import('onnxruntime-node');
  const graph = new Graph();
  graph.output('y', build(...shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape))));
  const feeds = Object.fromEntries(
    shapes.map((shape, i) => [`x${i}`, new ort.Tensor('float32', numbers(shape), shape)]),
  );
  const found: Float32Array[] = [];
  for (const options of [{}, { rewrite: forWebgpu }]) {
    const session = await ort.InferenceSession.create(await toOnnx(graph, options));
    found.push((await session.run(feeds)).y.data as Float32Array);
    await session.release();
  }
  expect(graph.nodes.flatMap(forWebgpu).map(({ op }) => op)).not.toContain('FusedMatMul');
  return found;
}

describe('forWebgpu', () => {
  const sides = [false, true].flatMap((transA) => [false, true].map((transB) => ({ transA, transB })));

  it.each(sides)('keeps products of matrices, %o', async ({ transA, transB }) => {
    const shapes = [transA ? [5, 3] : [3, 5], transB ? [4, 5] : [5, 4]];
    const [plain, rewritten] = await both(shapes, (a, b) => matmul(a, b, { transA, transB, alpha: 0.5 }));
    expect(plain.length).toBe(12);
    for (const [i, x] of plain.entries()) expect(rewritten[i]).toBeCloseTo(x, 5);
  });

  it.each(sides)('keeps products of stacks of matrices, %o', async ({ transA, transB }) => {
    const shapes = [transA ? [2, 5, 3] : [2, 3, 5], transB ? [2, 4, 5] : [2, 5, 4]];
    const [plain, rewritten] = await both(shapes, (a, b) => matmul(a, b, { transA, transB, alpha: 0.5 }));
    expect(plain.length).toBe(24);
    for (const [i, x] of plain.entries()) expect(rewritten[i]).toBeCloseTo(x, 5);
  });

  it('keeps linear layers over stacks', async () => {
    const [plain, rewritten] = await both(
      [
        [2, 3, 5],
        [4, 5],
      ],
      linear,
    );
    expect(plain.length).toBe(24);
    for (const [i, x] of plain.entries()) expect(rewritten[i]).toBeCloseTo(x, 5);
  });

  it.each([
    { channels: 16, groups: 1, left: 0 },
    { channels: 16, groups: 4, left: 0 },
    { channels: 16, groups: 16, left: 0 },
    { channels: 15, groups: 3, left: 0 },
    { channels: 20, groups: 2, left: 1 },
    { channels: 32, groups: 16, left: 1 },
  ])('leaves a convolution to the CPU where the kernel is wrong: %o', ({ channels, groups, left }) => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1, channels, 9]);
    const w = graph.input('w', 'float32', [channels, channels / groups, 3]);
    graph.output('y', conv(x, w, null, { groups }));
    expect(leftNames(graph.nodes.flatMap(forWebgpu))).toHaveLength(left);
  });
});
