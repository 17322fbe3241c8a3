/** Trains nano's audio encoder on a corpus, from where its folder stands. */
import { join } from 'node:path';
import { ENCODER_PREFIX, encoderTensors } from '../../model/index.js';
import { Random } from '../../random.js';
import { writeSafetensors } from '../../weights/index.js';
import { train } from '../loop.js';
import { Replicas } from '../replicas.js';
import { type Clip, createEncoderTrainer, type EncoderBatch, framesOf, initialEncoder, layClips } from './encoder.js';
import { type EncoderShare, loadClips, makePictures } from './encoder-replica.js';
import { scoreEncoder } from './encoder-score.js';
import { readEncoder } from './parts.js';
import { ENCODER, ENCODER_TRAINING } from './settings.js';

export interface EncoderRunOptions {
  /** folder of `npm run corpus`, with `train` and `valid` inside, and perhaps `speech`: more speech to learn from */
  corpus: string;
  out: string;
  /** model folder whose encoder is trained on, its heads anew; or folder of such a training, heads and all. Absent: from nothing */
  from?: string;
  /** each trains a batch of a step */
  threads: number;
  steps?: number;
  maxMinutes?: number;
  signal?: AbortSignal;
}

/** How often the encoder is judged by held-out clips, and by how many. */
const CHECK_STEPS = 400;
const CHECK_CLIPS = 160;

export async function trainEncoder(options: EncoderRunOptions): Promise<void> {
  const { corpus, out, threads } = options;
  const { frames, clip, seed, replicas: count } = ENCODER_TRAINING;
  const whole = options.from ? ENCODER_TRAINING.further : ENCODER_TRAINING.schedule;
  const schedule = { ...whole, steps: options.steps ?? whole.steps };
  const share: EncoderShare = { corpus };
  await makePictures(share);
  const held = await loadClips(join(corpus, 'valid'), join(corpus, 'mels', 'valid'), CHECK_CLIPS);
  const initial = initialEncoder(ENCODER, new Random(seed));
  if (options.from) for (const [name, values] of readEncoder(options.from)) initial.set(name, values);
  const encoder = await createEncoderTrainer(ENCODER, frames, initial, threads);
  const replicas = await Replicas.start(
    new URL('./encoder-replica.js', import.meta.url),
    share,
    encoder.trainer,
    count,
  );
  const check = heldOutBatches(held, frames);
  const result = await train(replicas, async (step) => ({ inputs: step }), {
    out,
    name: 'encoder (seconds as tokens)',
    schedule,
    clip,
    settings: { ENCODER, ENCODER_TRAINING: { ...ENCODER_TRAINING, schedule } },
    maxMinutes: options.maxMinutes,
    signal: options.signal,
    onStep: async (step) => {
      if (step % CHECK_STEPS !== 0 && step !== schedule.steps) return undefined;
      const scores = await scoreEncoder(encoder, check);
      process.stderr.write(`step ${step}: ${JSON.stringify(scores)}\n`);
      const known = Object.entries(scores).filter((entry): entry is [string, number] => entry[1] !== null);
      return Object.fromEntries(known);
    },
  }).finally(() => replicas.stop());
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
