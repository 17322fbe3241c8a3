// Replicas of the smallest network: w is drawn to a target that depends on step and replica. Loaded by threads, from dist.
const from = (path) => import(new URL(`../../dist/${path}`, import.meta.url));
const { Graph, sub, square, sumAll } = await from('graph/index.js');
const { Trainer } = await from('train/trainer.js');

/** loss (w - target)^2 */
export async function network(values) {
  const graph = new Graph();
  const w = graph.parameter('w', [2]);
  const target = graph.input('target', 'float32', [2]);
  return Trainer.create(graph, { loss: sumAll(square(sub(w, target))) }, values, { threads: 1 });
}

export const targetOf = (step, index) => Float32Array.of(step + index, -2 * index);

export async function makeReplica(data, parameters, { index, count }) {
  if (data.fail === index) throw new Error(`replica ${index} of ${count} has no data`);
  const trainer = await network(parameters);
  return {
    async evaluate(step) {
      if (data.failAt === step) throw new Error(`replica ${index} fell at step ${step}`);
      const made = await trainer.evaluate({ target: { data: targetOf(step, index), dims: [2] } });
      return { ...made, tokens: 10 + index };
    },
  };
}
