/** A language model of some 30,000 numbers that learns made-up conversations: text alone, heard sound, answered sound. */
import { Graph } from '../../src/graph/index.js';
import {
  buildRows,
  drawKeptMessage,
  dropConditions,
  languageModelTensors,
  type Message,
  packGrids,
  parseConfig,
  type TokenGrid,
  type TrainingSizes,
  trainingLoss,
} from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { type Batch, layBatch } from '../../src/train/batch.js';
import { Epochs } from '../../src/train/epochs.js';
import { type RunOptions, train } from '../../src/train/loop.js';
import { Trainer, type TrainerOptions } from '../../src/train/trainer.js';

const text = { text_token_offset: 256, text_token_end: 320, codec_base_offset: 320, codec_layer_size: 9 };
export const TINY = parseConfig(
  {
    architectures: ['BagpiperForConditionalGeneration'],
    model_type: 'bagpiper',
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 4,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    max_position_embeddings: 512,
    tie_word_embeddings: false,
    vocab_size: 320 + 8 * 9,
    num_stream: 8,
    ...text,
    stream_weights: new Array(8).fill(1 / 8),
    audio_cfg: 0.3,
    adaptor_input_dim: 6,
  },
  'the tiny model',
);

const SIZES: TrainingSizes = { batch: 2, rows: 48, scored: 80, scoredCodes: 200, features: 40 };

interface Sample {
  grid: TokenGrid;
  features: Float32Array[];
}

function samples(count: number): Sample[] {
  const random = new Random('tiny samples');
  const words = (n: number) => Array.from({ length: n }, () => random.int(64));
  return Array.from({ length: count }, (_, i) => {
    const answer: Message = { role: 'assistant', modality: 'text', textIds: words(2 + random.int(8)) };
    const request: Message = { role: 'user', modality: 'text', textIds: words(3) };
    const heard: Message = { role: 'user', modality: 'audio', frames: 4 };
    const codes = Int32Array.from({ length: 8 * 5 }, () => random.int(8));
    const kinds: Message[][] = [[answer], [heard, answer], [request, { role: 'assistant', modality: 'audio', codes }]];
    const grid = buildRows(kinds[i % 3], TINY, { mode: 'train' });
    const features = Float32Array.from({ length: 4 * TINY.adaptor_input_dim }, () => random.normal());
    return { grid, features: grid.continuous.map(() => features) };
  });
}

/** Batches by step, with condition dropout. */
function batches(): (step: number) => Batch {
  const all = samples(24);
  const epochs = new Epochs(
    'tiny',
    all.map((s) => s.grid.length),
    SIZES.rows,
    SIZES.batch,
    2,
  );
  const seen = (i: number, step: number): Sample => {
    const { grid, features } = all[i];
    const kept = drawKeptMessage(grid, TINY, new Random(`tiny/${step}/${i}`));
    return kept === null ? { grid, features } : { grid: dropConditions(grid, kept), features: [] };
  };
  return (step) => {
    const rows = epochs.at(step).map((bin) => {
      const picked = bin.map((i) => seen(i, step));
      const pack = packGrids(
        picked.map((s) => s.grid),
        SIZES.rows,
      );
      return { pack, features: picked.flatMap((s) => s.features) };
    });
    return layBatch(rows, SIZES, TINY);
  };
}

export async function tinyTrainer(options: TrainerOptions = {}): Promise<Trainer> {
  const random = new Random('tiny weights');
  const values = new Map(
    [...languageModelTensors(TINY)].map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const isNorm = name.includes('norm');
      return [name, Float32Array.from({ length: size }, () => (isNorm ? 1 : 0.1 * random.normal()))];
    }),
  );
  const graph = new Graph();
  return Trainer.create(graph, trainingLoss(graph, TINY, SIZES), values, {
    threads: 2,
    weightDecay: 0.01,
    ...options,
  });
}

/** Trains from where `out` stands, with a checkpoint after every step. */
export async function tinyRun(
  out: string,
  steps: number,
  each: (step: number) => void = () => {},
  options: Partial<RunOptions> & { trainer?: TrainerOptions } = {},
): Promise<{ trainer: Trainer; step: number; finished: boolean }> {
  const trainer = await tinyTrainer(options.trainer);
  const at = batches();
  const held = at(1000);
  const result = await train(trainer, async (step) => at(step), {
    out,
    name: 'tiny',
    schedule: { peak: 0.02, warmup: 3, steps, floor: 0.1 },
    clip: 1,
    settings: { SIZES, steps },
    checkpointMinutes: 0,
    plot: false,
    onStep: async (step) => {
      each(step);
      if (step % 3 !== 0) return undefined;
      return { held_loss: (await trainer.evaluate(held.inputs)).values.loss };
    },
    ...options,
  });
  await trainer.release();
  return { trainer, ...result };
}
