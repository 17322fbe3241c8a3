/**
 * The language model at work: embeddings, the decoding graph with its key-value cache, and the heads. Sequences are
 * neighbouring slots of one cache and step together. One call at a time: scheduler.ts sees to that.
 *
 * A row's numbers do not depend, to the last bit, on what else is in the batch. ONNX Runtime computes a product of one
 * row in another way than one of two and more (other rounding), and any number from two up alike; and it may cut a small
 * product among threads where there are more threads than products. So no product here ever has a single row, and there
 * are at most as many threads as key heads. The kernel for matrices in blocks of few bits computes rows in pairs, an odd
 * last one in another way: there the number of rows is always even. Only where the model is large and its matrices in
 * blocks, a row that is alone stays so: the idle row would cost a tenth of the step.
 */
import { availableParallelism } from 'node:os';
import { Graph } from '../graph/index.js';
import {
  audioHead,
  type BagpiperConfig,
  decoderSizes,
  languageModelTensors,
  rotaryValues,
  textHead,
} from '../model/index.js';
import { Session, type SessionOptions, type Value } from '../runtime/index.js';
import { KeyValueCache } from './cache.js';
import { CacheTools, DeviceCache } from './device-cache.js';
import { type Embeddings, embeddingsOf } from './embeddings.js';
import type { Place, RowCache } from './row-cache.js';
import { numbers, stepGraph, stepShapes } from './step-graph.js';

/** Rows read at once while taking in a prompt: more are no faster a row, and keep others waiting longer. */
export const CHUNK = 64;

/** From this width on, a lone row of a model in blocks is fed alone. */
const ALONE_FROM = 1024;

/** Rows to feed to some neighbouring slots: all of them get the same number of rows. */
export interface Rows {
  /** first slot and how many slots */
  slot: number;
  slots: number;
  count: number;
  /** ids [slots, count, num_stream] */
  ids: Int32Array;
  /** adapted features [slots, count, hidden] in the place of rows where `isFeature` [slots, count] is 1 */
  features?: Float32Array;
  isFeature?: Float32Array;
  /** slots [slots] that only fill a gap: they keep what they hold */
  idle?: readonly boolean[];
}

/** Scores of one vector: each stream's own ids [num_stream, codec_layer_size], and eos and eot of stream 0. */
export interface AudioScores {
  codes: Float32Array;
  ends: Float32Array;
}

export class Decoder {
  private readonly cache: RowCache;
  /** all-zero rows, which the unconditional branch of every guided request starts with: computed once */
  private readonly zeros: RowCache;
  private rotary = { cos: new Float32Array(0), sin: new Float32Array(0) };
  private readonly shapes = new Map<string, Record<string, Value>>();
  /** whether rows must come in pairs, and whether a lone row may stay alone */
  private readonly pairs: boolean;
  private readonly alone: boolean;

  private constructor(
    readonly config: BagpiperConfig,
    private readonly embeddings: Embeddings,
    private readonly step: Session,
    private readonly text: Session,
    private readonly audio: Session,
    blocks: boolean,
    /** whether the graphs run here: what a row's company changes is the CPU's */
    private readonly here: boolean,
    /** where the cache stays on the device */
    private readonly tools: CacheTools | undefined,
  ) {
    this.pairs = blocks;
    this.alone = blocks && config.hidden_size >= ALONE_FROM;
    const sizes = decoderSizes(config);
    const cache = (): RowCache => (tools ? new DeviceCache(sizes, tools) : new KeyValueCache(sizes));
    this.cache = cache();
    this.zeros = cache();
  }

  /**
   * @param given `parameters` must give the numbers of every tensor; `threads` is an upper bound
   * @param inPlace whether the cache stays on the device. ONNX Runtime hands JavaScript the tensors of WebGPU alone, so
   * CUDA gets the cache anew in every step
   */
  static async create(
    config: BagpiperConfig,
    given: SessionOptions,
    inPlace = given.device === 'webgpu',
  ): Promise<Decoder> {
    const { parameters } = given;
    if (!parameters) throw new Error('the decoder needs parameters');
    const most = Math.min(config.num_key_value_heads, config.num_stream);
    const options = { ...given, threads: Math.min(given.threads ?? availableParallelism(), most) };
    const head = async (network: (graph: Graph, config: BagpiperConfig) => void): Promise<Session> => {
      const graph = new Graph(options);
      network(graph, config);
      return Session.create(graph, options);
    };
    const table = 'model.embed_tokens.weight';
    const embeddings = embeddingsOf(given.blocks?.(table) ?? numbers(parameters, table), config.hidden_size);
    const step = await Session.create(stepGraph(config, parameters, { ...options, inPlace }), options);
    const blocks = [...languageModelTensors(config).keys()].some((name) => given.blocks?.(name));
    const here = (given.device ?? 'cpu') === 'cpu';
    const tools = inPlace ? await CacheTools.create(options) : undefined;
    return new Decoder(config, embeddings, step, await head(textHead), await head(audioHead), blocks, here, tools);
  }

