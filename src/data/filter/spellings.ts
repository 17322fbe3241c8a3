/** Numbers the different words of a text, exactly: equal hashes are compared character by character. */
import { characterTables, SURROGATE, WORD } from './characters.js';
import { isFunctionWord } from './function-words.js';
import { FNV, mix, tableMask } from './hashing.js';
import { PLAIN, type Tokens } from './tokens.js';

/** The different words of the text that was numbered last. A spelling is a word in its cases, with its punctuation. */
export class Spellings {
  /** spelling of each word; [words] */
  ids = new Int32Array(1024);
  /** the number of the same in lower case; [spellings] */
  lowers = new Int32Array(1024);
  /** hash of the same in lower case without punctuation, 0 where nothing is left; [spellings] */
  bares = new Int32Array(1024);
  /** whether that is an English function word; [spellings] */
  functional = new Uint8Array(1024);
  private firsts = new Int32Array(1024);
  private slots = new Int32Array(2048);
  private lowSlots = new Int32Array(2048);
  private lowHashes = new Int32Array(1024);
  private lowFirsts = new Int32Array(1024);
  private lowCount = 0;
  private readonly kinds = characterTables().kinds;
  private readonly lower = characterTables().lower;

  /** @returns how many words are different in lower case */
  number(tokens: Tokens): number {
    const { hashes, count } = tokens;
    this.room(count);
    const { ids, firsts } = this;
    const mask = tableMask(count);
    this.slots.fill(0, 0, mask + 1);
    this.lowSlots.fill(0, 0, mask + 1);
    let spellings = 0;
    this.lowCount = 0;
    for (let w = 0; w < count; w++) {
      const slot = this.slotOf(tokens, w, mix(hashes[w]), mask);
      if (this.slots[slot] === 0) {
        this.slots[slot] = ++spellings;
        firsts[spellings - 1] = w;
        this.describe(spellings - 1, tokens, w, mask);
      }
      ids[w] = this.slots[slot] - 1;
    }
    return this.lowCount;
  }

  /** Where the spelling of a word is, or has its place. */
  private slotOf({ units, starts, ends }: Tokens, w: number, hash: number, mask: number): number {
    const { slots, firsts } = this;
    const length = ends[w] - starts[w];
    let slot = hash & mask;
    while (slots[slot] !== 0) {
      const first = firsts[slots[slot] - 1];
      if (ends[first] - starts[first] === length && equal(units, starts[first], starts[w], length)) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** What is asked of a spelling that was not met before. */
  private describe(id: number, tokens: Tokens, w: number, mask: number): void {
    let hash = tokens.hashes[w];
    let bare = hash;
    if (tokens.flags[w] !== PLAIN) {
      const { kinds, lower } = this;
      hash = FNV;
      bare = FNV;
      for (let i = tokens.starts[w]; i < tokens.ends[w]; i++) {
        const unit = tokens.units[i];
        const c = lower[unit];
        hash = Math.imul(hash ^ c, 0x01000193);
        if ((kinds[unit] & (WORD | SURROGATE)) !== 0) bare = Math.imul(bare ^ (c === 0x2019 ? 0x27 : c), 0x01000193);
      }
    }
    this.bares[id] = bare === FNV ? 0 : bare || 1;
    this.functional[id] = isFunctionWord(bare) ? 1 : 0;
    this.lowers[id] = this.lowerOf(id, tokens, hash, mask);
  }

  private lowerOf(id: number, tokens: Tokens, hash: number, mask: number): number {
    const { lowSlots, lowHashes, lowFirsts } = this;
    let slot = mix(hash) & mask;
    while (lowSlots[slot] !== 0) {
      const known = lowSlots[slot] - 1;
      if (lowHashes[known] === hash && this.sameLower(tokens, lowFirsts[known], this.firsts[id])) return known;
      slot = (slot + 1) & mask;
    }
    const number = this.lowCount++;
    lowSlots[slot] = number + 1;
    lowHashes[number] = hash;
    lowFirsts[number] = this.firsts[id];
    return number;
  }

  private sameLower({ units, starts, ends }: Tokens, a: number, b: number): boolean {
    const { lower } = this;
    const length = ends[a] - starts[a];
    if (ends[b] - starts[b] !== length) return false;
    for (let i = 0; i < length; i++) {
      if (lower[units[starts[a] + i]] !== lower[units[starts[b] + i]]) return false;
    }
    return true;
  }

  private room(words: number): void {
    if (words <= this.ids.length) return;
    const size = 2 ** Math.ceil(Math.log2(words));
    this.ids = new Int32Array(size);
    this.lowers = new Int32Array(size);
    this.bares = new Int32Array(size);
    this.functional = new Uint8Array(size);
    this.firsts = new Int32Array(size);
    this.slots = new Int32Array(2 * size);
    this.lowSlots = new Int32Array(2 * size);
    this.lowHashes = new Int32Array(size);
    this.lowFirsts = new Int32Array(size);
  }
}

function equal(units: Uint16Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (units[a + i] !== units[b + i]) return false;
  return true;
}
