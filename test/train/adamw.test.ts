import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { AdamW } from '../../src/train/optimizer.js';

/** AdamW as its paper writes it (Loshchilov and Hutter 2019, algorithm 2), in double precision. */
function published(w: number[], grads: number[][], rate: number, decay: number, clip: number): number[] {
  const [beta1, beta2, epsilon] = [0.9, 0.95, 1e-8];
  const m = w.map(() => 0);
  const v = w.map(() => 0);
  let now = [...w];
  grads.forEach((raw, k) => {
    const norm = Math.hypot(...raw);
    const g = raw.map((x) => (norm > clip ? (x * clip) / norm : x));
    now = now.map((x, i) => {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2;
      const first = m[i] / (1 - beta1 ** (k + 1));
      const second = v[i] / (1 - beta2 ** (k + 1));
      return x - rate * (first / (Math.sqrt(second) + epsilon) + decay * x);
    });
  });
  return now;
}

describe('AdamW', () => {
  // 1, 3: less than a vector; 8,195: more than one piece of the kernel's memory and not a multiple of four.
  it.each([1, 3, 8195])('follows the published algorithm on %i parameters', (size) => {
    const random = new Random(size);
    const start = Array.from({ length: size }, () => Math.fround(random.normal()));
    const grads = [0.01, 3, 1e-6, 0.2].map((scale) =>
      Array.from({ length: size }, () => Math.fround(random.normal() * scale)),
    );
    const w = Float32Array.from(start);
    const optimizer = new AdamW(new Map([['w', w]]), { weightDecay: 0.1, decays: () => true });
    for (const g of grads) {
      const { norm, applied } = optimizer.step(new Map([['w', Float32Array.from(g)]]), 0.01, 2);
      expect(applied).toBe(true);
      expect(norm / Math.hypot(...g)).toBeCloseTo(1, 6);
    }
    const expected = published(start, grads, 0.01, 0.1, 2);
    expected.forEach((value, i) => {
      expect(Math.abs(w[i] - value), `w[${i}]`).toBeLessThan(2e-6 * (1 + Math.abs(value)));
    });
  });

  it('decays only what it is told to', () => {
    const tensors = new Map([
      ['a.weight', Float32Array.of(1)],
      ['a.norm', Float32Array.of(1)],
    ]);
    const still = new Map([...tensors.keys()].map((name) => [name, Float32Array.of(0)]));
    new AdamW(tensors, { weightDecay: 0.5 }).step(still, 0.1);
    expect(tensors.get('a.weight')![0]).toBeCloseTo(0.95, 6);
    expect(tensors.get('a.norm')![0]).toBe(1);
  });

  it('changes nothing when a gradient is not finite', () => {
    const w = Float32Array.of(1, 2);
    const optimizer = new AdamW(new Map([['w', w]]));
    const done = optimizer.step(new Map([['w', Float32Array.of(1, Number.NaN)]]), 0.1);
    expect(done.applied).toBe(false);
    expect([...w]).toEqual([1, 2]);
    expect(optimizer.state().step).toBe(0);
  });

  it('continues from a saved state as if nothing had happened', () => {
    const random = new Random('resume');
    const grads = Array.from({ length: 4 }, () => Float32Array.from({ length: 9 }, () => random.normal()));
    const run = (from: Float32Array, optimizer: AdamW, some: Float32Array[]) => {
      for (const g of some) optimizer.step(new Map([['w', g]]), 0.01);
      return from;
    };
    const straight = new Float32Array(9);
    run(straight, new AdamW(new Map([['w', straight]])), grads);
    const broken = new Float32Array(9);
    const before = new AdamW(new Map([['w', broken]]));
    run(broken, before, grads.slice(0, 2));
    const after = new AdamW(new Map([['w', broken]]));
    after.restore(before.state());
    run(broken, after, grads.slice(2));
    expect(broken).toEqual(straight);
  });
});
