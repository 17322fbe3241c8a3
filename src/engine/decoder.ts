/**
 * The language model at work: a decoder session with its key-value cache, kept in typed arrays outside the graph, and the
 * heads. Sequences are slots of one cache; slot 1 holds the unconditional branch of guidance.
 */
import { Graph } from '../graph/index.js';
import { audioHead, type BagpiperConfig, decoderStep, rotaryValues, textHead } from '../model/index.js';
import { HIDDEN } from '../nn/index.js';
import { Session, type SessionOptions, type Value } from '../runtime/index.js';

const SLOTS = 2;
/** rows by which the cache grows */
const PAGE = 256;

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
}

export class Decoder {
  private capacity = 0;
  private readonly lengths = new Int32Array(SLOTS);
  private keys: Float32Array[] = [];
  private values: Float32Array[] = [];

  private constructor(
    private readonly config: BagpiperConfig,
    private readonly step: Session,
    private readonly text: Session,
    private readonly audio: Session,
  ) {}

  static async create(config: BagpiperConfig, options: SessionOptions): Promise<Decoder> {
    const build = async (network: (graph: Graph, config: BagpiperConfig) => void): Promise<Session> => {
      const graph = new Graph();
      network(graph, config);
      return Session.create(graph, options);
    };
    return new Decoder(config, await build(decoderStep), await build(textHead), await build(audioHead));
  }

  /** Rows that a slot holds. */
  length(slot: number): number {
    return this.lengths[slot];
  }

  /** Forgets what a slot holds. */
  clear(slot: number): void {
    this.lengths[slot] = 0;
  }

  /** Feeds rows and returns the vectors after them, [slots, count, hidden]. */
  async feed(rows: Rows): Promise<Float32Array> {
    const { slot, slots, count } = rows;
    const { hidden_size: hidden, num_stream: streams } = this.config;
    this.reserve(this.lengths[slot] + count);
    const positions = Array.from(
      { length: slots * count },
      (_, i) => this.lengths[slot + Math.floor(i / count)] + (i % count),
    );
    const { cos, sin } = rotaryValues(positions, this.config);
    const rotaryDims = [slots, count, 1, this.config.head_dim / 2];
    const inputs: Record<string, Value> = {
      ids: { data: BigInt64Array.from(rows.ids, BigInt), dims: [slots, count, streams] },
      features: { data: rows.features ?? new Float32Array(slots * count * hidden), dims: [slots, count, hidden] },
      is_feature: { data: rows.isFeature ?? new Float32Array(slots * count), dims: [slots, count, 1] },
      cos: { data: cos, dims: rotaryDims },
      sin: { data: sin, dims: rotaryDims },
      mask: this.mask(slot, slots, count),
    };
    const { num_key_value_heads: kv, head_dim: dim, num_hidden_layers: layers } = this.config;
    const size = kv * dim * this.capacity;
    for (let i = 0; i < layers; i++) {
      const part = (cache: Float32Array) => cache.subarray(slot * size, (slot + slots) * size);
      inputs[`keys.${i}`] = { data: part(this.keys[i]), dims: [slots, kv, dim, this.capacity] };
      inputs[`values.${i}`] = { data: part(this.values[i]), dims: [slots, kv, this.capacity, dim] };
    }
    const out = await this.step.run(inputs);
    for (let i = 0; i < layers; i++) {
      this.append(
        i,
        slot,
        slots,
        count,
        out[`new_keys.${i}`].data as Float32Array,
        out[`new_values.${i}`].data as Float32Array,
      );
    }
    for (let s = slot; s < slot + slots; s++) this.lengths[s] += count;
    return out.hidden.data as Float32Array;
  }

  /** Logits of stream 0 over special and text ids for one vector [hidden]. */
  async textLogits(hidden: Float32Array): Promise<Float32Array> {
    const { logits } = await this.text.run({ hidden: { data: hidden, dims: [1, this.config.hidden_size] } });
    return logits.data as Float32Array;
  }

  /** For vectors [n, hidden]: own ids of each stream [num_stream, n, codec_layer_size], and eos and eot [n, 2]. */
  async audioLogits(hidden: Float32Array): Promise<{ codes: Float32Array; ends: Float32Array }> {
    const n = hidden.length / this.config.hidden_size;
    const { codes, ends } = await this.audio.run({ hidden: { data: hidden, dims: [n, this.config.hidden_size] } });
    return { codes: codes.data as Float32Array, ends: ends.data as Float32Array };
  }

  async release(): Promise<void> {
    for (const session of [this.step, this.text, this.audio]) await session.release();
  }

  private mask(slot: number, slots: number, count: number): Value {
    const group = this.config.num_attention_heads / this.config.num_key_value_heads;
    const width = this.capacity + count;
    const data = new Float32Array(slots * count * group * width).fill(HIDDEN);
    for (let s = 0; s < slots; s++) {
      for (let t = 0; t < count; t++) {
        for (let g = 0; g < group; g++) {
          const line = ((s * count + t) * group + g) * width;
          data.fill(0, line, line + this.lengths[slot + s]);
          data.fill(0, line + this.capacity, line + this.capacity + t + 1);
        }
      }
    }
    return { data, dims: [slots, 1, count * group, width] };
  }

  /** Puts new rows behind the old ones: keys are stored transposed, [slot, kv, dim, capacity]. */
  private append(
    layer: number,
    slot: number,
    slots: number,
    count: number,
    keys: Float32Array,
    values: Float32Array,
  ): void {
    const { num_key_value_heads: kv, head_dim: dim } = this.config;
    const { capacity } = this;
    for (let s = 0; s < slots; s++) {
      const at = this.lengths[slot + s];
      for (let h = 0; h < kv; h++) {
        const from = (s * kv + h) * dim * count;
        const to = ((slot + s) * kv + h) * dim * capacity;
        for (let d = 0; d < dim; d++) {
          for (let t = 0; t < count; t++) this.keys[layer][to + d * capacity + at + t] = keys[from + d * count + t];
        }
        this.values[layer].set(values.subarray(from, from + count * dim), to + at * dim);
      }
    }
  }

  /** Makes room for `rows` rows in every slot. */
  private reserve(rows: number): void {
    if (rows <= this.capacity) return;
    const { num_key_value_heads: kv, head_dim: dim, num_hidden_layers: layers } = this.config;
    const old = this.capacity;
    this.capacity = Math.ceil(rows / PAGE) * PAGE;
    const size = SLOTS * kv * dim * this.capacity;
    for (let i = 0; i < layers; i++) {
      const keys = new Float32Array(size);
      const values = new Float32Array(size);
      if (old > 0) {
        for (let r = 0; r < SLOTS * kv * dim; r++)
          keys.set(this.keys[i].subarray(r * old, (r + 1) * old), r * this.capacity);
        for (let r = 0; r < SLOTS * kv; r++) {
          values.set(this.values[i].subarray(r * old * dim, (r + 1) * old * dim), r * this.capacity * dim);
        }
      }
      this.keys[i] = keys;
      this.values[i] = values;
    }
  }
}
