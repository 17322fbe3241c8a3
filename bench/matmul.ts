/** How fast ONNX Runtime multiplies matrices on this machine: the measure that a training step is held against. */
import { Graph, matmul } from '../src/graph/index.js';
import { Random } from '../src/random.js';
import { Session, type Value } from '../src/runtime/index.js';
import { flopsOf, type Product, totalFlops } from './flops.js';
import { measured, type Seconds } from './measure.js';

/** Side of the large square product. */
export const SQUARE = 2048;

/** A matrix product ready to run. */
export interface Multiplier {
  product: Product;
  /** seconds of one run: by the clock, and of all threads' processor time */
  time: () => Promise<Seconds>;
  release: () => Promise<void>;
}

export async function multiplier(product: Product, threads: number): Promise<Multiplier> {
  const { batch, m, n, k, transA, transB } = product;
  const graph = new Graph();
  const shapes = { a: transA ? [batch, k, m] : [batch, m, k], b: transB ? [batch, n, k] : [batch, k, n] };
  const [a, b] = (['a', 'b'] as const).map((name) =>
    graph.input(name, 'float32', batch === 1 ? shapes[name].slice(1) : shapes[name]),
  );
  graph.output('y', matmul(a, b, { transA, transB }));
  const session = await Session.create(graph, { threads });
  const random = new Random(1);
  const values = ({ shape }: typeof a): Value => {
    const dims = shape as number[];
    const size = dims.reduce((x, y) => x * y, 1);
    return { dims, data: Float32Array.from({ length: size }, () => random.next() - 0.5) };
  };
  const inputs = { a: values(a), b: values(b) };
  const time = () => measured(() => session.run(inputs));
  await time();
  return { product, time, release: () => session.release() };
}

export const square = (threads: number): Promise<Multiplier> =>
  multiplier({ batch: 1, m: SQUARE, n: SQUARE, k: SQUARE, transA: false, transB: false, count: 1 }, threads);

/**
 * Floating-point operations a second over all of a graph's products when each runs alone: what its step would reach if it
 * were nothing but matrix products. Products under a millionth of the work are left out.
 */
export async function ownShapesRate(list: readonly Product[], threads: number): Promise<number> {
  const total = totalFlops(list);
  let work = 0;
  let time = 0;
  for (const product of list) {
    if (product.count * flopsOf(product) < 1e-6 * total) continue;
    const one = await multiplier(product, threads);
    const times = [await one.time(), await one.time(), await one.time()].map(({ clock }) => clock);
    await one.release();
    work += product.count * flopsOf(product);
    time += product.count * times.sort((x, y) => x - y)[1];
  }
  return work / time;
}
