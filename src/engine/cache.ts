/**
 * Keys and values of the rows that sequences hold, in typed arrays outside the graph: ONNX Runtime reads inputs in place
 * but copies outputs, so a step gives back only its new rows and they are written here.
 */
import type { Session, Value } from '../runtime/index.js';
import { type Inputs, type Place, type Room, RowCache } from './row-cache.js';

export class KeyValueCache extends RowCache {
  /** of each layer [slots, kvHeads, headDim, capacity]: transposed, as the scores need them */
  private keys: Float32Array[] = [];
  /** of each layer [slots, kvHeads, capacity, headDim] */
  private values: Float32Array[] = [];

  step(session: Session, inputs: Inputs, { slot, slots }: Place): Promise<Inputs> {
    return session.run({ ...inputs, ...this.inputs(slot, slots) });
  }

  /** `out.fresh` is the graph's [n, 2 layers kv, headDim]. */
  append(slot: number, count: number, out: Inputs, at: number): void {
    const fresh = out.fresh.data as Float32Array;
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

  protected grow(old: Room, now: Room): void {
    const { kvHeads: kv, headDim: dim, layers } = this.sizes;
    const size = now.slots * kv * dim * now.rows;
    for (let i = 0; i < layers; i++) {
      const [keys, values] = [new Float32Array(size), new Float32Array(size)];
      for (let line = 0; old.rows > 0 && line < old.slots * kv * dim; line++) {
        keys.set(this.keys[i].subarray(line * old.rows, (line + 1) * old.rows), line * now.rows);
      }
      for (let head = 0; head < old.slots * kv; head++) {
        const from = head * old.rows * dim;
        values.set(this.values[i].subarray(from, from + old.rows * dim), head * now.rows * dim);
      }
      this.keys[i] = keys;
      this.values[i] = values;
    }
  }

  protected copyRows(from: this, fromSlot: number, slot: number, count: number): void {
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
  }

  protected drop(): void {
    this.keys = [];
    this.values = [];
  }

  /** What the graph reads of neighbouring slots. */
  private inputs(slot: number, slots: number): Record<string, Value> {
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
}
