import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TrainingSizes } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { initialLanguageModel } from '../../../src/train/initial.js';
import { writeArrays } from '../../../src/train/nano/heard.js';
import type * as Lm from '../../../src/train/nano/lm.js';
import {
  createStageTrainer,
  type StageOptions,
  type StageSettings,
  Stream,
  trainStage,
} from '../../../src/train/nano/lm.js';
import type { ExamplesOnDisk } from '../../../src/train/nano/lm-replica.js';
import { trainTokenizer } from '../../../src/train/nano/prepare.js';
import type { Example } from '../../../src/train/nano/samples.js';
import { scenes, writeShard } from './clips.js';
import { CODES, TEXT_IDS, tinyLanguage } from './tiny-language.js';

// Threads run compiled code; `npm test` compiles first.
const compiled = (await import(new URL('../../../dist/train/nano/lm.js', import.meta.url).href)) as typeof Lm;

const root = mkdtempSync(join(tmpdir(), 'lm-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = tinyLanguage();
const SIZES: TrainingSizes = {
  ...{ batch: 2, rows: 700, scored: 1400, scoredCodes: 60, codecSoftmax: 'own', features: 40 },
};
const { tokenizer } = trainTokenizer(scenes(10), TEXT_IDS, 'lm');
const random = new Random('lm');
const EXAMPLES = scenes(10, 'lm').map((scene): Example => {
  const features = Float32Array.from({ length: 5 * 4 }, () => random.normal());
  return { scene, features, codes: Int32Array.from({ length: 8 * 6 }, () => random.int(CODES)) };
});

const STAGE: StageSettings = {
  name: 'warmup',
  mixture: { caption: 1, sound: 0.5 },
  schedule: { peak: 0.02, warmup: 1, steps: 4, floor: 1 },
  clip: 1,
  freeze: 'decoder layers',
};
const initial = () => initialLanguageModel(config, new Random('initial'));

async function run(stage: StageSettings, folder: string, more: Pick<StageOptions, 'parameters' | 'held' | 'signal'>) {
  const out = join(root, folder);
  const options = { config, sizes: SIZES, tokenizer, seed: 'lm', out, threads: 1, ...more };
  const result = await trainStage(stage, { ...options, examples: EXAMPLES });
  const log = readFileSync(join(out, 'log.jsonl'), 'utf8').trimEnd().split('\n');
  return { result, log: log.map((line) => JSON.parse(line) as Record<string, number>) };
}

/** Names of the parameters that are not as they were. */
const changed = (parameters: Map<string, Float32Array>): string[] => {
  const before = initial();
  return [...parameters].flatMap(([name, data]) => (data.every((x, i) => x === before.get(name)![i]) ? [] : [name]));
};

/** Shards of four scenes, and what was heard of them, as the replicas read them. */
async function onDisk(folder: string): Promise<{ examples: ExamplesOnDisk; shards: Example[][] }> {
  const [corpus, heard, told] = ['corpus', 'heard', 'told.json'].map((name) => join(root, folder, name));
  mkdirSync(heard, { recursive: true });
  const shards = [0, 1].map((k) => EXAMPLES.slice(4 * k, 4 * k + 4));
  for (const [k, shard] of shards.entries()) {
    await writeShard(
      corpus,
      `shard-0000${k}`,
      shard.map(({ scene }) => ({ scene, seconds: 0.1 })),
    );
    const arrays = { features: shard.map((e) => e.features), codes: shard.map((e) => Float32Array.from(e.codes!)) };
    for (const [kind, list] of Object.entries(arrays)) writeArrays(join(heard, `shard-0000${k}.${kind}`), list);
  }
  writeFileSync(told, JSON.stringify(EXAMPLES.slice(0, 5).map(({ scene }) => `A clip called ${scene.id}.`)));
  return { examples: { corpus, heard, told }, shards };
}

describe('a stage with replicas', () => {
  it('steps on the batches of both, each of its own shards, and stops and goes on like any', async () => {
    const { examples, shards } = await onDisk('replicas');
    const file = join(root, 'replicas', 'tokenizer.json');
    writeFileSync(file, JSON.stringify(trainTokenizer(scenes(10), TEXT_IDS, 'lm').json));
    const mixture = { caption: 1, choose: 1 };
    const stage: StageSettings = { ...STAGE, name: 'pair', mixture, freeze: 'nothing', replicas: 2 };
    const options = { config, sizes: SIZES, tokenizer, seed: 'lm', threads: 1, examples: EXAMPLES, held: [] };
    const go = async (out: string, parameters: Map<string, Float32Array>, signal?: AbortSignal) => {
      const given = {
        ...options,
        out: join(root, out),
        parameters,
        signal,
        replicas: { examples: [examples], tokenizer: file },
      };
      const result = await compiled.trainStage(stage, given);
      const log = readFileSync(join(root, out, 'log.jsonl'), 'utf8')
        .trimEnd()
        .split('\n');
      return { result, losses: log.map((line) => (JSON.parse(line) as { loss: number }).loss) };
    };
    const whole = initial();
    const { result, losses } = await go('pair', whole);
    expect(result).toEqual({ step: 4, finished: true });

    // What the first step's batches cost, one by one. The first five clips have captions of the model's own.
    const trainer = await createStageTrainer(stage, { ...options, parameters: initial() });
    const alone = [];
    for (const [k, shard] of shards.entries()) {
      const own = shard.map((example, i) =>
        4 * k + i < 5 ? { ...example, told: `A clip called ${example.scene.id}.` } : example,
      );
      const { inputs } = new Stream(options, stage, own, `lm/replica/${k}`).at(0);
      alone.push((await trainer.evaluate(inputs)).values.loss);
    }
    await trainer.release();
    expect(losses[0]).toBeCloseTo((alone[0] + alone[1]) / 2, 4);

    const resumed = initial();
    expect((await go('pair-parts', initial(), signalAfter(2))).result).toEqual({ step: 2, finished: false });
    expect((await go('pair-parts', resumed)).losses).toEqual(losses);
    expect(resumed).toEqual(whole);
  });
});

describe('trainStage', () => {
  it('learns, keeps the decoder layers of a warm-up as they are, and judges by held-out clips at the end', async () => {
    const parameters = initial();
    const { result, log } = await run(STAGE, 'warmup', { parameters, held: EXAMPLES.slice(0, 6) });
    expect(result).toEqual({ step: 4, finished: true });
    expect(log.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(log[3].loss).toBeLessThan(log[0].loss);
    expect(log[3].held_loss).toBeLessThan(log[0].loss);
    expect(Math.abs(log[3].held_words)).toBeLessThan(log[3].held_loss);
    expect(log.slice(0, 3).every((line) => line.held_loss === undefined)).toBe(true);
    const moved = changed(parameters);
    expect(moved.filter((name) => name.startsWith('model.layers.'))).toEqual([]);
    expect(moved).toEqual(expect.arrayContaining(['model.embed_tokens.weight', 'adaptor.continuous_audio.weight']));
  });

  it('lets every parameter learn where nothing is frozen, the same whether it is stopped or not', async () => {
    // Five steps see the examples more than once.
    const schedule = { ...STAGE.schedule, steps: 5 };
    const stage: StageSettings = { ...STAGE, name: 'pretrain', freeze: 'nothing', schedule };
    const [whole, parts] = [initial(), initial()];
    const { result, log } = await run(stage, 'whole', { parameters: whole, held: [] });
    expect(result).toEqual({ step: 5, finished: true });
    expect(changed(whole).sort()).toEqual([...initial().keys()].sort());
    expect(log.every((line) => line.held_loss === undefined)).toBe(true);
    const stopped = await run(stage, 'parts', { parameters: parts, held: [], signal: signalAfter(3) });
    expect(stopped.result).toEqual({ step: 3, finished: false });
    // The checkpoint counts, not the parameters that a new process brings.
    const resumed = initial();
    const rest = await run(stage, 'parts', { parameters: resumed, held: [] });
    expect(rest.log.map(({ loss }) => loss)).toEqual(log.map(({ loss }) => loss));
    expect(resumed).toEqual(whole);
  });
});

/** A signal that fires when so many steps are done: it is asked before each. */
function signalAfter(steps: number): AbortSignal {
  const { signal } = new AbortController();
  let asked = 0;
  return Object.defineProperty(signal, 'aborted', { get: () => asked++ >= steps });
}
