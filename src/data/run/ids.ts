/** The ids of a stage's file, in little memory: millions of them with where their lines lie and how they ended. */
import { BagpiperError } from '../../errors.js';

/** How a record stands: no line yet, or what its last line says. */
export type State = 'none' | 'result' | 'aside' | 'error';

export interface Outcome {
  state: State;
  /** the reason's kind; '' for results */
  kind: string;
}

const NONE = 0;
const RESULT = 1;
/** Kinds of reasons that are told apart; what comes later is called "other". */
const MOST_KINDS = 10_000;
const VALID_ID = /^[A-Za-z0-9._-]{1,200}$/;

/** @throws BagpiperError for an id that is not made of letters, digits and `._-`, or is longer than 200 */
export function checkId(id: unknown): asserts id is string {
  if (typeof id === 'string' && VALID_ID.test(id)) return;
  throw new BagpiperError(
    `The id ${JSON.stringify(id)?.slice(0, 220)} cannot be used: ids are 1 to 200 letters, digits, dots, dashes and underscores.`,
  );
}

/**
 * An open hash table over 64-bit hashes of ids, 22 bytes an id and at most 14 more for the table. Ids themselves are not
 * kept: that two of 10 million ids fall together has a chance of 3 in a million.
 */
export class IdIndex {
  /** ids known */
  size = 0;
  /** what outcomes there are; entries hold numbers of this list */
  private readonly outcomes: Outcome[] = [
    { state: 'none', kind: '' },
    { state: 'result', kind: '' },
  ];
  private readonly numbers = new Map<string, number>();
  /** how many entries have each outcome */
  private readonly tally: number[] = [0, 0];
  private low = new Uint32Array(1024);
  private high = new Uint32Array(1024);
  private outcome = new Uint16Array(1024);
  /** twice the offset of the line, plus 1 when marked */
  private place = new Float64Array(1024);
  /** entry + 1; 0 is free */
  private table = new Uint32Array(2048);
  private readonly hash = new Uint32Array(2);

  /** The entry of an id, -1 when it is not known. */
  find(id: string): number {
    hashId(id, this.hash);
    return this.table[this.slot(this.hash[0], this.hash[1])] - 1;
  }

  /** The entry of an id, a new one when it was not known. */
  add(id: string): number {
    hashId(id, this.hash);
    const slot = this.slot(this.hash[0], this.hash[1]);
    if (this.table[slot] !== 0) return this.table[slot] - 1;
    const entry = this.size++;
    if (entry === this.low.length) this.widen();
    this.low[entry] = this.hash[0];
    this.high[entry] = this.hash[1];
    this.tally[NONE]++;
    this.table[slot] = entry + 1;
    if (this.size > 0.7 * this.table.length) this.rehash();
    return entry;
  }

  state(entry: number): State {
    return this.outcomes[this.outcome[entry]].state;
  }

  /** Where the entry's last line begins, in bytes. */
  offset(entry: number): number {
    return Math.floor(this.place[entry] / 2);
  }

  move(entry: number, offset: number): void {
    this.place[entry] = offset * 2 + (this.place[entry] % 2);
  }

  set(entry: number, { state, kind }: Outcome, offset: number): void {
    const number = state === 'result' ? RESULT : this.numberOf(state, kind);
    this.tally[this.outcome[entry]]--;
    this.tally[number]++;
    this.outcome[entry] = number;
    this.move(entry, offset);
  }

  /** Marks an entry; false when it was marked already. */
  mark(entry: number): boolean {
    if (this.marked(entry)) return false;
    this.place[entry]++;
    return true;
  }

  marked(entry: number): boolean {
    return this.place[entry] % 2 === 1;
  }

  /** How many entries stand in a state, by kind. */
  count(state: State): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [number, outcome] of this.outcomes.entries()) {
      const count = this.tally[number];
      if (outcome.state === state && count > 0) counts.set(outcome.kind, count);
    }
    return counts;
  }

  private numberOf(state: State, kind: string): number {
    const known = this.numbers.get(`${state} ${kind}`);
    if (known !== undefined) return known;
    const full = this.outcomes.length >= MOST_KINDS;
    if (full && kind !== 'other') return this.numberOf(state, 'other');
    const number = this.outcomes.push({ state, kind }) - 1;
    this.tally.push(0);
    this.numbers.set(`${state} ${kind}`, number);
    return number;
  }

  /** Where the hash stands in the table, or would stand. */
  private slot(low: number, high: number): number {
    const mask = this.table.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const entry = this.table[slot] - 1;
      if (entry < 0 || (this.low[entry] === low && this.high[entry] === high)) return slot;
    }
  }

  private widen(): void {
    const length = Math.ceil(this.low.length * 1.5);
    this.low = widened(this.low, new Uint32Array(length));
    this.high = widened(this.high, new Uint32Array(length));
    this.outcome = widened(this.outcome, new Uint16Array(length));
    this.place = widened(this.place, new Float64Array(length));
  }

  private rehash(): void {
    this.table = new Uint32Array(this.table.length * 2);
    for (let entry = 0; entry < this.size; entry++) {
      this.table[this.slot(this.low[entry], this.high[entry])] = entry + 1;
    }
  }
}

function widened<T extends Uint32Array | Uint16Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Two 32-bit lanes of multiply and xor, mixed with each other at the end (the scheme of MurmurHash3's finish). */
function hashId(id: string, out: Uint32Array): void {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
    a ^= a >>> 15;
    b ^= b >>> 13;
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  out[0] = a ^ (a >>> 16);
  out[1] = b ^ (b >>> 16);
}
