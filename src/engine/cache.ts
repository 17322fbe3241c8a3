/**
 * Keys and values of the rows that sequences hold, in typed arrays outside the graph: ONNX Runtime reads inputs in place
 * but copies outputs, so a step gives back only its new rows and they are written here. Sequences are slots of one
 * array; it grows in pages and its room is used again.
 */
import type { DecoderSizes } from '../nn/index.js';
import { HIDDEN } from '../nn/index.js';
import type { Value } from '../runtime/index.js';

/** rows by which the cache grows */
const PAGE = 128;
/** a cache that nobody uses is given up when it has more rows than this */
const KEPT_ROWS = 1024;

export class KeyValueCache {
  private rows = 0;
  private lengths: number[] = [];
  /** of each layer [slots, kvHeads, headDim, capacity]: transposed, as the scores need them */
  private keys: Float32Array[] = [];
  /** of each layer [slots, kvHeads, capacity, headDim] */
  private values: Float32Array[] = [];
  /** [slots, capacity + 1]: which columns a single new row sees, itself last */
  private sight = new Float32Array(0);

  constructor(private readonly sizes: DecoderSizes) {}

  /** Rows that every slot has room for. */
  get capacity(): number {
    return this.rows;
  }

  /** Rows that a slot holds. */
  length(slot: number): number {
    return this.lengths[slot] ?? 0;
  }

  /** Forgets what a slot holds. */
  clear(slot: number): void {
    if (slot < this.lengths.length) this.setLength(slot, 0);
  }

  /** Makes room for so many slots and for so many rows in each of them. */
  reserve(slots: number, rows: number): void {
    const old = { slots: this.lengths.length, rows: this.rows };
    if (slots <= old.slots && rows <= old.rows) return;
    const { kvHeads: kv, headDim: dim, layers } = this.sizes;
    const now = Math.max(slots, old.slots);
    this.rows = Math.max(old.rows, Math.ceil(rows / PAGE) * PAGE);
    const size = now * kv * dim * this.rows;
    for (let i = 0; i < layers; i++) {
      const [keys, values] = [new Float32Array(size), new Float32Array(size)];
      for (let line = 0; old.rows > 0 && line < old.slots * kv * dim; line++) {
        keys.set(this.keys[i].subarray(line * old.rows, (line + 1) * old.rows), line * this.rows);
      }
      for (let head = 0; head < old.slots * kv; head++) {
        const from = head * old.rows * dim;
        values.set(this.values[i].subarray(from, from + old.rows * dim), head * this.rows * dim);
      }
      this.keys[i] = keys;
      this.values[i] = values;
    }
    const { lengths } = this;
    this.lengths = new Array<number>(now).fill(0);
    this.sight = new Float32Array(now * (this.rows + 1)).fill(HIDDEN);
    for (let slot = 0; slot < now; slot++) {
      this.sight[slot * (this.rows + 1) + this.rows] = 0;
      this.setLength(slot, lengths[slot] ?? 0);
    }
  }

  /** Puts `count` new rows behind those of a slot. `fresh` is the graph's [n, 2 layers kv, headDim], `at` the first of its rows. */
  append(slot: number, count: number, fresh: Float32Array, at: number): void {
    const { kvHeads: kv, headDim: dim, layers } = this.sizes;
    const { rows } = this;
    const old = this.lengths[slot];
    const width = 2 * layers * kv * dim;
    for (let i = 0; i < layers; i++) {
      const [keys, values] = [this.keys[i], this.values[i]];
      for (let h = 0; h < kv; h++) {
        const head = (slot * kv + h) * dim * rows;
        for (let t = 0; t < count; t++) {
          const from = (at + t) * width + (2 * i * kv + h) * dim;
          for (let d = 0; d < dim; d++) keys[head + d * rows + old + t] = fresh[from + d];
          values.set(fresh.subarray(from + kv * dim, from + (kv + 1) * dim), head + (old + t) * dim);
        }
      }
    }
    this.setLength(slot, old + count);
  }

  /** Makes a slot hold the first `count` rows of a slot of this or another cache; room must have been reserved. */
  copy(from: KeyValueCache, fromSlot: number, slot: number, count: number): void {
    const { kvHeads: kv, headDim: dim, layers } = this.sizes;
    for (let i = 0; i < layers; i++) {
      for (let line = 0; line < kv * dim; line++) {
        const start = (fromSlot * kv * dim + line) * from.rows;
        this.keys[i].set(from.keys[i].subarray(start, start + count), (slot * kv * dim + line) * this.rows);
      }
      for (let h = 0; h < kv; h++) {
        const start = (fromSlot * kv + h) * from.rows * dim;
        this.values[i].set(from.values[i].subarray(start, start + count * dim), (slot * kv + h) * this.rows * dim);
      }
    }
    this.setLength(slot, count);
  }

  /** What the graph reads of neighbouring slots. */
  inputs(slot: number, slots: number): Record<string, Value> {
    const { kvHeads: kv, headDim: dim, layers } = this.sizes;
    const { rows } = this;
    const [from, to] = [slot * kv * dim * rows, (slot + slots) * kv * dim * rows];
    const inputs: Record<string, Value> = {};
    for (let i = 0; i < layers; i++) {
      inputs[`keys.${i}`] = { data: this.keys[i].subarray(from, to), dims: [slots, kv, dim, rows] };
      inputs[`values.${i}`] = { data: this.values[i].subarray(from, to), dims: [slots, kv, rows, dim] };
    }
    return inputs;
  }

  /** The additive mask of `count` new rows in each of some neighbouring slots. */
  mask(slot: number, slots: number, count: number): Value {
    const width = this.rows + count;
    if (count === 1) {
      return { data: this.sight.subarray(slot * width, (slot + slots) * width), dims: [slots, 1, 1, width] };
    }
    const group = this.sizes.heads / this.sizes.kvHeads;
    const data = new Float32Array(slots * count * group * width).fill(HIDDEN);
    for (let line = 0; line < slots * count * group; line++) {
      const row = Math.floor(line / group) % count;
      const at = line * width;
      data.fill(0, at, at + this.lengths[slot + Math.floor(line / (group * count))]);
      data.fill(0, at + this.rows, at + this.rows + row + 1);
    }
    return { data, dims: [slots, 1, count * group, width] };
  }

  /** Gives memory back where no slot holds anything and long sequences have left much of it. */
  trim(): void {
    if (this.rows <= KEPT_ROWS || this.lengths.some((length) => length > 0)) return;
    this.rows = 0;
    this.lengths = [];
    this.keys = [];
    this.values = [];
    this.sight = new Float32Array(0);
  }

  private setLength(slot: number, length: number): void {
    const old = this.lengths[slot];
    const at = slot * (this.rows + 1);
    if (length > old) this.sight.fill(0, at + old, at + length);
    else this.sight.fill(HIDDEN, at + length, at + old);
    this.lengths[slot] = length;
  }
}
