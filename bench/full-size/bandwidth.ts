/** How fast the machine reads memory: what decoding, which reads every weight for every token, can reach at best. */
import { Graph } from '../../src/graph/index.js';
import { Session } from '../../src/runtime/index.js';
import { secondsSince } from '../measure.js';
import type { JobSettings } from './scale.js';

/** Lines of the buffer, shared out among the threads. */
const LINES = 64;
const READS = 8;

/**
 * Bytes a second while ONNX Runtime looks for the largest number of each line of a large buffer: one comparison a number,
 * so it waits for memory. A loop in C with 512-bit loads is not faster; loops in JavaScript are several times slower.
 */
export async function bandwidth({ threads, steps: { readNumbers } }: JobSettings): Promise<number> {
  const dims = [LINES, readNumbers / LINES];
  const graph = new Graph();
  const x = graph.input('x', 'float32', dims);
  graph.output('y', graph.add('ReduceMax', [x, graph.integers([1])], [{ dtype: 'float32', shape: [LINES, 1] }])[0]);
  const session = await Session.create(graph, { threads });
  const data = new Float32Array(readNumbers).fill(1);
  let best = 0;
  for (let i = 0; i < READS; i++) {
    const start = performance.now();
    await session.run({ x: { data, dims } });
    best = Math.max(best, data.byteLength / secondsSince(start));
  }
  await session.release();
  return best;
}
