/**
 * A small model speaking: many answers at once, by the engine's own decoder, from features that were heard before. The same
 * prompt and seed give the same answer in any company (engine/decoder.ts).
 */
import { Decoder } from '../src/engine/decoder.js';
import { generate, type SegmentRows } from '../src/engine/generate.js';
import { type PromptRows, Scheduler } from '../src/engine/scheduler.js';
import {
  type BagpiperConfig,
  buildRows,
  delayDeinterleave,
  type Message,
  type Modality,
  type SegmentDefaults,
} from '../src/model/index.js';
import { Random } from '../src/random.js';
import type { Speech } from './samples.js';

/** Answers that are made at the same time. */
const TOGETHER = 24;

export interface Prompt {
  messages: readonly Message[];
  /** encoder features of each message that is heard */
  features: readonly Float32Array[];
}

export interface TalkOptions {
  segments: readonly Modality[];
  /** changes of the model's generation settings */
  text?: Partial<SegmentDefaults>;
  audio?: Partial<SegmentDefaults>;
  seed: string;
  signal?: AbortSignal;
}

/** What was said, and codes [frames, streams] of what was played, where there was anything. */
export interface Said {
  text: string;
  codes: Int32Array | null;
}

export class Talker {
  private readonly scheduler: Scheduler;

  private constructor(
    private readonly decoder: Decoder,
    private readonly speech: Speech,
    private readonly parameters: ReadonlyMap<string, Float32Array>,
  ) {
    this.scheduler = new Scheduler(decoder);
  }

  static async open(speech: Speech, parameters: ReadonlyMap<string, Float32Array>, threads: number): Promise<Talker> {
    const options = { threads, parameters: (name: string) => ({ data: parameters.get(name)! }) };
    return new Talker(await Decoder.create(speech.config, options), speech, parameters);
  }

  /** Answers in the order of the prompts. @throws the signal's reason */
  async say(prompts: readonly Prompt[], options: TalkOptions): Promise<Said[]> {
    const out = new Array<Said>(prompts.length);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < prompts.length) {
        const i = next++;
        out[i] = await this.one(prompts[i], options, `${options.seed}/${i}`);
      }
    };
    const all = await Promise.allSettled(Array.from({ length: TOGETHER }, work));
    for (const end of all) if (end.status === 'rejected') throw end.reason;
    return out;
  }

  async release(): Promise<void> {
    await this.decoder.release();
  }

  private async one(prompt: Prompt, options: TalkOptions, seed: string): Promise<Said> {
    const { config } = this.speech;
    const { segments, signal } = options;
    const lane = this.scheduler.open(signal);
    try {
      await lane.prefill(this.rows(prompt));
      const parts = await generate(lane, config, {
        segments,
        text: { ...config.generation.text, ...options.text },
        audio: { ...config.generation.audio, ...options.audio },
        random: new Random(seed),
      });
      return this.said(parts);
    } finally {
      await lane.close();
    }
  }

  private said(parts: readonly SegmentRows[]): Said {
    const { tokenizer, config } = this.speech;
    const words = parts.filter(({ modality }) => modality === 'text');
    const text = words.map(({ rows }) => tokenizer.decode(rows.map((row) => row[0] - config.text_token_offset)));
    const played = parts.find(({ modality }) => modality === 'audio');
    return { text: text.join(''), codes: played ? codesOf(played.rows, config) : null };
  }

  private rows({ messages, features }: Prompt): PromptRows {
    const { config } = this.speech;
    const grid = buildRows(messages, config, { mode: 'inference' });
    const width = config.hidden_size;
    const vectors = new Float32Array(grid.length * width);
    const isFeature = new Float32Array(grid.length);
    grid.continuous.forEach(({ start, length }, k) => {
      vectors.set(adapted(features[k], this.parameters, config), start * width);
      isFeature.fill(1, start, start + length);
    });
    return { count: grid.length, ids: grid.ids, features: vectors, isFeature };
  }
}

/** Features [n, adaptor_input_dim] as vectors of the language model [n, hidden]. */
function adapted(
  features: Float32Array,
  parameters: ReadonlyMap<string, Float32Array>,
  { hidden_size: hidden, adaptor_input_dim: width }: BagpiperConfig,
): Float32Array {
  const weight = parameters.get('adaptor.continuous_audio.weight')!;
  const bias = parameters.get('adaptor.continuous_audio.bias')!;
  const count = features.length / width;
  const out = new Float32Array(count * hidden);
  for (let t = 0; t < count; t++) {
    for (let j = 0; j < hidden; j++) {
      let sum = bias[j];
      for (let i = 0; i < width; i++) sum += weight[j * width + i] * features[t * width + i];
      out[t * hidden + j] = sum;
    }
  }
  return out;
}

/** Picked rows with the delay undone; null where they make no frame. */
function codesOf(rows: readonly Int32Array[], config: BagpiperConfig): Int32Array | null {
  const streams = config.num_stream;
  if (rows.length < streams) return null;
  const ids = new Int32Array(rows.length * streams);
  for (const [t, row] of rows.entries()) ids.set(row, t * streams);
  return delayDeinterleave(ids, config);
}
