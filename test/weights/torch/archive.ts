/** Torch files made by hand, so that they can lie: a zip archive with chosen fields, and pickles byte by byte. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** An entry of an archive; `claims` replaces what is written of it in the directory. */
export interface Entry {
  name: string;
  /** Content, or the size of a hole. */
  data: Uint8Array | number;
  claims?: Partial<Record<'flags' | 'method' | 'packed' | 'size' | 'header', number>>;
  /** Another name in the entry's own header. */
  localName?: string;
}

/** An archive as pieces at offsets, with holes between. */
export interface Layout {
  pieces: [number, Uint8Array][];
  size: number;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const FULL32 = 0xffffffff;

/** Lays an archive out; offsets and sizes beyond 32 bits go to zip64 records, as `torch.save` writes them. */
export function layOut(entries: readonly Entry[]): Layout {
  const pieces: [number, Uint8Array][] = [];
  const directory: number[] = [];
  let at = 0;
  for (const { name, data, claims = {}, localName = name } of entries) {
    const size = typeof data === 'number' ? data : data.length;
    const local = utf8(localName);
    const method = claims.method ?? 0;
    pieces.push([
      at,
      Uint8Array.of(...u32(0x04034b50), 0, 0, 0, 8, ...u16(method), ...zeros(16), ...u16(local.length), 0, 0, ...local),
    ]);
    const header = claims.header ?? at;
    at += 30 + local.length;
    if (typeof data !== 'number') pieces.push([at, data]);
    at += size;
    directory.push(...directoryEntry(utf8(name), { flags: 0x800, method, packed: size, size, header, ...claims }));
  }
  const start = at;
  const bytes = directory.length;
  const end64 = [
    ...u32(0x06064b50),
    ...u64(44),
    ...zeros(12),
    ...[entries.length, entries.length, bytes, start].flatMap(u64),
  ];
  const locator = [...u32(0x07064b50), ...zeros(4), ...u64(start + bytes), ...u32(1)];
  const counts = [entries.length, entries.length].flatMap(u16);
  const end = [...u32(0x06054b50), ...zeros(4), ...counts, ...u32(bytes), ...u32(Math.min(start, FULL32)), 0, 0];
  const tail = Uint8Array.from([...directory, ...end64, ...locator, ...end]);
  pieces.push([start, tail]);
  return { pieces, size: start + tail.length };
}

/** An archive in memory. */
export function zip(entries: readonly Entry[]): Uint8Array {
  const { pieces, size } = layOut(entries);
  const bytes = new Uint8Array(size);
  for (const [at, piece] of pieces) bytes.set(piece, at);
  return bytes;
}

/** An archive on disk whose holes take no room. */
export function writeSparse(path: string, entries: readonly Entry[]): void {
  const { pieces, size } = layOut(entries);
  const descriptor = openSync(path, 'w');
  ftruncateSync(descriptor, size);
  for (const [at, piece] of pieces) writeSync(descriptor, piece, 0, piece.length, at);
  closeSync(descriptor);
}

/** A torch file of a pickle and storages. */
export function torchFile(
  pickle: ArrayLike<number>,
  storages: Readonly<Record<string, Uint8Array | number>> = {},
): Entry[] {
  return [
    { name: 'm/data.pkl', data: Uint8Array.from(pickle) },
    ...Object.entries(storages).map(([key, data]) => ({ name: `m/data/${key}`, data })),
  ];
}

/** Pieces of pickles: each gives the bytes that push a value. */
export const pickle = {
  file: (value: readonly number[]): number[] => [0x80, 2, ...value, ...code('.')],
  text: (text: string): number[] => [...code('X'), ...u32(utf8(text).length), ...utf8(text)],
  /** A 64-bit signed integer. */
  integer: (value: number | bigint): number[] => [0x8a, 8, ...u64(value)],
  name: (module: string, name: string): number[] => [...code('c'), ...utf8(`${module}\n${name}\n`)],
  tuple: (...items: readonly (readonly number[])[]): number[] => [...code('('), ...items.flat(), ...code('t')],
  dict: (...pairs: readonly (readonly [string, readonly number[]])[]): number[] => [
    ...code('}('),
    ...pairs.flatMap(([key, value]) => [...pickle.text(key), ...value]),
    ...code('u'),
  ],
  call: (module: string, name: string, ...args: readonly (readonly number[])[]): number[] => [
    ...pickle.name(module, name),
    ...pickle.tuple(...args),
    ...code('R'),
  ],
  storage: (key: string, type: string, count: number | bigint): number[] => [
    ...pickle.tuple(
      pickle.text('storage'),
      pickle.name('torch', type),
      pickle.text(key),
      pickle.text('cpu'),
      pickle.integer(count),
    ),
    ...code('Q'),
  ],
  tensor: (
    storage: readonly number[],
    offset: number | bigint,
    shape: readonly (number | bigint)[],
    strides: readonly (number | bigint)[],
  ): number[] =>
    pickle.call(
      'torch._utils',
      '_rebuild_tensor_v2',
      storage,
      pickle.integer(offset),
      pickle.tuple(...shape.map(pickle.integer)),
      pickle.tuple(...strides.map(pickle.integer)),
      [0x89],
      pickle.call('collections', 'OrderedDict'),
    ),
};

/** The bytes of ASCII letters, for instructions. */
export function code(letters: string): number[] {
  return [...utf8(letters)];
}

type Fields = Required<NonNullable<Entry['claims']>>;

function directoryEntry(name: Uint8Array, { flags, method, packed, size, header }: Fields): number[] {
  const large = [size, packed, header].filter((value) => value >= FULL32);
  const extra = large.length > 0 ? [1, 0, ...u16(8 * large.length), ...large.flatMap(u64)] : [];
  const small = (value: number): number[] => u32(Math.min(value, FULL32));
  return [
    ...[...u32(0x02014b50), ...zeros(4), ...u16(flags), ...u16(method), ...zeros(8), ...small(packed), ...small(size)],
    ...[...u16(name.length), ...u16(extra.length), ...zeros(10), ...small(header), ...name, ...extra],
  ];
}

function zeros(count: number): number[] {
  return new Array<number>(count).fill(0);
}

function u16(value: number): number[] {
  return [value & 255, (value >>> 8) & 255];
}

function u32(value: number): number[] {
  return [...u16(value % 65536), ...u16(Math.floor(value / 65536))];
}

function u64(value: number | bigint): number[] {
  const bits = BigInt.asUintN(64, BigInt(value));
  return [...u32(Number(bits & 0xffffffffn)), ...u32(Number(bits >> 32n))];
}
