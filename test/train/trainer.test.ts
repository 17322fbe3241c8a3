import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.js';
import { loadCheckpoint } from '../../src/train/checkpoint.js';
import { train } from '../../src/train/loop.js';
import { Trainer } from '../../src/train/trainer.js';
import { tinyRun, tinyTrainer } from './tiny-run.js';

const folder = mkdtempSync(join(tmpdir(), 'bagpiper-train-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('freezing by name', () => {
  const layers = (name: string): boolean => name.startsWith('model.layers.');

  it('leaves the named parameters as they are and trains all others', async () => {
    const before = new Map([...(await tinyTrainer()).parameters].map(([name, data]) => [name, data.slice()]));
    const { trainer } = await tinyRun(join(folder, 'frozen'), 3, undefined, { trainer: { frozen: layers } });
    expect(trainer.trainable.some(layers)).toBe(false);
    for (const [name, data] of trainer.parameters) {
      const same = data.every((value, i) => value === before.get(name)![i]);
      expect(same, name).toBe(layers(name));
    }
  });

  it('goes into the next stage with all that was learned', async () => {
    // A second stage, free, begins with the parameters of the first.
    const first = await tinyRun(join(folder, 'stage1'), 2, undefined, { trainer: { frozen: layers } });
    const values = first.trainer.parameters;
    const graph = new g.Graph();
    const w = graph.parameter('model.norm.weight', [values.get('model.norm.weight')!.length]);
    const trainer = await Trainer.create(graph, { loss: g.sumAll(g.square(w)) }, values);
    const expected = values.get('model.norm.weight')!.reduce((sum, x) => sum + x * x, 0);
    const { values: scalars } = await trainer.evaluate({});
    expect(scalars.loss).toBeCloseTo(expected, 3);
    await trainer.release();
  });

  it('refuses parameters that are missing or of another size', async () => {
    const graph = new g.Graph();
    const loss = g.sumAll(graph.parameter('w', [3]));
    await expect(Trainer.create(graph, { loss }, new Map([['w', new Float32Array(2)]]))).rejects.toThrow(
      /"w" needs 3 values, got 2/,
    );
  });
});

/** Fits w to a constant; the loss is (w - target)^2 and a batch may poison it. */
async function small(): Promise<Trainer> {
  const graph = new g.Graph();
  const w = graph.parameter('w', [1]);
  const target = graph.input('target', 'float32', [1]);
  const loss = g.sumAll(g.square(g.sub(w, target)));
  return Trainer.create(graph, { loss }, new Map([['w', Float32Array.of(0)]]), { threads: 1 });
}
const schedule = { peak: 0.1, warmup: 0, steps: 6, floor: 1 };
const target = (value: number) => ({ inputs: { target: { data: Float32Array.of(value), dims: [1] } }, tokens: 2 });

describe('train', () => {
  const options = { name: 'small', schedule, clip: 0, settings: { a: 1, b: [2, 3] }, plot: false };

  it('skips a batch whose gradient is not finite, says so in the log and goes on', async () => {
    const out = join(folder, 'poison');
    const trainer = await small();
    await train(trainer, async (step) => target(step === 2 ? Number.NaN : 1), { ...options, out });
    const lines = readFileSync(join(out, 'log.jsonl'), 'utf8').trim().split('\n');
    const third = JSON.parse(lines[2]);
    expect(third).toMatchObject({ step: 3, loss: null, norm: null, skipped: true });
    expect(lines.filter((line) => line.includes('skipped'))).toHaveLength(1);
    expect(trainer.optimizer.state().step).toBe(5);
    expect(trainer.parameters.get('w')![0]).toBeGreaterThan(0.3);
    await trainer.release();
  });

  it('stops at a signal with a checkpoint, and goes on from it', async () => {
    const out = join(folder, 'signal');
    const stop = new AbortController();
    const first = await small();
    const onStep = async (step: number) => {
      if (step === 4) stop.abort();
      return undefined;
    };
    const stopped = await train(first, async () => target(1), { ...options, out, signal: stop.signal, onStep });
    expect(stopped).toEqual({ step: 4, finished: false });
    const second = await small();
    const asked: number[] = [];
    const ended = await train(
      second,
      async (step) => {
        asked.push(step);
        return target(1);
      },
      { ...options, out, settings: { b: [2, 3], a: 1 } },
    );
    expect(ended).toEqual({ step: 6, finished: true });
    expect(asked).toEqual([4, 5]);
    await first.release();
    await second.release();
  });

  it('refuses the checkpoint of a run with other settings, of another network, and a damaged one', async () => {
    const out = join(folder, 'other');
    const trainer = await small();
    await train(trainer, async () => target(1), { ...options, out });
    await expect(
      train(trainer, async () => target(1), { ...options, out, settings: { a: 1, b: [2, 4] } }),
    ).rejects.toThrow(/other settings \(settings\.b\.1 was 3 and is 4\)\. Use the same settings/);
    const path = join(out, 'checkpoint.safetensors');
    const more = new Map([...trainer.parameters, ['v', new Float32Array(2)]]);
    expect(() => loadCheckpoint(path, more, trainer.optimizer, JSON.stringify(options.settings))).toThrow(
      /made by another network: it has no fitting "parameter\/v"/,
    );
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    await expect(train(trainer, async () => target(1), { ...options, out })).rejects.toThrow(/checkpoint\.safetensors/);
    await trainer.release();
  });
});