  /** Rows that a slot holds. */
  length(slot: number): number {
    return this.cache.length(slot);
  }

  /** Forgets what a slot holds. */
  clear(slot: number): void {
    this.cache.clear(slot);
  }

  /** Forgets all but the first `count` rows of a slot. */
  cut(slot: number, count: number): void {
    this.cache.cut(slot, count);
  }

  /** Gives one slot's rows to another and forgets them in the first. */
  move(from: number, to: number): void {
    this.cache.copy(this.cache, from, to, this.cache.length(from));
    this.cache.clear(from);
  }

  /** To be called when no slot holds anything: gives back what long sequences have taken. */
  trim(): void {
    this.cache.trim();
  }

  /** Feeds rows and returns the vectors after them, [slots, count, hidden]. */
  feed(rows: Rows): Promise<Float32Array> {
    return this.run(this.cache, rows);
  }

  /** Computes a chunk more of the all-zero rows; true when there are at least `count`. */
  async growZeros(count: number): Promise<boolean> {
    if (this.zeros.length(0) < count) {
      await this.run(this.zeros, {
        slot: 0,
        slots: 1,
        count: CHUNK,
        ids: new Int32Array(CHUNK * this.config.num_stream),
      });
    }
    return this.zeros.length(0) >= count;
  }

  /** Makes a slot hold `count` all-zero rows; {@link growZeros} comes first. */
  takeZeros(slot: number, count: number): void {
    this.cache.reserve(slot + 1, count + 1);
    this.cache.copy(this.zeros, 0, slot, count);
  }

  /** Logits of stream 0 over special and text ids for vectors [n, hidden]: n arrays. */
  async textLogits(hidden: Float32Array): Promise<Float32Array[]> {
    const { logits } = await this.text.run({ hidden: this.vectors(hidden) });
    const size = this.config.text_token_end;
    const data = logits.data as Float32Array;
    return this.each(hidden, (i) => data.subarray(i * size, (i + 1) * size));
  }

  /** Scores of vectors [n, hidden], one entry each. */
  async audioLogits(hidden: Float32Array): Promise<AudioScores[]> {
    const { num_stream: streams, codec_layer_size: layer } = this.config;
    const out = await this.audio.run({ hidden: this.vectors(hidden) });
    const [all, ends] = [out.codes.data as Float32Array, out.ends.data as Float32Array];
    const n = ends.length / 2;
    return this.each(hidden, (i) => {
      const codes = new Float32Array(streams * layer);
      for (let s = 0; s < streams; s++) {
        codes.set(all.subarray((s * n + i) * layer, (s * n + i + 1) * layer), s * layer);
      }
      return { codes, ends: ends.subarray(2 * i, 2 * i + 2) };
    });
  }

  async release(): Promise<void> {
    for (const part of [this.cache, this.zeros, this.tools, this.step, this.text, this.audio]) await part?.release();
    this.embeddings.close();
  }

  private each<T>(hidden: Float32Array, make: (index: number) => T): T[] {
    return Array.from({ length: hidden.length / this.config.hidden_size }, (_, i) => make(i));
  }

  /** Vectors for a head: never a single one, or always an even number. */
  private vectors(hidden: Float32Array): Value {
    const width = this.config.hidden_size;
    const count = hidden.length / width;
    if (this.suits(count)) return { data: hidden, dims: [count, width] };
    const data = new Float32Array((count + 1) * width);
    data.set(hidden);
    return { data, dims: [count + 1, width] };
  }

  /** Whether so many rows are computed as they would be in any company. */
  private suits(rows: number): boolean {
    if (!this.here) return true;
    if (rows === 1) return this.alone;
    return !this.pairs || rows % 2 === 0;
  }

