import { describe, expect, it } from 'vitest';
import { Graph, gradients, mul, sumAll } from '../../src/graph/index.js';
import { type DecoderSizes, decoderLayer, HIDDEN } from '../../src/nn/index.js';
import { Random } from '../../src/random.js';
import { Session, type Value } from '../../src/runtime/index.js';

const sizes: DecoderSizes = { hidden: 8, intermediate: 12, layers: 1, heads: 4, kvHeads: 2, headDim: 4, epsilon: 1e-6 };
/** More than two blocks of attention, and not a multiple of a block. */
const ROWS = 301;

/** Two packed samples a row: 0 where a row may look, for both heads of a group. */
function packedMask(): Value {
  const starts = [0, 170];
  const data = new Float32Array(2 * ROWS * ROWS).fill(HIDDEN);
  for (let t = 0; t < ROWS; t++) {
    const first = t < starts[1] ? starts[0] : starts[1];
    for (const line of [2 * t, 2 * t + 1]) data.fill(0, line * ROWS + first, line * ROWS + t + 1);
  }
  return { data, dims: [1, 1, 2 * ROWS, ROWS] };
}

function layer(rows: number | string): Graph {
  const graph = new Graph();
  const input = (name: string, shape: (number | string)[]) => graph.input(name, 'float32', shape);
  const rotary = { cos: input('cos', [1, rows, 1, 2]), sin: input('sin', [1, rows, 1, 2]) };
  const lines = typeof rows === 'number' ? 2 * rows : `${rows}*2`;
  const x = input('x', [1, rows, 8]);
  graph.output('y', decoderLayer(x, '', sizes, rotary, input('mask', [1, 1, lines, rows])).x);
  return graph;
}

describe('a decoder layer without a cache', () => {
  const random = new Random('decoder layer');
  const draw = (dims: number[]): Value => {
    const size = dims.reduce((a, b) => a * b, 1);
    return { data: Float32Array.from({ length: size }, () => random.normal() * 0.7), dims };
  };
  const angles = draw([1, ROWS, 1, 2]);
  const inputs: Record<string, Value> = {
    x: draw([1, ROWS, 8]),
    mask: packedMask(),
    cos: { ...angles, data: (angles.data as Float32Array).map(Math.cos) },
    sin: { ...angles, data: (angles.data as Float32Array).map(Math.sin) },
  };
  for (const [name, { shape }] of layer(ROWS).parameters) inputs[name] = draw(shape as number[]);

  it('gives the same with attention in blocks (fixed sizes) as in one piece (open sizes)', async () => {
    const outputs = [];
    for (const rows of [ROWS, 'rows']) {
      const session = await Session.create(layer(rows), { threads: 1 });
      outputs.push((await session.run(inputs)).y.data as Float32Array);
      await session.release();
    }
    const [blocks, whole] = outputs;
    expect(blocks.length).toBe(ROWS * 8);
    blocks.forEach((value, i) => {
      expect(Math.abs(value - whole[i]), `y[${i}]`).toBeLessThan(2e-5 * (1 + Math.abs(whole[i])));
    });
  });

  it('has the gradient that a small move of its input shows', async () => {
    const graph = layer(ROWS);
    const y = graph.outputs[0].tensor;
    const loss = sumAll(mul(y, graph.constant(draw([ROWS * 8]).data as Float32Array, [1, ROWS, 8])));
    const names = ['self_attn.k_proj.weight', 'self_attn.v_proj.weight', 'self_attn.q_proj.weight'];
    const grads = gradients(
      loss,
      names.map((name) => graph.parameters.get(name)!),
    );
    graph.output('loss', loss);
    grads.forEach((grad, i) => {
      graph.output(`d ${names[i]}`, grad);
    });
    const session = await Session.create(graph, { threads: 1 });
    const analytic = await session.run(inputs);
    for (const name of names) {
      const move = draw(inputs[name].dims as number[]).data as Float32Array;
      const at = async (step: number): Promise<number> => {
        const data = (inputs[name].data as Float32Array).map((v, i) => v + step * move[i]);
        return Number((await session.run({ ...inputs, [name]: { ...inputs[name], data } })).loss.data[0]);
      };
      const slope = async (h: number) => ((await at(h)) - (await at(-h))) / (2 * h);
      const expected = (4 * (await slope(0.005)) - (await slope(0.01))) / 3;
      const got = (analytic[`d ${name}`].data as Float32Array).reduce((total, g, i) => total + g * move[i], 0);
      expect(Math.abs(got - expected), `${name}: ${got} against ${expected}`).toBeLessThan(
        1e-2 * (1 + Math.abs(expected)),
      );
    }
    await session.release();
  });
});
