/** Threads run compiled code; `npm test` compiles first. */
import { describe, expect, it } from 'vitest';
import type * as Compiled from '../../src/train/replicas.js';
import type { Trainer } from '../../src/train/trainer.js';

const { Replicas } = (await import(new URL('../../dist/train/replicas.js', import.meta.url).href)) as typeof Compiled;
const MODULE = new URL('./replica-fixture.mjs', import.meta.url);
const { network, targetOf } = (await import(MODULE.href)) as {
  network(values: Map<string, Float32Array>): Promise<Trainer>;
  targetOf(step: number, index: number): Float32Array;
};
const trainer = () => network(new Map([['w', Float32Array.of(0.5, -1)]]));

describe('Replicas', () => {
  it('steps by the mean of the gradients, on parameters as the last step left them', async () => {
    const [together, alone] = [await trainer(), await trainer()];
    const replicas = await Replicas.start(MODULE, {}, together, 3);
    for (const step of [0, 1, 2]) {
      const made = await replicas.step(step, 0.1, 0);
      // In closed form: the loss is the squared distance, its gradient twice the distance.
      const w = [...alone.parameters.get('w')!];
      const apart = [0, 1, 2].map((index) => [...targetOf(step, index)].map((t, i) => w[i] - t));
      const mean = (of: (row: number[]) => number) => apart.reduce((sum, row) => sum + of(row), 0) / 3;
      expect(made.values.loss).toBeCloseTo(
        mean(([a, b]) => a * a + b * b),
        5,
      );
      expect(made.tokens).toBe(33);
      const grads = new Map([
        [
          'w',
          Float32Array.of(
            mean(([a]) => 2 * a),
            mean(([, b]) => 2 * b),
          ),
        ],
      ]);
      const expected = alone.optimizer.step(grads, 0.1, 0);
      expect(made.norm).toBeCloseTo(expected.norm, 5);
      together.parameters.get('w')!.forEach((x, i) => {
        expect(x).toBeCloseTo(alone.parameters.get('w')![i], 5);
      });
    }
    await replicas.stop();
  });

  it('fails with what a thread failed with, at the start and at a step', async () => {
    await expect(Replicas.start(MODULE, { fail: 1 }, await trainer(), 2)).rejects.toThrow('replica 1 of 2 has no data');
    const replicas = await Replicas.start(MODULE, { failAt: 4 }, await trainer(), 1);
    await expect(replicas.step(4, 0.1, 0)).rejects.toThrow('replica 0 fell at step 4');
    await replicas.stop();
  });
});
