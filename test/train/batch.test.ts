import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/index.js';
import {
  fullHead,
  LETTERS,
  packGrids,
  SPELLING,
  type TokenGrid,
  type TrainingSizes,
  trainingLoss,
} from '../../src/model/index.js';
import { Session } from '../../src/runtime/index.js';
import { layBatch, type PackedRow } from '../../src/train/batch.js';
import { Trainer } from '../../src/train/trainer.js';
import { config, goldenGrid, goldenTensor, goldenTrainer, goldenWeights, relativeDifference } from './golden.js';

const ROWS = 77;
const sizes: TrainingSizes = { batch: 1, rows: ROWS, scored: 70, scoredCodes: 200, features: 5 };

/** Samples packed into one row of the batch. */
function packed(names: readonly string[], rows = ROWS): PackedRow {
  const grids = names.map(goldenGrid);
  const spans = grids.flatMap((grid) => grid.continuous.map(() => goldenTensor('packed.features.0')));
  return { pack: packGrids(grids, rows), features: spans };
}

/** Rows that count in a sample's denominator: those whose stream 0 is scored. */
const counted = (grid: TokenGrid): number =>
  Array.from({ length: grid.length }, (_, t) => (grid.lossMask[t * config.num_stream] > 0 ? 1 : 0)).reduce<number>(
    (a, b) => a + b,
    0,
  );

