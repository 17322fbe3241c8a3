import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../../src/graph/index.js';
import { Session } from '../../../src/runtime/index.js';
import { codecLoss } from '../../../src/train/nano/codec-loss.js';
import { noise } from '../../model/codec/tiny-codec.js';

const [BATCH, SAMPLES] = [2, 2560];

describe('codecLoss', () => {
  let session: Session;
  beforeAll(async () => {
    const graph = new Graph();
    const [wave, target] = ['wave', 'target'].map((name) => graph.input(name, 'float32', [BATCH, SAMPLES]));
    for (const [name, scalar] of Object.entries(codecLoss(wave, target))) graph.output(name, scalar);
    session = await Session.create(graph, { threads: 1 });
  });
  afterAll(() => session.release());

  async function loss(wave: Float32Array, target: Float32Array): Promise<Record<string, number>> {
    const dims = [BATCH, SAMPLES];
    const out = await session.run({ wave: { data: wave, dims }, target: { data: target, dims } });
    return Object.fromEntries(Object.entries(out).map(([name, { data }]) => [name, Number(data[0])]));
  }

  const sound = noise(BATCH * SAMPLES);

  it.each([1, -1])('is nothing for the wave times %i', async (sign) => {
    const parts = await loss(
      sound.map((x) => sign * x),
      sound,
    );
    expect(parts.logMagnitude).toBe(0);
    expect(parts.mel).toBe(0);
    // What keeps the root's gradient finite: sqrt(1e-6 / energy).
    expect(parts.convergence).toBeLessThan(1e-3);
  });

  it.each([0.5, 3])('is |a - 1| and |log a| for the wave times %d', async (a) => {
    const parts = await loss(
      sound.map((x) => a * x),
      sound,
    );
    expect(parts.convergence).toBeCloseTo(Math.abs(a - 1), 2);
    expect(parts.logMagnitude).toBeCloseTo(Math.abs(Math.log(a)), 2);
    expect(parts.mel).toBeCloseTo(Math.abs(Math.log(a)), 2);
    expect(parts.loss).toBeCloseTo(parts.convergence + parts.logMagnitude + parts.mel, 5);
  });

  it('measures sound against silence from the floor of 1e-4', async () => {
    const silent = new Float32Array(sound.length);
    const { mel, convergence } = await loss(silent, sound);
    expect(convergence).toBeCloseTo(1, 1);
    const half = await loss(
      silent,
      sound.map((x) => x / 2),
    );
    expect(mel - half.mel).toBeCloseTo(Math.log(2), 1);
    const none = await loss(silent, silent);
    expect([none.logMagnitude, none.mel]).toEqual([0, 0]);
    expect(Number.isFinite(none.loss)).toBe(true);
  });
});
