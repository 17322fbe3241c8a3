/** The pickle instructions that state dicts are written with, by their byte; names as in Python's pickletools. */
import type { Unpickler } from './machine.js';
import { PyDict, PyList, type PyName, PyTuple } from './values.js';

/** Carries out one instruction whose byte has been read. */
export type Instruction = (machine: Unpickler) => void;

/** PROTO, with which every binary pickle begins. */
export const BINARY = 0x80;

const NO_ITEMS = new PyTuple([]);
/** Longer names and integers are no part of any state dict; joining or parsing them could take long. */
const MAX_NAME = 200;
const MAX_INTEGER_BYTES = 255;

const code = (letter: string): number => letter.charCodeAt(0);

/** Every accepted instruction. */
export const INSTRUCTIONS: ReadonlyMap<number, Instruction> = new Map<number, Instruction>([
  [code('.'), (m) => m.stop()],
  [0x95, (m) => void m.u64()], // FRAME: a hint for readers of streams

  [code('N'), (m) => m.push(null)],
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [code('J'), (m) => m.push(m.i32())], // BININT
  [code('K'), (m) => m.push(m.u8())], // BININT1
  [code('M'), (m) => m.push(m.u16())], // BININT2
  [0x8a, (m) => integer(m, m.u8())], // LONG1
  [0x8b, (m) => integer(m, m.u32())], // LONG4
  [code('G'), (m) => m.push(m.double())], // BINFLOAT

  [0x8c, (m) => m.push(m.text(m.u8()))], // SHORT_BINUNICODE
  [code('X'), (m) => m.push(m.text(m.u32()))], // BINUNICODE
  [0x8d, (m) => m.push(m.text(m.u64()))], // BINUNICODE8
  [code('C'), (m) => m.build(m.take(m.u8()))], // SHORT_BINBYTES
  [code('B'), (m) => m.build(m.take(m.u32()))], // BINBYTES
  [0x8e, (m) => m.build(m.take(m.u64()))], // BINBYTES8

  [code('('), (m) => m.mark()],
  [code(')'), (m) => m.push(NO_ITEMS)], // EMPTY_TUPLE
  [0x85, (m) => tuple(m, 1)], // TUPLE1 to TUPLE3
  [0x86, (m) => tuple(m, 2)],
  [0x87, (m) => tuple(m, 3)],
  [code('t'), (m) => tuple(m)], // TUPLE
  [code(']'), (m) => m.build(new PyList())], // EMPTY_LIST
  [code('a'), (m) => m.append([m.pop()])], // APPEND
  [code('e'), (m) => m.append(m.popToMark())], // APPENDS
  [0x8f, (m) => m.build(new PyList())], // EMPTY_SET
  [0x90, (m) => m.append(m.popToMark())], // ADDITEMS
  [code('}'), (m) => m.build(new PyDict())], // EMPTY_DICT
  [code('s'), (m) => setItem(m)], // SETITEM
  [code('u'), (m) => m.setItems(m.popToMark())], // SETITEMS

  [code('q'), (m) => m.remember(m.u8())], // BINPUT
  [code('r'), (m) => m.remember(m.u32())], // LONG_BINPUT
  [0x94, (m) => m.remember()], // MEMOIZE
  [code('h'), (m) => m.recall(m.u8())], // BINGET
  [code('j'), (m) => m.recall(m.u32())], // LONG_BINGET

  [code('c'), (m) => m.push(named(m, m.line(), m.line()))], // GLOBAL
  [0x93, (m) => stackGlobal(m)], // STACK_GLOBAL
  [code('R'), (m) => reduce(m)], // REDUCE
  [code('b'), (m) => setState(m)], // BUILD
  [code('Q'), (m) => m.push(m.python.persistent(m.pop()))], // BINPERSID
]);

/** Names of the others, so that a refusal can say what it met. */
const REFUSED = new Map<number, string>(
  [
    ...[...'0:POP 1:POP_MARK 2:DUP F:FLOAT I:INT L:LONG S:STRING T:BINSTRING U:SHORT_BINSTRING V:UNICODE'.split(' ')],
    ...[...'P:PERSID d:DICT l:LIST g:GET p:PUT i:INST o:OBJ'.split(' ')],
  ].map((entry) => [code(entry), entry.slice(2)]),
);
for (const [at, name] of [
  [0x80, 'PROTO'],
  [0x81, 'NEWOBJ'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x91, 'FROZENSET'],
  [0x92, 'NEWOBJ_EX'],
  [0x96, 'BYTEARRAY8'],
  [0x97, 'NEXT_BUFFER'],
  [0x98, 'READONLY_BUFFER'],
] as const) {
  REFUSED.set(at, name);
}

/** An instruction's name for a message. */
export function nameOfInstruction(at: number): string {
  return REFUSED.get(at) ?? `0x${at.toString(16).padStart(2, '0')}`;
}

function tuple(m: Unpickler, length?: number): void {
  if (length === undefined) {
    const items = m.popToMark();
    m.build(new PyTuple(items), items.length);
    return;
  }
  const items = Array.from({ length }, () => m.pop()).reverse();
  m.build(new PyTuple(items), length);
}

function setItem(m: Unpickler): void {
  const value = m.pop();
  m.setItems([m.pop(), value]);
}

/** Pushes a little-endian two's complement integer: a number where it is one exactly, else a bigint. */
function integer(m: Unpickler, length: number): void {
  if (length > MAX_INTEGER_BYTES) throw m.damaged(`has an integer of ${length} bytes`);
  const bytes = m.take(length);
  if (length <= 6) {
    const sign = length > 0 && bytes[length - 1] >= 0x80 ? 256 ** length : 0;
    m.push(bytes.reduceRight((sum, byte) => sum * 256 + byte, 0) - sign);
    return;
  }
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const value = BigInt.asIntN(8 * length, BigInt(`0x${hex.reverse().join('')}`));
  const number = Number(value);
  m.build(Number.isSafeInteger(number) ? number : value);
}

function named(m: Unpickler, module: unknown, name: unknown): PyName {
  if (typeof module !== 'string' || typeof name !== 'string') throw m.damaged('names an object by what is no text');
  if (module.length + name.length > MAX_NAME) throw m.damaged('names an object by too long a name');
  return m.python.name(`${module}.${name}`);
}

function stackGlobal(m: Unpickler): void {
  const name = m.pop();
  m.push(named(m, m.pop(), name));
}

function reduce(m: Unpickler): void {
  const args = m.pop();
  if (!(args instanceof PyTuple)) throw m.damaged('makes a call without a tuple of arguments');
  m.build(m.python.call(m.pop(), args.items));
}

/** Attributes: `state_dict()` hangs its `_metadata` (versions of layers) on the dict. They are no weights and fall away. */
function setState(m: Unpickler): void {
  m.pop();
  if (!(m.top() instanceof PyDict)) throw m.damaged('sets attributes of what is no dict');
}