describe('packing', () => {
  const names = ['text_to_audio', 'dialogue_audio_and_text_question', 'text_only'];

  it('gives the loss and the gradients of the samples computed one by one', async () => {
    const trainer = await goldenTrainer(sizes);
    const whole = layBatch([packed(names)], sizes, config);
    const together = await trainer.evaluate(whole.inputs);
    let loss = 0;
    const sums = new Map([...together.grads].map(([name, grad]) => [name, new Float64Array(grad.length)]));
    for (const name of names) {
      const alone = layBatch([packed([name])], sizes, config);
      expect(alone.denominator).toBe(counted(goldenGrid(name)));
      const share = alone.denominator / whole.denominator;
      const { values, grads } = await trainer.evaluate(alone.inputs);
      loss += values.loss * share;
      for (const [name, grad] of grads) {
        const sum = sums.get(name)!;
        grad.forEach((g, i) => {
          sum[i] += g * share;
        });
      }
    }
    expect(Math.abs(together.values.loss - loss)).toBeLessThan(1e-5);
    for (const [name, sum] of sums) {
      expect(relativeDifference(together.grads.get(name)!, sum), name).toBeLessThan(1e-5);
    }
    await trainer.release();
  });

  it('spreads over the rows of a batch without changing the loss', async () => {
    const one = await goldenTrainer(sizes);
    const { values } = await one.evaluate(layBatch([packed(names)], sizes, config).inputs);
    await one.release();
    const wide = { ...sizes, batch: 3, rows: 30 };
    const three = await goldenTrainer(wide);
    const rows = names.map((name) => packed([name], 30));
    const spread = await three.evaluate(layBatch(rows, wide, config).inputs);
    await three.release();
    expect(Math.abs(spread.values.loss - values.loss)).toBeLessThan(1e-5);
  });

  it('starts each sample at position 0 and hides the other samples from it', () => {
    const { inputs, tokens } = layBatch([packed(names)], sizes, config);
    const starts = packed(names).pack.sampleStarts;
    const half = config.head_dim / 2;
    for (const start of starts) {
      expect([...(inputs.cos.data as Float32Array).subarray(start * half, (start + 1) * half)]).toEqual(
        new Array(half).fill(1),
      );
    }
    const mask = inputs.mask.data as Float32Array;
    const group = config.num_attention_heads / config.num_key_value_heads;
    const edges = [...starts, tokens, ROWS];
    const block = (t: number): number => edges.findIndex((edge) => t < edge);
    const wrong: string[] = [];
    for (let t = 0; t < ROWS; t++) {
      for (let s = 0; s < ROWS; s++) {
        const visible = mask[(t * group + 1) * ROWS + s] === 0;
        if (visible !== (s <= t && block(s) === block(t))) wrong.push(`row ${t}, row ${s}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('a batch', () => {
  it('of text alone trains in the same graph, and leaves the adaptor without a gradient', async () => {
    const trainer = await goldenTrainer(sizes);
    const batch = layBatch([packed(['text_only'])], sizes, config);
    const { values, grads } = await trainer.evaluate(batch.inputs);
    expect(values.codes).toBe(0);
    expect(values.loss).toBeGreaterThan(1);
    expect(grads.get('adaptor.continuous_audio.weight')!.every((g) => g === 0)).toBe(true);
    expect(grads.get('stream_emb.weight')!.every((g) => g === 0)).toBe(true);
    await trainer.release();
    // A graph that has no place for sound at all gives the same.
    const textSizes = { ...sizes, features: 0 };
    const bare = await goldenTrainer(textSizes);
    const same = await bare.evaluate(layBatch([packed(['text_only'])], textSizes, config).inputs);
    expect(Math.abs(same.values.loss - values.loss)).toBeLessThan(1e-6);
    expect([...bare.parameters.keys()].some((name) => name.startsWith('adaptor'))).toBe(false);
    await bare.release();
  });

  it('with fewer places than scored ids keeps the weight of the whole', () => {
    const weigh = (room: number): number => {
      const { inputs } = layBatch([packed(['text_only'])], { ...sizes, scored: room }, config);
      return (inputs.weight.data as Float32Array).reduce((a, b) => a + b, 0);
    };
    expect(weigh(70)).toBeCloseTo(1, 6);
    expect(weigh(4)).toBeCloseTo(1, 6);
  });

  it('refuses packs of another size, and more features than there is room for', () => {
    expect(() => layBatch([packed(['text_only'], 40)], sizes, config)).toThrow(/a pack of 40 rows in a batch of 77/);
    expect(() => layBatch([], sizes, config)).toThrow(/0 packs for a batch of 1/);
    const heard = packed(['dialogue_audio_and_text_question']);
    expect(() => layBatch([heard], { ...sizes, features: 4 }, config)).toThrow(/5 features, room for 4/);
    const cut = { ...heard, features: [heard.features[0].subarray(1)] };
    expect(() => layBatch([cut], sizes, config)).toThrow(/119 numbers for 5 features of 24/);
  });
});

describe('codecSoftmax "own"', () => {
  it('scores each code among the ids of its stream', async () => {
    const own: TrainingSizes = { batch: 1, rows: 25, scored: 25, scoredCodes: 25, codecSoftmax: 'own', features: 0 };
    const trainer = await goldenTrainer(own);
    const row = packed(['text_to_audio'], 25);
    const { values } = await trainer.evaluate(layBatch([row], own, config).inputs);
    await trainer.release();
    const expected = await ownLoss(goldenTensor('tts.last_hidden'), row);
    expect(Math.abs(values.codes - expected)).toBeLessThan(2e-5);
  });
});

/** The loss of streams 1 and up in plain loops, from the reference vectors after the final norm. */
async function ownLoss(hidden: Float32Array, { pack }: PackedRow): Promise<number> {
  const { num_stream: streams, codec_base_offset: base, codec_layer_size: layer, vocab_size: all } = config;
  const graph = new Graph();
  fullHead(graph, config);
  const parameters = goldenWeights();
  const session = await Session.create(graph, { parameters: (name) => ({ data: parameters.get(name)! }) });
  const input = { hidden: { data: hidden, dims: [pack.length, config.hidden_size] } };
  const logits = (await session.run(input)).logits.data as Float32Array;
  await session.release();
  let total = 0;
  let rows = 0;
  for (let t = 0; t + 1 < pack.length; t++) {
    if (pack.lossMask[(t + 1) * streams] > 0) rows++;
    for (let n = 1; n < streams; n++) {
      const [id, weight] = [pack.ids[(t + 1) * streams + n], pack.lossMask[(t + 1) * streams + n]];
      if (weight === 0 || id < base) continue;
      const start = (t * streams + n) * all;
      const own = logits.subarray(start + base + n * layer, start + base + (n + 1) * layer);
      total += weight * (Math.log(own.reduce((sum, x) => sum + Math.exp(x), 0)) - logits[start + id]);
    }
  }
  return total / rows;
}

describe('letters that are said', () => {
  it('are asked of the rows that are told theirs', async () => {
    const spelled = { ...sizes, spelled: 1 };
    // To a head of zeros all letters are equally likely.
    const values = goldenWeights().set(SPELLING, new Float32Array(LETTERS * config.hidden_size));
    const graph = new Graph();
    const trainer = await Trainer.create(graph, trainingLoss(graph, config, spelled), values, { threads: 1 });
    const row = packed(['text_to_audio', 'text_only']);
    const at = { from: 2, to: 4 };
    const followed = [
      [
        { row: 9, ...at, letter: 4 },
        { row: 10, ...at },
      ],
      [{ row: 5, ...at, letter: LETTERS - 1 }],
    ];
    const batch = layBatch([{ ...row, followed }], spelled, config);
    const { values: scalars } = await trainer.evaluate(batch.inputs);
    expect(scalars.spelled).toBeCloseTo((2 * Math.log(LETTERS)) / batch.denominator, 5);
    expect(scalars.loss).toBeCloseTo(scalars.text + scalars.codes + scalars.spelled, 5);
    // After a few steps on the same rows their letters are known.
    let last = scalars.spelled;
    for (let step = 0; step < 30; step++) last = (await trainer.step(batch.inputs, 0.01)).values.spelled;
    expect(last).toBeLessThan(scalars.spelled / 4);
    await trainer.release();
  });
});

describe('guided attention', () => {
  it('asks of the rows that are told where to look how much they look there', async () => {
    const guided = { ...sizes, guided: 1 };
    const values = goldenWeights();
    // Without queries every row looks evenly at all rows of its sample up to itself.
    values.get('model.layers.1.self_attn.q_proj.weight')!.fill(0);
    const graph = new Graph();
    const trainer = await Trainer.create(graph, trainingLoss(graph, config, guided), values, { threads: 1 });
    const row = packed(['text_to_audio', 'text_only']);
    const followed = [
      [{ row: 9, from: 2, to: 4 }],
      [
        { row: 5, from: 0, to: 6 },
        { row: 7, from: 3, to: 4 },
      ],
    ];
    const batch = layBatch([{ ...row, followed }], guided, config);
    const { values: scalars } = await trainer.evaluate(batch.inputs);
    const expected = -(Math.log(2 / 10 + 1e-4) + Math.log(6 / 6 + 1e-4) + Math.log(1 / 8 + 1e-4)) / batch.denominator;
    expect(scalars.guided).toBeCloseTo(expected, 5);
    expect(scalars.loss).toBeCloseTo(scalars.text + scalars.codes + scalars.guided, 5);
    const free = await trainer.evaluate(layBatch([row], guided, config).inputs);
    expect(free.values.guided).toBeCloseTo(0, 8);
    await trainer.release();
  });
});
