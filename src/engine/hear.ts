/** Sound to the language model's vectors: log-mel picture, audio encoder, adaptor. */
import { logMel } from '../audio/index.js';
import { BagpiperError } from '../errors.js';
import { Graph } from '../graph/index.js';
import { adaptor, type BagpiperConfig, encoderGraph, layChunks, planEncoding } from '../model/index.js';
import { Session, type SessionOptions } from '../runtime/index.js';

/** Graphs that are kept: each length of a short clip has its own. */
const KEPT_SESSIONS = 4;

/** Vectors of the language model [tokens, hidden]. */
export interface Heard {
  vectors: Float32Array;
  tokens: number;
}

export class Hearing {
  /** by mel frames of a chunk: full chunks share one graph, short single chunks have their own */
  private readonly sessions = new Map<number, Session>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly config: BagpiperConfig,
    private readonly options: SessionOptions,
  ) {}

  /** Samples at 16 kHz, at most the config's `max_input_seconds` -> vectors [tokens, hidden]. @throws BagpiperError for clips too short or too long */
  features(samples: Float32Array): Promise<Heard> {
    // One clip at a time: a graph must not be given up while another request runs it.
    const heard = this.last.then(() => this.hear(samples));
    this.last = heard.catch(() => {});
    return heard;
  }

  async release(): Promise<void> {
    for (const session of this.sessions.values()) await session.release();
    this.sessions.clear();
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

  private async session(frames: number): Promise<Session> {
    let session = this.sessions.get(frames);
    this.sessions.delete(frames);
    if (!session) {
      const graph = new Graph();
      const { features } = encoderGraph(graph, this.config.audio_config!, frames);
      graph.output('adapted', adaptor(features, this.config));
      session = await Session.create(graph, this.options);
    }
    // The map's order is that of use.
    this.sessions.set(frames, session);
    for (const [other, old] of this.sessions) {
      if (this.sessions.size <= KEPT_SESSIONS) break;
      this.sessions.delete(other);
      await old.release();
    }
    return session;
  }
}
