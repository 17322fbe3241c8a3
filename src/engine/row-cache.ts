/** What every cache knows of its sequences: how many rows each slot holds, and which columns a new row sees. */
import { type DecoderSizes, HIDDEN } from '../nn/index.js';
import type { Session, Value } from '../runtime/index.js';

/** rows by which a cache grows */
const PAGE = 128;
/** a cache that nobody uses is given up when it has more rows than this */
const KEPT_ROWS = 1024;

/** Room of a cache. */
export interface Room {
  slots: number;
  rows: number;
}

/** Where a graph's new rows go: `count` behind what each of some neighbouring slots holds. */
export interface Place {
  slot: number;
  slots: number;
  count: number;
}

export type Inputs = Record<string, Value>;

/** Sequences are slots of one array; it grows in pages and its room is used again. */
export abstract class RowCache {
  protected rows = 0;
  protected lengths: number[] = [];
  /** [slots, capacity + 1]: which columns a single new row sees, itself last */
  private sight = new Float32Array(0);

  constructor(protected readonly sizes: DecoderSizes) {}

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

  /** Forgets all but the first `count` rows of a slot. */
  cut(slot: number, count: number): void {
    this.setLength(slot, count);
  }

  /** Makes room for so many slots and for so many rows in each of them. */
  reserve(slots: number, rows: number): void {
    const old: Room = { slots: this.lengths.length, rows: this.rows };
    if (slots <= old.slots && rows <= old.rows) return;
    const now: Room = { slots: Math.max(slots, old.slots), rows: Math.max(old.rows, Math.ceil(rows / PAGE) * PAGE) };
    this.grow(old, now);
    this.rows = now.rows;
    const { lengths } = this;
    this.lengths = new Array<number>(now.slots).fill(0);
    this.sight = new Float32Array(now.slots * (this.rows + 1)).fill(HIDDEN);
    for (let slot = 0; slot < now.slots; slot++) {
      this.sight[slot * (this.rows + 1) + this.rows] = 0;
      this.setLength(slot, lengths[slot] ?? 0);
    }
  }

  /** Waits until everything asked for is done; comes before the sizes are looked at for a {@link step}. */
  async ready(): Promise<void> {}

  /** Runs the decoding graph over what the slots hold; keys and values are added to its inputs. */
  abstract step(session: Session, inputs: Inputs, place: Place): Promise<Inputs>;

  /** Puts `count` new rows behind those of a slot. `out` is what {@link step} gave, `at` the first of its rows. */
  abstract append(slot: number, count: number, out: Inputs, at: number): void;

  /** Makes a slot hold the first `count` rows of a slot of this or another cache; room must have been reserved. */
  copy(from: this, fromSlot: number, slot: number, count: number): void {
    this.copyRows(from, fromSlot, slot, count);
    this.setLength(slot, count);
  }

  /** Gives memory back where no slot holds anything and long sequences have left much of it. */
  trim(): void {
    if (this.rows <= KEPT_ROWS || this.lengths.some((length) => length > 0)) return;
    this.rows = 0;
    this.lengths = [];
    this.sight = new Float32Array(0);
    this.drop();
  }

  /** Gives everything back; the cache must not be used afterwards. */
  async release(): Promise<void> {
    this.drop();
  }

  /** The additive mask of new rows. */
  mask({ slot, slots, count }: Place): Value {
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

  /** Makes room for keys and values; what was there stays. */
  protected abstract grow(old: Room, now: Room): void;

  protected abstract copyRows(from: this, fromSlot: number, slot: number, count: number): void;

  /** Gives keys and values up. */
  protected abstract drop(): void;

  protected setLength(slot: number, length: number): void {
    const old = this.lengths[slot];
    const at = slot * (this.rows + 1);
    if (length > old) this.sight.fill(0, at + old, at + length);
    else this.sight.fill(HIDDEN, at + length, at + old);
    this.lengths[slot] = length;
  }
}
