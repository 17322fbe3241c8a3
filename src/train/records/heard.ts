/**
 * Sound as training needs it: what a model's frozen audio encoder hears and what its codec makes of a clip, computed once
 * and kept on disk, one safetensors file a clip and side.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadMono16k, logMel } from '../../audio/index.js';
import { BagpiperError } from '../../errors.js';
import { Graph } from '../../graph/index.js';
import type { Model } from '../../model/bagpiper.js';
import { openCodec } from '../../model/codec/open.js';
import { type Codec, encoderFront, encoderTower, layChunks, planEncoding } from '../../model/index.js';
import { Session, type SessionOptions } from '../../runtime/index.js';
import { openSafetensors, type TensorInput, toFloat32, writeSafetensors } from '../../weights/index.js';
import type { SoundPlace } from './types.js';

const RATE = 16000;

/** What is made of a sound: features for what is heard, codes for what is answered. */
export type Side = 'features' | 'codes';

/** A sound is longer than the model hears at once. */
export class SoundTooLong extends BagpiperError {}

export class Ears {
  private readonly hash: string;
  /** the convolutions by chunk width; short clips have their own, so only the last is kept besides full chunks */
  private front: { frames: number; session: Session } | undefined;
  private tower: Session | undefined;
  private readonly options: SessionOptions;
  private readonly codec: Codec | null;

  /** @param cache folder; made when missing. Clips of several models may lie in it. */
  constructor(
    private readonly model: Model,
    private readonly cache: string,
    threads?: number,
  ) {
    mkdirSync(cache, { recursive: true });
    this.hash = model.folder.modelHash();
    this.options = {
      ...(threads === undefined ? {} : { threads }),
      parameters: (name) => ({ data: model.tensor(name) }),
    };
    this.codec = openCodec(model, threads);
  }

  /**
   * Rows that a sound takes: encoder tokens, or codec frames. Computes and keeps what is not known yet.
   *
   * @throws SoundTooLong; BagpiperError where the file cannot be read, or the model lacks the network
   */
  async listen(sound: SoundPlace, side: Side): Promise<number> {
    const path = this.fileOf(sound, side);
    if (!existsSync(path)) await this.compute(sound, side, path);
    return openSafetensors(path).tensors.get(side)!.shape[0];
  }

  /** Encoder features [tokens, adaptor_input_dim] of a sound that was listened to. */
  features(sound: SoundPlace): Float32Array {
    return toFloat32(openSafetensors(this.fileOf(sound, 'features')).tensor('features'));
  }

  /** Codec codes [frames, num_stream] of a sound that was listened to. */
  codes(sound: SoundPlace): Int32Array {
    return openSafetensors(this.fileOf(sound, 'codes')).tensor('codes').data as Int32Array;
  }

  async release(): Promise<void> {
    await this.front?.session.release();
    await this.tower?.release();
    await this.codec?.release();
  }

  /** A changed file or model has another name in the cache. */
  private fileOf({ path, start, end }: SoundPlace, side: Side): string {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats?.isFile()) throw new BagpiperError(`${path}: there is no such sound file; correct the record.`);
    const key = JSON.stringify([this.hash, path, stats.size, stats.mtimeMs, start ?? null, end ?? null]);
    return join(this.cache, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.${side}`);
  }

  private async compute(sound: SoundPlace, side: Side, path: string): Promise<void> {
    const samples = await readSound(sound);
    const tensor = side === 'features' ? await this.hear(samples, sound) : await this.encode(samples);
    writeSafetensors(path, [tensor]);
  }

  private async encode(samples: Float32Array): Promise<TensorInput> {
    if (!this.codec) {
      throw new BagpiperError(`${this.model.folder.path} has no codec: it cannot learn to make sound.`);
    }
    const data = await this.codec.encode(samples);
    return { name: 'codes', dtype: 'I32', shape: [data.length / this.codec.codebooks, this.codec.codebooks], data };
  }

  private async hear(samples: Float32Array, { path }: SoundPlace): Promise<TensorInput> {
    const { config } = this.model;
    const audio = config.audio_config;
    if (!audio) throw new BagpiperError(`${this.model.folder.path} has no audio encoder: it cannot learn to hear.`);
    const seconds = samples.length / RATE;
    if (seconds > config.max_input_seconds) {
      throw new SoundTooLong(
        `${path} lasts ${seconds.toFixed(1)} s; the model hears at most ${config.max_input_seconds} s at once. Cut it.`,
      );
    }
    const mel = logMel(samples, { recipe: config.front_end, bands: audio.num_mel_bins });
    if (mel.frames === 0) throw new BagpiperError(`${path} is shorter than 10 ms; leave it out.`);
    const plan = planEncoding(mel.frames, audio);
    if (this.front?.frames !== plan.frames) {
      await this.front?.session.release();
      const graph = new Graph();
      graph.output('embed', encoderFront(graph, audio, plan.frames));
      this.front = { frames: plan.frames, session: await Session.create(graph, this.options) };
    }
    if (!this.tower) {
      const graph = new Graph();
      graph.output('features', encoderTower(graph, audio));
      this.tower = await Session.create(graph, this.options);
    }
    const { embed } = await this.front.session.run({
      chunks: {
        data: layChunks(mel.data, mel.frames, plan, audio),
        dims: [plan.chunks, 1, audio.num_mel_bins, plan.frames],
      },
      keep: { data: plan.keep, dims: [plan.tokens] },
    });
    const { features } = await this.tower.run({
      embed,
      mask: { data: plan.mask, dims: [1, 1, plan.tokens, plan.tokens] },
    });
    return { name: 'features', dtype: 'F32', shape: [plan.tokens, audio.output_dim], data: features.data };
  }
}

/** Samples at 16 kHz of a file, or of a part of it. */
async function readSound({ path, start = 0, end }: SoundPlace): Promise<Float32Array> {
  const { samples } = await loadMono16k(path, end === undefined ? {} : { maxSeconds: end });
  const part = samples.subarray(Math.round(start * RATE), end === undefined ? undefined : Math.round(end * RATE));
  if (part.length === 0) throw new BagpiperError(`${path} ends before ${start} s, where the record begins.`);
  return part;
}
