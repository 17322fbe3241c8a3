/** What is known of many ids, in typed arrays: about 16 bytes an id and 4 a number. */
import { hash64, tableMask } from './hashing.js';

/** Numbers ids in the order in which they come. Ids are known by 64 bits of hash: among 10 million, two are confused once in 400,000 times. */
export class IdTable {
  private highs = new Int32Array(1024);
  private lows = new Int32Array(1024);
  private slots = new Int32Array(tableMask(1024) + 1);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** The id's number, or -1. */
  find(id: string): number {
    const { high, low } = hash64(id);
    return this.slots[this.slotOf(high, low)] - 1;
  }

  /** The id's number; a new id gets the next one, `size` before the call. */
  add(id: string): number {
    const { high, low } = hash64(id);
    if (this.count === this.highs.length) this.grow();
    const slot = this.slotOf(high, low);
    if (this.slots[slot] !== 0) return this.slots[slot] - 1;
    this.highs[this.count] = high;
    this.lows[this.count] = low;
    this.slots[slot] = ++this.count;
    return this.count - 1;
  }

  private slotOf(high: number, low: number): number {
    const { slots, highs, lows } = this;
    const mask = slots.length - 1;
    let slot = low & mask;
    while (slots[slot] !== 0) {
      const known = slots[slot] - 1;
      if (lows[known] === low && highs[known] === high) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const size = 2 * this.count;
    this.highs = grown(this.highs, size);
    this.lows = grown(this.lows, size);
    this.slots = new Int32Array(tableMask(size) + 1);
    for (let i = 0; i < this.count; i++) this.slots[this.slotOf(this.highs[i], this.lows[i])] = i + 1;
  }
}

type Numbers = Uint8Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** A longer copy of an array, zeros at its end. */
export function grown<T extends Numbers>(array: T, size: number): T {
  const longer = new (array.constructor as new (size: number) => T)(size);
  longer.set(array);
  return longer;
}

/** A list of numbers that grows. */
export class Column<T extends Numbers> {
  private length = 0;

  constructor(private values: T) {}

  get size(): number {
    return this.length;
  }

  push(value: number): void {
    this.set(this.length, value);
  }

  set(index: number, value: number): void {
    if (index >= this.values.length)
      this.values = grown(this.values, Math.max(2 * this.values.length, index + 1, 1024));
    this.values[index] = value;
    if (index >= this.length) this.length = index + 1;
  }

  get(index: number): number {
    return this.values[index];
  }

  /** The numbers without a copy; valid until the next one is added. */
  view(): T {
    return this.values.subarray(0, this.length) as T;
  }
}
