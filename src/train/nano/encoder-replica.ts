/** One replica of the encoder in training: its clips, its batches, and their gradients. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../random.js';
import { Epochs } from '../epochs.js';
import type { ReplicaMaker } from '../replicas.js';
import { type Clip, createEncoderTrainer, type EncoderBatch, framesOf, layClips } from './encoder.js';
import { covers, isBackground, isForeground, layOver } from './mix.js';
import { ENCODER, ENCODER_TRAINING } from './settings.js';
import { listShards, readShard, shardMels } from './shards.js';
import { warp } from './warp.js';

/** What a replica is given. */
export interface EncoderShare {
  /** folder with `train`, and perhaps `speech` */
  corpus: string;
}

/** Clips of a split with their pictures in memory (0.05 GB an hour). */
export async function loadClips(corpus: string, cache: string, most = Number.POSITIVE_INFINITY): Promise<Clip[]> {
  const clips: Clip[] = [];
  for (const name of listShards(corpus)) {
    if (clips.length >= most) break;
    const shard = readShard(corpus, name);
    const mels = await shardMels(shard, cache);
    shard.records.forEach(({ scene }, i) => {
      clips.push({ scene, mel: mels[i] });
    });
  }
  return clips.slice(0, most);
}

/** Folders of clips and of their pictures. */
function learnedFrom({ corpus }: EncoderShare): [clips: string, mels: string][] {
  const splits = ['train', 'speech'].filter((name) => name === 'train' || existsSync(join(corpus, name)));
  return splits.map((name) => [join(corpus, name), join(corpus, 'mels', name)]);
}

/** Computes the pictures that are not there yet, so that the replicas find them. */
export async function makePictures(share: EncoderShare): Promise<void> {
  for (const [corpus, mels] of learnedFrom(share)) {
    for (const name of listShards(corpus)) await shardMels(readShard(corpus, name), mels);
  }
}

/** A clip whose scene is kept as text: some ten thousand scenes as objects keep the garbage collector busier than training does. */
class Kept {
  private readonly scene: string;
  private readonly mel: Clip['mel'];
  readonly frames: number;
  readonly foreground: boolean;
  readonly background: boolean;

  constructor(clip: Clip) {
    this.scene = JSON.stringify(clip.scene);
    this.mel = clip.mel;
    this.frames = framesOf(clip);
    this.foreground = isForeground(clip.scene);
    this.background = isBackground(clip.scene);
  }

  get clip(): Clip {
    return { scene: JSON.parse(this.scene) as Clip['scene'], mel: this.mel };
  }
}

/** The batches of all replicas, as a function of step and index. */
export class EncoderBatches {
  private readonly clips: readonly Kept[];
  private readonly epochs: Epochs;
  private readonly backgrounds: readonly Kept[];

  constructor(clips: Iterable<Clip>, count: number) {
    const { seed, frames } = ENCODER_TRAINING;
    this.clips = Array.from(clips, (clip) => new Kept(clip));
    this.epochs = new Epochs(
      seed,
      this.clips.map((clip) => clip.frames),
      frames,
      count,
      4,
    );
    this.backgrounds = this.clips.filter(({ background }) => background);
  }

  get size(): number {
    return this.clips.length;
  }

  at(step: number, index: number): EncoderBatch {
    const { seed, frames } = ENCODER_TRAINING;
    const random = new Random(`${seed}/augment/${step}/${index}`);
    const clips = this.epochs.at(step)[index].map((i) => this.varied(this.clips[i], random));
    return layClips(ENCODER, frames, clips, random);
  }

  /** The clip as it is, or its speech said in another way, with something under it. */
  private varied({ clip, foreground }: Kept, random: Random): Clip {
    if (!foreground) return clip;
    const speech = random.chance(ENCODER_TRAINING.warped) ? warp(clip, random) : clip;
    if (this.backgrounds.length === 0 || !random.chance(ENCODER_TRAINING.laidOver)) return speech;
    const under = random.pick(this.backgrounds).clip;
    return covers(speech, under) ? layOver(speech, under, random) : speech;
  }
}

export const makeReplica: ReplicaMaker<EncoderShare> = async (share, parameters, { index, count }) => {
  const clips = await Promise.all(learnedFrom(share).map(([folder, mels]) => loadClips(folder, mels)));
  const batches = new EncoderBatches(clips.flat(), count);
  if (index === 0) process.stderr.write(`${batches.size} clips to learn from\n`);
  const encoder = await createEncoderTrainer(ENCODER, ENCODER_TRAINING.frames, parameters, 1);
  return {
    async evaluate(step) {
      const batch = batches.at(step, index);
      const spoken = await encoder.addSpoken(batch);
      const { values, grads } = await encoder.trainer.evaluate(batch.inputs);
      return { values: { ...values, ...spoken }, grads, tokens: Math.round(batch.seconds) };
    },
  };
};
