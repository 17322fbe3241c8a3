/**
 * Byte-pair merging: the adjacent pair of lowest rank is joined, leftmost first, until no pair of the list is left
 * (Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016). A heap holds the candidates, so n
 * symbols take O(n log n) however long and repetitive they are.
 */

/** Pairs of ids with their rank and the id they become: a hash table on typed arrays, several times smaller than a Map. */
export class MergeTable {
  private readonly mask: number;
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly rank: Int32Array;
  private readonly merged: Int32Array;

  /** Room for `count` pairs. */
  constructor(count: number) {
    let size = 16;
    while (size < 2 * count) size *= 2;
    this.mask = size - 1;
    this.left = new Int32Array(size).fill(-1);
    this.right = new Int32Array(size);
    this.rank = new Int32Array(size);
    this.merged = new Int32Array(size);
  }

  /** Adds a pair, or replaces its rank. */
  add(left: number, right: number, rank: number, merged: number): void {
    const slot = this.slotOf(left, right);
    this.left[slot] = left;
    this.right[slot] = right;
    this.rank[slot] = rank;
    this.merged[slot] = merged;
  }

  /** The pair's rank, or -1. */
  rankOf(left: number, right: number): number {
    const slot = this.slotOf(left, right);
    return this.left[slot] < 0 ? -1 : this.rank[slot];
  }

  /** The id that a known pair becomes. */
  mergedOf(left: number, right: number): number {
    return this.merged[this.slotOf(left, right)];
  }

  private slotOf(left: number, right: number): number {
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & this.mask;
    while (this.left[slot] >= 0 && (this.left[slot] !== left || this.right[slot] !== right))
      slot = (slot + 1) & this.mask;
    return slot;
  }
}

/** Positions are packed into the low 32 bits of a heap key, ranks above them: one number compare orders both. */
const RANK = 2 ** 32;

/**
 * Merges symbols in place.
 *
 * @param ids symbol ids; overwritten.
 * @returns how many of `ids`, from the beginning, hold the result.
 */
export function mergePairs(ids: Int32Array, table: MergeTable): number {
  const n = ids.length;
  if (n < 2) return n;
  const next = new Int32Array(n);
  const previous = new Int32Array(n);
  const rankAt = new Int32Array(n).fill(-1);
  const heap = new MinHeap(n);
  const look = (at: number): void => {
    const right = next[at];
    rankAt[at] = right < n ? table.rankOf(ids[at], ids[right]) : -1;
    if (rankAt[at] >= 0) heap.push(rankAt[at] * RANK + at);
  };
  for (let i = 0; i < n; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  for (let i = 0; i < n - 1; i++) look(i);
  for (let key = heap.pop(); key >= 0; key = heap.pop()) {
    const at = key % RANK;
    if (rankAt[at] !== (key - at) / RANK) continue; // merged or changed since it was pushed
    const gone = next[at];
    ids[at] = table.mergedOf(ids[at], ids[gone]);
    rankAt[gone] = -1;
    next[at] = next[gone];
    if (next[at] < n) previous[next[at]] = at;
    look(at);
    if (previous[at] >= 0) look(previous[at]);
  }
  let count = 0;
  for (let i = 0; i < n; i = next[i]) ids[count++] = ids[i];
  return count;
}

/** Smallest number first; all numbers are at least 0. */
class MinHeap {
  private items: Float64Array;
  private size = 0;

  constructor(room: number) {
    this.items = new Float64Array(Math.max(16, room));
  }

  push(item: number): void {
    if (this.size === this.items.length) {
      const grown = new Float64Array(2 * this.size);
      grown.set(this.items);
      this.items = grown;
    }
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.items[parent] <= item) break;
      this.items[at] = this.items[parent];
      at = parent;
    }
    this.items[at] = item;
  }

  /** The smallest, or -1 where there is none. */
  pop(): number {
    if (this.size === 0) return -1;
    const top = this.items[0];
    const item = this.items[--this.size];
    let at = 0;
    for (let child = 1; child < this.size; child = 2 * at + 1) {
      if (child + 1 < this.size && this.items[child + 1] < this.items[child]) child++;
      if (this.items[child] >= item) break;
      this.items[at] = this.items[child];
      at = child;
    }
    this.items[at] = item;
    return top;
  }
}
