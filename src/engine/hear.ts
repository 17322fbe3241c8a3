/** Sound to the language model's vectors: log-mel picture, audio encoder, adaptor. */
import { logMel } from '../audio/index.js';
import { BagpiperError } from '../errors.js';
import { Graph } from '../graph/index.js';
import {
  type AudioConfig,
  adaptor,
  type BagpiperConfig,
  chunkTokens,
  type EncodingPlan,
  encoderFront,
  encoderTower,
  LEAST_SAMPLES,
  layChunks,
  planEncoding,
} from '../model/index.js';
import { Session, type SessionOptions, type Value } from '../runtime/index.js';

/** Front graphs that are kept: each length of a short clip has its own. */
const KEPT_FRONTS = 4;

/** Chunks that the convolutions work on at once: their buffers are large (20 MB a chunk at full size), and more are no faster. */
const CHUNKS_AT_ONCE = 4;

/** Vectors of the language model [tokens, hidden]. */
export interface Heard {
  vectors: Float32Array;
  tokens: number;
  /** what the encoder made of the sound, before the adaptor [tokens, output_dim]; only where it is wanted */
  features?: Float32Array;
}

export class Hearing {
  /** convolutions by mel frames of a chunk: full chunks share one graph, short single chunks have their own */
  private readonly fronts = new Map<number, Session>();
  /** transformer blocks and adaptor, by far the larger part: one graph for every length */
  private tower: Session | undefined;
  private last: Promise<unknown> = Promise.resolve();

  /** @param wantFeatures give the encoder's features, too */
  constructor(
    private readonly config: BagpiperConfig,
    private readonly options: SessionOptions,
    private readonly wantFeatures = false,
  ) {}

  /** Samples at 16 kHz, at most the config's `max_input_seconds` -> vectors [tokens, hidden]. @throws BagpiperError for clips too short or too long */
  features(samples: Float32Array): Promise<Heard> {
    // One clip at a time: a graph must not be given up while another request runs it.
    const heard = this.last.then(() => this.hear(samples));
    this.last = heard.catch(() => {});
    return heard;
  }

  async release(): Promise<void> {
    for (const session of [...this.fronts.values(), this.tower]) await session?.release();
    this.fronts.clear();
    this.tower = undefined;
  }

  private async hear(samples: Float32Array): Promise<Heard> {
    const audio = this.config.audio_config;
    if (!audio) throw new BagpiperError('This model has no audio encoder: it cannot take sound.');
    const most = this.config.max_input_seconds;
    if (samples.length > most * 16000) {
      throw new BagpiperError(
        `The clip lasts ${(samples.length / 16000).toFixed(1)} s; at most ${most} s are taken at once.`,
      );
    }
    const mel = logMel(samples, { recipe: this.config.front_end, bands: audio.num_mel_bins });
    if (mel.frames === 0)
      throw new BagpiperError(
        `The clip has ${samples.length} samples at 16 kHz; at least ${LEAST_SAMPLES} (10 ms) are needed.`,
      );
    const plan = planEncoding(mel.frames, audio);
    const embed = await this.embed(layChunks(mel.data, mel.frames, plan, audio), plan, audio);
    this.tower ??= await this.openTower(audio);
    const { adapted, features } = await this.tower.run({
      embed,
      mask: { data: plan.mask, dims: [1, 1, plan.tokens, plan.tokens] },
    });
    const heard = { vectors: adapted.data as Float32Array, tokens: plan.tokens };
    return features ? { ...heard, features: features.data as Float32Array } : heard;
  }

  /** Runs the convolutions, some chunks at a time: [1, tokens, d_model]. */
  private async embed(
    laid: Float32Array,
    { chunks, frames, tokens }: EncodingPlan,
    audio: AudioConfig,
  ): Promise<Value> {
    const front = await this.front(frames);
    const width = audio.d_model;
    const each = chunkTokens(frames);
    const size = audio.num_mel_bins * frames;
    const embed = new Float32Array(tokens * width);
    for (let from = 0; from < chunks; from += CHUNKS_AT_ONCE) {
      const to = Math.min(chunks, from + CHUNKS_AT_ONCE);
      const count = Math.min(tokens, to * each) - from * each;
      const part = await front.run({
        chunks: { data: laid.subarray(from * size, to * size), dims: [to - from, 1, audio.num_mel_bins, frames] },
        keep: { data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)), dims: [count] },
      });
      embed.set(part.embed.data as Float32Array, from * each * width);
    }
    return { data: embed, dims: [1, tokens, width] };
  }

  /** Compiles what takes long before it is needed. */
  async open(): Promise<void> {
    const { audio_config: audio } = this.config;
    if (audio) this.tower ??= await this.openTower(audio);
  }

  private async openTower(audio: AudioConfig): Promise<Session> {
    const graph = new Graph(this.options);
    const features = encoderTower(graph, audio);
    graph.output('adapted', adaptor(features, this.config));
    if (this.wantFeatures) graph.output('features', features);
    return Session.create(graph, this.options);
  }

  private async front(frames: number): Promise<Session> {
    let session = this.fronts.get(frames);
    this.fronts.delete(frames);
    if (!session) {
      const graph = new Graph(this.options);
      graph.output('embed', encoderFront(graph, this.config.audio_config!, frames));
      session = await Session.create(graph, this.options);
    }
    // The map's order is that of use.
    this.fronts.set(frames, session);
    for (const [other, old] of this.fronts) {
      if (this.fronts.size <= KEPT_FRONTS) break;
      this.fronts.delete(other);
      await old.release();
    }
    return session;
  }
}
