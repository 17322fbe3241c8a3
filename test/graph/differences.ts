/** Gradients of whole networks against differences: along one direction for each parameter. */
import { expect } from 'vitest';
import { type Graph, gradients, type Tensor } from '../../src/graph/index.js';
import { Random } from '../../src/random.js';
import { Session, type Value } from '../../src/runtime/index.js';

const norm = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

/** Half the gradient's own direction, which would show a wrong size, half a random one, which would show a missing part. */
function direction(grad: Float32Array, random: Random): Float32Array {
  const noise = Float32Array.from(grad, () => random.normal());
  const [a, b] = [norm(grad) || 1, norm(noise)];
  const mixed = grad.map((g, i) => g / a + noise[i] / b);
  const size = norm(mixed);
  return mixed.map((x) => x / size);
}

/**
 * Moves each parameter of a graph by a few percent along a direction and compares what the loss does (Richardson's
 * combination of two central differences) with what the gradient says.
 *
 * @param values inputs and parameters by name; parameters come back as they were
 */
export async function checkDirections(
  graph: Graph,
  loss: Tensor,
  values: Readonly<Record<string, Value>>,
  tolerance = 3e-3,
): Promise<void> {
  const names = [...graph.parameters.keys()];
  const grads = gradients(
    loss,
    names.map((name) => graph.parameters.get(name)!),
  );
  graph.output('the loss', loss);
  grads.forEach((grad, i) => {
    graph.output(`d ${names[i]}`, grad);
  });
  const session = await Session.create(graph, { threads: 1 });
  const out = await session.run(values);
  const random = new Random('directions');
  for (const name of names) {
    const grad = out[`d ${name}`].data as Float32Array;
    const along = direction(grad, random);
    const data = values[name].data as Float32Array;
    const kept = data.slice();
    const h = 0.02 * (norm(kept) || 1);
    const slope = async (step: number): Promise<number> => {
      const at = async (s: number): Promise<number> => {
        data.forEach((_, i) => {
          data[i] = kept[i] + s * along[i];
        });
        return Number((await session.run(values))['the loss'].data[0]);
      };
      return ((await at(step)) - (await at(-step))) / (2 * step);
    };
    const expected = (4 * (await slope(h / 2)) - (await slope(h))) / 3;
    data.set(kept);
    const got = grad.reduce((sum, g, i) => sum + g * along[i], 0);
    expect(norm(grad), `the gradient of ${name}`).toBeGreaterThan(0);
    expect(Math.abs(got - expected), `along ${name}: ${got} against ${expected}`).toBeLessThan(
      tolerance * (norm(grad) + 1e-3),
    );
  }
  await session.release();
}

/** Random values for every parameter of a graph: ones nearby for norms, else scaled by the number of inputs. */
export function randomParameters(graph: Graph, seed: string): Record<string, Value> {
  const random = new Random(seed);
  const values: Record<string, Value> = {};
  for (const [name, { shape }] of graph.parameters) {
    const dims = shape as number[];
    const size = dims.reduce((a, b) => a * b, 1);
    const scale = dims.length > 1 ? 1 / Math.sqrt(size / dims[0]) : 0.2;
    const centre = /norm.*weight|ln_post.weight/.test(name) ? 1 : 0;
    values[name] = { dims, data: Float32Array.from({ length: size }, () => centre + scale * random.normal()) };
  }
  return values;
}
