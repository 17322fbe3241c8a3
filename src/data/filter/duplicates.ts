/**
 * Finds near-duplicates among any number of texts in bounded memory: signatures and band keys lie in files (320 bytes a text)
 * and are compared one part after another; memory holds one part of the keys and 4 bytes a text.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError, messageOf } from '../../errors.js';
import { tableMask } from './hashing.js';
import { BANDS, bandKeys, MinHash, PLACES, similarity } from './minhash.js';

export interface DuplicateLimits {
  /** words of an n-gram */
  words: number;
  /** similarity from which two captions are the same, 0 to 1 */
  similarity: number;
}

/** The recipe's folders are named after 13-grams and 0.8. */
export const DUPLICATE_LIMITS: DuplicateLimits = { words: 13, similarity: 0.8 };

/** Files that the keys are spread over. */
const PARTS = 128;
/** high and low half of a key, number of its text */
const ENTRY = 3;
const BUFFERED = ENTRY * 1024;
/** Texts with equal keys that later ones are compared with, at most. */
const LEADERS = 8;

export class DuplicateFinder {
  private readonly minHash: MinHash;
  private readonly keys = new Int32Array(2 * BANDS);
  private readonly parts: Spool[] = [];
  private readonly signatures: Spool;
  private count = 0;

  /**
   * @param folder for temporary files; made here and removed by {@link close}
   * @throws BagpiperError where it cannot be written
   */
  constructor(
    private readonly folder: string,
    private readonly limits: DuplicateLimits,
  ) {
    this.minHash = new MinHash(limits.words);
    rmSync(folder, { recursive: true, force: true });
    try {
      mkdirSync(folder, { recursive: true });
      this.signatures = new Spool(join(folder, 'signatures'), 512 * PLACES);
      for (let part = 0; part < PARTS; part++) this.parts.push(new Spool(join(folder, `keys-${part}`), 4 * BUFFERED));
    } catch (error) {
      throw new BagpiperError(`${folder} cannot be made: ${messageOf(error)}; choose another folder.`);
    }
  }

  /** How many texts were added. */
  get size(): number {
    return this.count;
  }

  /** Adds a text, whose number is how many there were before. @param words hashes of its words */
  add(words: Int32Array): void {
    const signature = this.minHash.signature(words);
    const short = this.signatures.take(PLACES);
    for (let i = 0; i < PLACES; i++) short[i] = signature[i] & 255;
    bandKeys(signature, this.keys);
    for (let band = 0; band < BANDS; band++) {
      const [high, low] = [this.keys[2 * band], this.keys[2 * band + 1]];
      this.parts[high >>> 25].put(high, low, this.count);
    }
    this.count++;
  }

  /**
   * Of each text the first one of its group, which is its own number where it is the first: texts of a group are linked by
   * near-duplicates, all of them need not be like the first. Called once, after the last text.
   */
  firsts(): Int32Array {
    const groups = new Int32Array(this.count);
    for (let i = 0; i < groups.length; i++) groups[i] = i;
    for (const part of this.parts) {
      this.compare(part.entries(), groups);
      part.remove();
    }
    for (let i = 0; i < groups.length; i++) groups[i] = groups[groups[i]];
    return groups;
  }

  /** Removes the temporary files. */
  close(): void {
    for (const spool of [this.signatures, ...this.parts]) spool.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Links the texts of one part. @param entries [n, ENTRY], texts in ascending order */
  private compare(entries: Int32Array, groups: Int32Array): void {
    const count = entries.length / ENTRY;
    const mask = tableMask(count);
    const slots = new Int32Array(mask + 1);
    const next = new Int32Array(count);
    const [mine, other] = [new Uint8Array(PLACES), new Uint8Array(PLACES)];
    for (let e = 0; e < count; e++) {
      const [high, low, text] = [entries[ENTRY * e], entries[ENTRY * e + 1], entries[ENTRY * e + 2]];
      let slot = low & mask;
      while (slots[slot] !== 0) {
        const first = ENTRY * (slots[slot] - 1);
        if (entries[first] === high && entries[first + 1] === low) break;
        slot = (slot + 1) & mask;
      }
      if (slots[slot] === 0) {
        slots[slot] = e + 1;
        continue;
      }
      let leader = slots[slot] - 1;
      let known = false;
      for (let n = 1; ; n++) {
        known = this.near(entries[ENTRY * leader + 2], text, groups, mine, other);
        if (known || next[leader] === 0 || n === LEADERS) break;
        leader = next[leader] - 1;
      }
      if (!known && next[leader] === 0) next[leader] = e + 1;
    }
  }

  /** Whether two texts are in one group; compares and joins them where that is not known yet. */
  private near(first: number, text: number, groups: Int32Array, a: Uint8Array, b: Uint8Array): boolean {
    const [rootA, rootB] = [rootOf(groups, first), rootOf(groups, text)];
    if (rootA === rootB) return true;
    this.signatures.read(a, first * PLACES);
    this.signatures.read(b, text * PLACES);
    if (similarity(a, b) < this.limits.similarity) return false;
    groups[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
    return true;
  }
}

/** The first text of a group; ways to it are halved as they are walked. */
function rootOf(groups: Int32Array, text: number): number {
  let at = text;
  while (groups[at] !== at) {
    groups[at] = groups[groups[at]];
    at = groups[at];
  }
  return at;
}

/** Bytes that are written one after another: in memory until there are many, then in a file. */
class Spool {
  private readonly buffer: Uint8Array;
  private readonly words: Int32Array;
  private descriptor: number | undefined;
  private used = 0;
  /** bytes in the file */
  private written = 0;

  constructor(
    private readonly path: string,
    size: number,
  ) {
    this.buffer = new Uint8Array(size);
    this.words = new Int32Array(this.buffer.buffer);
  }

  /** The place for the next bytes, to be filled at once. `size` divides the buffer's. */
  take(size: number): Uint8Array {
    if (this.used === this.buffer.length) this.flush();
    this.used += size;
    return this.buffer.subarray(this.used - size, this.used);
  }

  put(high: number, low: number, text: number): void {
    if (this.used === this.buffer.length) this.flush();
    const at = this.used >> 2;
    this.words[at] = high;
    this.words[at + 1] = low;
    this.words[at + 2] = text;
    this.used += 4 * ENTRY;
  }

  /** Bytes from a position on; they lie either in the file or in memory. */
  read(into: Uint8Array, position: number): void {
    const at = position - this.written;
    if (at >= 0) into.set(this.buffer.subarray(at, at + into.length));
    else readSync(this.descriptor!, into, 0, into.length, position);
  }

  /** All that was put. */
  entries(): Int32Array {
    const all = new Uint8Array(this.written + this.used);
    let done = 0;
    while (done < this.written) done += readSync(this.descriptor!, all, done, this.written - done, done);
    all.set(this.buffer.subarray(0, this.used), this.written);
    return new Int32Array(all.buffer);
  }

  remove(): void {
    this.used = 0;
    this.written = 0;
    if (this.descriptor === undefined) return;
    closeSync(this.descriptor);
    this.descriptor = undefined;
    rmSync(this.path, { force: true });
  }

  private flush(): void {
    let done = 0;
    try {
      this.descriptor ??= openSync(this.path, 'wx+');
      while (done < this.used) done += writeSync(this.descriptor, this.buffer, done, this.used - done);
    } catch (error) {
      throw new BagpiperError(`${this.path} cannot be written: ${messageOf(error)}; free some space.`);
    }
    this.written += this.used;
    this.used = 0;
  }
}
