/** Sound to the language model's vectors: log-mel picture, audio encoder, adaptor. */
import { logMel } from '../audio/index.js';
import { BagpiperError } from '../errors.js';
import { Graph } from '../graph/index.js';
import { adaptor, type BagpiperConfig, encoderGraph, layChunks, planEncoding } from '../model/index.js';
import { Session, type SessionOptions } from '../runtime/index.js';

/** What the encoder takes at once, in seconds. */
export const MAX_INPUT_SECONDS = 30;

export class Hearing {
  /** by mel frames of a chunk: full chunks share one graph, short single chunks have their own */
  private readonly sessions = new Map<number, Session>();

  constructor(
    private readonly config: BagpiperConfig,
    private readonly options: SessionOptions,
  ) {}

  /** Samples at 16 kHz, at most 30 s -> vectors [tokens, hidden]. @throws BagpiperError for clips too short or too long */
  async features(samples: Float32Array): Promise<{ vectors: Float32Array; tokens: number }> {
    const audio = this.config.audio_config;
    if (!audio) throw new BagpiperError('This model has no audio encoder: it cannot take sound.');
    if (samples.length > MAX_INPUT_SECONDS * 16000) {
      throw new BagpiperError(
        `The clip lasts ${(samples.length / 16000).toFixed(1)} s; at most ${MAX_INPUT_SECONDS} s are taken at once.`,
      );
    }
    const mel = logMel(samples, { recipe: this.config.front_end, bands: audio.num_mel_bins });
    if (mel.frames === 0)
      throw new BagpiperError(`The clip has ${samples.length} samples at 16 kHz; at least 160 (10 ms) are needed.`);
    const plan = planEncoding(mel.frames, audio);
    const session = await this.session(plan.frames);
    const { adapted } = await session.run({
      chunks: {
        data: layChunks(mel.data, mel.frames, plan, audio),
        dims: [plan.chunks, 1, audio.num_mel_bins, plan.frames],
      },
      keep: { data: plan.keep, dims: [plan.tokens] },
      mask: { data: plan.mask, dims: [1, 1, plan.tokens, plan.tokens] },
    });
    return { vectors: adapted.data as Float32Array, tokens: plan.tokens };
  }

  async release(): Promise<void> {
    for (const session of this.sessions.values()) await session.release();
    this.sessions.clear();
  }

  private async session(frames: number): Promise<Session> {
    let session = this.sessions.get(frames);
    if (!session) {
      const graph = new Graph();
      const { features } = encoderGraph(graph, this.config.audio_config!, frames);
      graph.output('adapted', adaptor(features, this.config));
      session = await Session.create(graph, this.options);
      this.sessions.set(frames, session);
    }
    return session;
  }
}
