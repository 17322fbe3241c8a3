import { expect, it } from 'vitest';
import { Graph } from '../../src/graph/index.js';
import { residualCodes } from '../../src/nn/index.js';
import { Random } from '../../src/random.js';
import { Session } from '../../src/runtime/index.js';

it('each codebook takes the vector nearest to what the ones before left', async () => {
  const [rows, dims, size, count] = [40, 5, 7, 3];
  const random = new Random('residual');
  const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
  const x = draw(rows * dims);
  const books = Array.from({ length: count }, () => draw(size * dims));
  const graph = new Graph();
  const parameters = books.map((_, k) => graph.parameter(`book${k}`, [size, dims]));
  residualCodes(graph.input('x', 'float32', ['rows', dims]), parameters).forEach((codes, k) => {
    graph.output(`codes${k}`, codes);
  });
  const session = await Session.create(graph, { threads: 1, parameters: (name) => ({ data: books[Number(name[4])] }) });
  const out = await session.run({ x: { data: x, dims: [rows, dims] } });
  await session.release();
  for (let r = 0; r < rows; r++) {
    const rest = [...x.subarray(r * dims, (r + 1) * dims)];
    for (let k = 0; k < count; k++) {
      const distance = (row: number) => rest.reduce((sum, v, d) => sum + (v - books[k][row * dims + d]) ** 2, 0);
      let best = 0;
      for (let row = 1; row < size; row++) if (distance(row) < distance(best)) best = row;
      expect(Number(out[`codes${k}`].data[r])).toBe(best);
      for (let d = 0; d < dims; d++) rest[d] -= books[k][best * dims + d];
    }
  }
});