  /** What the graph runs: a lone row, or an odd one, takes an idle one with it. */
  private sizes({ slots, count }: Rows): { batch: number; count: number } {
    // Several rows of one sequence are fed in the same portions in any company, so their number does not matter.
    if (count > 1 || this.suits(slots)) return { batch: slots, count };
    if (slots > 1) return { batch: slots + 1, count };
    // Behind it in the same sequence is cheaper than in another one, which has keys and values of its own. But where a key
    // head serves one query head, attention would then have two rows at a time instead of one.
    return this.config.num_attention_heads > this.config.num_key_value_heads
      ? { batch: 1, count: 2 }
      : { batch: 2, count: 1 };
  }

  private async run(cache: RowCache, rows: Rows): Promise<Float32Array> {
    const { slot, slots } = rows;
    const width = this.config.hidden_size;
    const { batch, count } = this.sizes(rows);
    let longest = 0;
    for (let s = slot; s < slot + batch; s++) longest = Math.max(longest, cache.length(s));
    cache.reserve(slot + batch, longest + count);
    await cache.ready();
    const place = { slot, slots: batch, count };
    const inputs = {
      x: { data: this.embed(rows, batch * count), dims: [batch * count, width] },
      mask: cache.mask(place),
      ...this.rotation(cache, place),
      ...this.shapesOf(batch, count, cache.capacity),
    };
    const out = await cache.step(this.step, inputs, place);
    for (let s = 0; s < slots; s++) if (!rows.idle?.[s]) cache.append(slot + s, rows.count, out, s * count);
    return (out.hidden.data as Float32Array).subarray(0, slots * rows.count * width);
  }

  /** Rows of ids to the sums of their embeddings, or to the features in their place; rows beyond are 0. */
  private embed({ slots, count, ids, features, isFeature }: Rows, total: number): Float32Array {
    const { hidden_size: width, num_stream: streams } = this.config;
    const { embeddings } = this;
    const x = new Float32Array(total * width);
    for (let i = 0; i < slots * count; i++) {
      const at = i * width;
      if (features && isFeature?.[i]) {
        x.set(features.subarray(at, at + width), at);
        continue;
      }
      for (let s = 0; s < streams; s++) {
        const id = ids[i * streams + s];
        // Id 0 says "nothing" on every stream but the first.
        if (s > 0 && id === 0) continue;
        embeddings.add(id, x, at);
      }
    }
    return x;
  }

  /** Positions of new rows and the rotary table. A device is sent only what it needs of the table, one line a row. */
  private rotation(cache: RowCache, { slot, slots, count }: Place): Record<string, Value> {
    const half = this.config.head_dim / 2;
    const n = slots * count;
    const positions = Array.from({ length: n }, (_, i) => cache.length(slot + Math.floor(i / count)) + (i % count));
    const table = this.angles(cache.capacity + count);
    const whole = (numbers: Iterable<number>) => ({ data: BigInt64Array.from(numbers, BigInt), dims: [n, 1] });
    if (this.here) {
      const dims = [table.cos.length / half, half];
      return { positions: whole(positions), cos: { data: table.cos, dims }, sin: { data: table.sin, dims } };
    }
    const lines = (from: Float32Array): Value => {
      const data = new Float32Array(n * half);
      for (const [i, p] of positions.entries()) data.set(from.subarray(p * half, (p + 1) * half), i * half);
      return { data, dims: [n, half] };
    };
    return { positions: whole(positions.keys()), cos: lines(table.cos), sin: lines(table.sin) };
  }

  /** The rotary table for at least so many positions. */
  private angles(rows: number): { cos: Float32Array; sin: Float32Array } {
    const half = this.config.head_dim / 2;
    if (this.rotary.cos.length < rows * half) {
      this.rotary = rotaryValues(
        Array.from({ length: 2 * rows }, (_, p) => p),
        this.config,
      );
    }
    return this.rotary;
  }

  private shapesOf(batch: number, count: number, capacity: number): Record<string, Value> {
    const key = `${batch}/${count}/${capacity}`;
    let shapes = this.shapes.get(key);
    if (!shapes) {
      if (this.shapes.size > 64) this.shapes.clear();
      shapes = stepShapes(this.config, batch, count, capacity);
      this.shapes.set(key, shapes);
    }
    return shapes;
  }
}
