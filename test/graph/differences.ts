/** Gradients against differences: of single operations element by element, of whole networks along directions. */
import { expect } from 'vitest';
import { Graph, gradients, mul, sumAll, type Tensor } from '../../src/graph/index.js';
import { Random } from '../../src/random.js';
import { Session, type Value } from '../../src/runtime/index.js';

/** Builds what is to be differentiated from its inputs. */
export type Build = (graph: Graph, ...inputs: Tensor[]) => Tensor;

/** A random weighting makes every element of a result matter on its own. */
export function weighted(y: Tensor, random: Random): Tensor {
  const size = y.shape.reduce<number>((n, _, i) => n * y.size(i), 1);
  const weights = Float32Array.from({ length: size }, () => random.normal());
  return sumAll(mul(y, y.graph.constant(weights, y.shape as number[])));
}

/**
 * Moves every element of every input on its own. Inputs are normal numbers with deviation 0.6 around `shift`, which moves
 * them away from where an operation has a kink or no value.
 */
export async function checkElements(
  name: string,
  shapes: readonly number[][],
  build: Build,
  shift: number | readonly number[] = 0,
): Promise<void> {
  const random = new Random(name);
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => graph.parameter(`x${i}`, shape));
  const loss = weighted(build(graph, ...inputs), random);
  const grads = gradients(loss, inputs);
  graph.output('loss', loss);
  grads.forEach((t, i) => {
    graph.output(`d${i}`, t);
  });
  const session = await Session.create(graph, { threads: 2 });
  const values = Object.fromEntries(
    shapes.map((dims, i) => {
      const size = dims.reduce((a, b) => a * b, 1);
      const centre = typeof shift === 'number' ? shift : shift[i];
      return [`x${i}`, { dims, data: Float32Array.from({ length: size }, () => random.normal() * 0.6 + centre) }];
    }),
  );
  const analytic = await session.run(values);
  for (let i = 0; i < shapes.length; i++) {
    const x = values[`x${i}`].data;
    for (let k = 0; k < x.length; k++) {
      const kept = x[k];
      const h = 2e-2;
      const sample = async (step: number): Promise<number> => {
        x[k] = kept + step;
        return Number((await session.run(values)).loss.data[0]);
      };
      // Richardson's combination of two step widths: error O(h^4), so that float32 noise stays small beside it.
      const wide = ((await sample(h)) - (await sample(-h))) / (2 * h);
      const narrow = ((await sample(h / 2)) - (await sample(-h / 2))) / h;
      x[k] = kept;
      const expected = (4 * narrow - wide) / 3;
      const got = Number(analytic[`d${i}`].data[k]);
      expect(Math.abs(got - expected), `d x${i}[${k}]: ${got} against ${expected}`).toBeLessThan(
        4e-3 * (1 + Math.abs(expected)),
      );
    }
  }
  await session.release();
}

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
 * Moves each parameter of a graph a little along a direction and compares what the loss does (Richardson's combination of
 * two central differences) with what the gradient says.
 *
 * @param values inputs and parameters by name; parameters come back as they were
 * @param reach how far: so that the loss moves by about this part of itself, or the parameter by twice that
 */
export async function checkDirections(
  graph: Graph,
  loss: Tensor,
  values: Readonly<Record<string, Value>>,
  { tolerance = 3e-3, reach = 0.01 } = {},
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
  const size = 1 + Math.abs(Number(out['the loss'].data[0]));
  const random = new Random('directions');
  for (const name of names) {
    const grad = out[`d ${name}`].data as Float32Array;
    const along = direction(grad, random);
    const data = values[name].data as Float32Array;
    const kept = data.slice();
    const got = grad.reduce((sum, g, i) => sum + g * along[i], 0);
    const h = Math.min(2 * reach * (norm(kept) || 1), (reach * size) / (Math.abs(got) + 1e-9));
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
    // Single precision leaves a loss uncertain by some millionths of its size.
    const rounding = (3e-6 * size) / h;
    expect(Math.abs(got - expected), `along ${name}: ${got} against ${expected}`).toBeLessThan(
      tolerance * norm(grad) + rounding,
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
