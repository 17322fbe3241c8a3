/** Trains nano's audio encoder on a corpus, from where its folder stands. */
import { join } from 'node:path';
import { ENCODER_PREFIX, encoderTensors } from '../../model/index.js';
import { Random } from '../../random.js';
import { openSafetensors, toFloat32, writeSafetensors } from '../../weights/index.js';
import { Epochs } from '../epochs.js';
import { train } from '../loop.js';
import {
  type Clip,
  createEncoderTrainer,
  type EncoderBatch,
  framesOf,
  initialEncoder,
  layClips,
  type SpokenLosses,
  scoreEncoder,
} from './encoder.js';
import { ENCODER, ENCODER_TRAINING } from './settings.js';
import { listShards, readShard, shardMels } from './shards.js';

export interface EncoderRunOptions {
  /** folder of `npm run corpus`, with `train` and `valid` inside */
  corpus: string;
  out: string;
  /** start from the parameters of this file where it has them, instead of from nothing */
  initial?: string;
  threads: number;
  steps?: number;
  maxMinutes?: number;
  signal?: AbortSignal;
}

/** How often the encoder is judged by held-out clips, and by how many. */
const CHECK_STEPS = 400;
const CHECK_CLIPS = 160;

/** All clips of a split with their pictures in memory (0.05 GB an hour). */
export async function loadClips(corpus: string, cache: string): Promise<Clip[]> {
  const clips: Clip[] = [];
  for (const name of listShards(corpus)) {
    const shard = readShard(corpus, name);
    const mels = await shardMels(shard, cache);
    shard.records.forEach((record, i) => {
      clips.push({ scene: record.scene, mel: mels[i] });
    });
  }
  return clips;
}

export async function trainEncoder(options: EncoderRunOptions): Promise<void> {
  const { corpus, out, threads } = options;
  const { frames, clip, seed } = ENCODER_TRAINING;
  const schedule = { ...ENCODER_TRAINING.schedule, steps: options.steps ?? ENCODER_TRAINING.schedule.steps };
  const clips = await loadClips(join(corpus, 'train'), join(corpus, 'mels', 'train'));
  const held = await loadClips(join(corpus, 'valid'), join(corpus, 'mels', 'valid'));
  process.stderr.write(`${clips.length} clips to learn from, ${held.length} held out\n`);
  const initial = initialEncoder(ENCODER, new Random(seed));
  if (options.initial) takeOver(initial, options.initial);
  const encoder = await createEncoderTrainer(ENCODER, frames, initial, threads);
  const epochs = new Epochs(seed, clips.map(framesOf), frames, 1, 4);
  const check = heldOutBatches(held.slice(0, CHECK_CLIPS), frames);
  let spoken: SpokenLosses = { words: 0, letters: 0 };
  const result = await train(
    encoder.trainer,
    async (step) => {
      const picked = epochs.at(step)[0].map((i) => clips[i]);
      const batch = layClips(ENCODER, frames, picked, new Random(`${seed}/augment/${step}`));
      spoken = await encoder.addSpoken(batch);
      return { inputs: batch.inputs, tokens: Math.round(batch.seconds) };
    },
    {
      out,
      name: 'encoder (seconds as tokens)',
      schedule,
      clip,
      settings: { ENCODER, ENCODER_TRAINING: { ...ENCODER_TRAINING, schedule } },
      maxMinutes: options.maxMinutes,
      signal: options.signal,
      onStep: async (step) => {
        if (step % CHECK_STEPS !== 0 && step !== schedule.steps) return { ...spoken };
        const scores = await scoreEncoder(encoder, check);
        process.stderr.write(`step ${step}: ${JSON.stringify(scores)}\n`);
        return { ...spoken, ...scores };
      },
    },
  );
  const shapes = encoderTensors(ENCODER);
  const tensors = [...encoder.trainer.parameters].map(([name, data]) => ({
    name,
    dtype: 'F32' as const,
    shape: shapes.get(name) ?? [data.length],
    data,
  }));
  await writeSafetensors(join(out, 'encoder.safetensors'), tensors, {
    step: String(result.step),
    prefix: ENCODER_PREFIX,
  });
}

function takeOver(initial: Map<string, Float32Array>, path: string): void {
  const file = openSafetensors(path);
  for (const [name, values] of initial) {
    if (file.tensors.has(name)) values.set(toFloat32(file.tensor(name)));
  }
}

/** Whole batches of held-out clips in their order. */
function heldOutBatches(clips: readonly Clip[], frames: number): EncoderBatch[] {
  const batches: EncoderBatch[] = [];
  let waiting: Clip[] = [];
  let used = 0;
  for (const clip of clips) {
    const needed = framesOf(clip);
    if (used + needed > frames) {
      batches.push(layClips(ENCODER, frames, waiting));
      waiting = [];
      used = 0;
    }
    waiting.push(clip);
    used += needed;
  }
  return batches;
}
