/** The machine that pickle instructions work on. What it builds is bounded, since pickles come from anywhere. */
import { PyDict, PyList, type PyName, type PyStorage, type Value } from './values.js';
import type { Fail } from './zip.js';

/** The world that a pickle sees. Every function throws a BagpiperError where it refuses. */
export interface Python {
  /** An object by its full name, `module.name`. */
  name(full: string): PyName;
  /** The result of a call. */
  call(callee: Value, args: readonly Value[]): Value;
  /** What a persistent id stands for: in torch files always a storage. */
  persistent(id: Value): PyStorage;
}

/** Bounds what is built to about this many bytes; the state dict of 20,000 tensors takes some 20 MiB. */
const MAX_MEMORY = 128 * 2 ** 20;
/** Picklers put a thousand values at most on the stack before they store them. */
const MAX_STACK = 100_000;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Stack, marks and memo of a pickle that is being read. */
export class Unpickler {
  result: Value | undefined;
  private at = 0;
  private memory = 0;
  private readonly stack: Value[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, Value>();
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    readonly python: Python,
    readonly fail: Fail,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  double(): number {
    return this.view.getFloat64(this.skip(8)); // the one big-endian number of the format
  }

  /** The next bytes, as a view. */
  take(length: number | bigint): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, this.at);
  }

  text(length: number | bigint): string {
    try {
      return UTF8.decode(this.take(length));
    } catch (error) {
      if (error instanceof TypeError) throw this.fail('its data.pkl has a text that is not UTF-8');
      throw error;
    }
  }

  /** The text up to the next line end. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw this.endsEarly();
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  push(value: Value): void {
    if (this.stack.length >= MAX_STACK) throw this.fail('its data.pkl has more values at once than any state dict');
    this.stack.push(value);
  }

  /** A new object on the stack, with room for its entries. */
  build(value: Value, entries = 0): void {
    this.charge(96 + 16 * entries);
    this.push(value);
  }

  pop(): Value {
    const floor = this.marks.at(-1) ?? 0;
    if (this.stack.length <= floor) throw this.damaged('takes a value that is not there');
    return this.stack.pop() as Value;
  }

  top(): Value {
    const floor = this.marks.at(-1) ?? 0;
    if (this.stack.length <= floor) throw this.damaged('takes a value that is not there');
    return this.stack[this.stack.length - 1];
  }

  mark(): void {
    if (this.marks.length >= MAX_STACK) throw this.fail('its data.pkl is nested deeper than any state dict');
    this.marks.push(this.stack.length);
  }

  /** Everything above the last mark. */
  popToMark(): Value[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.damaged('takes values down to a mark that is not there');
    return this.stack.splice(mark);
  }

  remember(index: number = this.memo.size): void {
    this.charge(48);
    this.memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.damaged(`recalls value ${index}, which it has not stored`);
    this.push(value);
  }

  append(values: readonly Value[]): void {
    const list = this.top();
    if (!(list instanceof PyList)) throw this.damaged('appends to what is no list');
    this.charge((list.items.length === 0 ? 128 : 0) + 16 * values.length);
    for (const value of values) list.items.push(value);
  }

  /** @param pairs keys and values by turns */
  setItems(pairs: readonly Value[]): void {
    const dict = this.top();
    if (!(dict instanceof PyDict) || pairs.length % 2 === 1) throw this.damaged('sets a key of what is no dict');
    this.charge((dict.entries.size === 0 ? 256 : 0) + 32 * pairs.length);
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
  }

  /** Ends the pickle. */
  stop(): void {
    const value = this.pop();
    const left = this.stack.length + this.marks.length + (this.bytes.length - this.at);
    if (left > 0) throw this.damaged('ends before everything in it is used');
    this.result = value;
  }

  damaged(problem: string): Error {
    return this.fail(`its data.pkl is damaged: it ${problem}`);
  }

  private charge(bytes: number): void {
    this.memory += bytes;
    if (this.memory > MAX_MEMORY) throw this.fail('its data.pkl describes more values than any state dict has');
  }

  private skip(length: number | bigint): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw this.endsEarly();
    this.at += Number(length);
    return start;
  }

  private endsEarly(): Error {
    return this.damaged('ends in the middle of an instruction');
  }
}
