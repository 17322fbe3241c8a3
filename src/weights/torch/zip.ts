/**
 * The directory of a zip archive as `torch.save` writes it (PKWARE's APPNOTE 6.3): stored entries, zip64 records, sizes in
 * data descriptors. Only the directory is read. Nothing is ever unpacked to disk and no entry's name becomes a path, yet
 * names that try are refused: whoever wrote them meant no good.
 */
import type { BagpiperError } from '../../errors.js';
import type { ReadRange } from '../range.js';

/** The error for a problem of this file. */
export type Fail = (problem: string) => BagpiperError;

/** What the directory says of an entry. */
export interface ZipEntry {
  name: string;
  flags: number;
  method: number;
  /** Bytes in the archive, and bytes of the content. */
  packed: number;
  size: number;
  /** Where the entry's own header lies. */
  header: number;
}

/** Where an entry's bytes lie in the archive. */
export interface Place {
  start: number;
  length: number;
}

/** A checked directory. */
export interface Zip {
  entries: ReadonlyMap<string, ZipEntry>;
  /** Where the directory begins: entries end before. */
  directory: number;
}

const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const FULL16 = 0xffff;
const FULL32 = 0xffffffff;
const END_BYTES = 22;
const LOCATOR64_BYTES = 20;
const END64_BYTES = 56;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const ZIP64_EXTRA = 1;
const ENCRYPTED = 1;
const STORED = 0;

/** Larger directories are refused; 16 MiB are enough for some 200,000 tensors. */
const MAX_DIRECTORY = 16 * 2 ** 20;

/**
 * Reads the directory of an archive.
 *
 * @param size of the whole archive in bytes.
 * @throws BagpiperError (from `fail`) where it is cut short, damaged, or contradicts itself.
 */
export function readZip(read: ReadRange, size: number, fail: Fail): Zip {
  const { entries: count, bytes, start } = findDirectory(read, size, fail);
  if (bytes > MAX_DIRECTORY) {
    throw fail(`the directory of its zip archive has ${bytes} bytes; up to ${MAX_DIRECTORY} are accepted`);
  }
  const view = viewOf(read(start, bytes));
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > bytes || view.getUint32(at, true) !== ENTRY) {
      throw fail(`the directory of its zip archive is damaged at entry ${i} of ${count}`);
    }
    const [nameBytes, extraBytes, noteBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const end = at + ENTRY_BYTES + nameBytes + extraBytes + noteBytes;
    if (end > bytes) throw fail(`the directory of its zip archive is damaged at entry ${i} of ${count}`);
    const entry = readEntry(view, at, nameBytes, extraBytes, fail);
    if (entries.has(entry.name)) throw fail(`its zip archive has ${quote(entry.name)} twice`);
    entries.set(entry.name, entry);
    at = end;
  }
  if (at !== bytes) throw fail(`the directory of its zip archive has ${bytes - at} bytes more than its entries`);
  return { entries, directory: start };
}

/**
 * Where the bytes of an entry lie. Reads the entry's own header.
 *
 * @throws BagpiperError (from `fail`) where the entry is compressed, encrypted, or does not lie where it claims to.
 */
export function placeOf(entry: ZipEntry, zip: Zip, read: ReadRange, fail: Fail): Place {
  const name = `${quote(entry.name)} in its zip archive`;
  if (entry.flags & ENCRYPTED) throw fail(`${name} is encrypted`);
  if (entry.method !== STORED || entry.packed !== entry.size) {
    throw fail(`${name} is compressed, which torch.save never does; unpack the archive and pack it with zip -0 -r`);
  }
  const nameBytes = new TextEncoder().encode(entry.name);
  const headerBytes = LOCAL_BYTES + nameBytes.length;
  const outside = (): BagpiperError => fail(`${name} lies outside of it; the file is damaged or cut short`);
  if (entry.header + headerBytes > zip.directory) throw outside();
  const bytes = read(entry.header, headerBytes);
  const view = viewOf(bytes);
  const same =
    view.getUint32(0, true) === LOCAL &&
    view.getUint16(8, true) === entry.method &&
    (view.getUint16(6, true) & ENCRYPTED) === 0 &&
    view.getUint16(26, true) === nameBytes.length &&
    nameBytes.every((byte, i) => byte === bytes[LOCAL_BYTES + i]);
  if (!same) throw fail(`${name} has a header that contradicts the directory`);
  const start = entry.header + headerBytes + view.getUint16(28, true);
  if (start + entry.size > zip.directory) throw outside();
  return { start, length: entry.size };
}

/** A text for a message, cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 97)}...` : text);
}

interface Directory {
  entries: number;
  bytes: number;
  start: number;
}

/** The directory's place, from the record at the end of the archive and its 64-bit twin before it. */
function findDirectory(read: ReadRange, size: number, fail: Fail): Directory {
  const tailStart = Math.max(0, size - END_BYTES - FULL16);
  const view = viewOf(read(tailStart, size - tailStart));
  let at = view.byteLength - END_BYTES;
  // A comment may follow the record; its length must lead exactly to the end of the file.
  const isEnd = (i: number): boolean =>
    view.getUint32(i, true) === END && i + END_BYTES + view.getUint16(i + 20, true) === view.byteLength;
  while (at >= 0 && !isEnd(at)) at--;
  if (at < 0) throw fail('its zip archive has no end; was it downloaded completely?');
  const small = {
    entries: view.getUint16(at + 10, true),
    bytes: view.getUint32(at + 12, true),
    start: view.getUint32(at + 16, true),
  };
  const single = view.getUint16(at + 4, true) % FULL16 === 0 && view.getUint16(at + 6, true) % FULL16 === 0;
  if (!single) throw fail('its zip archive is one part of several');
  const end = tailStart + at;
  const large = findDirectory64(read, end, fail);
  const full = small.entries === FULL16 || small.bytes === FULL32 || small.start === FULL32;
  if (large === undefined && full) throw fail('its zip archive lacks the 64-bit end that it refers to');
  const { before, ...directory } = large ?? { ...small, before: end };
  const agree = (of: keyof Directory, limit: number): boolean => small[of] === limit || small[of] === directory[of];
  const wrong = !(agree('entries', FULL16) && agree('bytes', FULL32) && agree('start', FULL32));
  if (wrong || directory.start + directory.bytes !== before) {
    throw fail('the directory of its zip archive is not where the end of the archive says');
  }
  return directory;
}

/** The 64-bit end record, where there is one; `before` is where it begins. */
function findDirectory64(read: ReadRange, end: number, fail: Fail): (Directory & { before: number }) | undefined {
  const at = end - LOCATOR64_BYTES;
  if (at < 0) return undefined;
  const locator = viewOf(read(at, LOCATOR64_BYTES));
  if (locator.getUint32(0, true) !== LOCATOR64) return undefined;
  const before = uint64(locator, 8);
  const lost = (): BagpiperError => fail('the 64-bit end of its zip archive is damaged');
  if (before === undefined || before + END64_BYTES > at) throw lost();
  const view = viewOf(read(before, END64_BYTES));
  const [entries, bytes, start] = [32, 40, 48].map((field) => uint64(view, field));
  if (view.getUint32(0, true) !== END64 || entries === undefined || bytes === undefined || start === undefined) {
    throw lost();
  }
  return { entries, bytes, start, before };
}

function readEntry(view: DataView, at: number, nameBytes: number, extraBytes: number, fail: Fail): ZipEntry {
  const nameStart = view.byteOffset + at + ENTRY_BYTES;
  const name = decodeName(new Uint8Array(view.buffer, nameStart, nameBytes), fail);
  const fields = [at + 24, at + 20, at + 42].map((field) => view.getUint32(field, true));
  const extraStart = at + ENTRY_BYTES + nameBytes;
  const large = extraOf(view, extraStart, extraStart + extraBytes);
  // The 64-bit extra holds, in this order, only those fields that do not fit their 32 bits.
  let next = 0;
  const [size, packed, header] = fields.map((value) => {
    if (value !== FULL32) return value;
    const wide = large !== undefined && next + 8 <= large.byteLength ? uint64(large, next) : undefined;
    next += 8;
    if (wide === undefined) throw fail(`the sizes of ${quote(name)} in its zip archive are missing or impossible`);
    return wide;
  });
  const [flags, method] = [at + 8, at + 10].map((field) => view.getUint16(field, true));
  return { name, flags, method, packed, size, header };
}

/** The content of the zip64 extra field among the extras in `[at, end)`. */
function extraOf(view: DataView, at: number, end: number): DataView | undefined {
  let next = at;
  while (next + 4 <= end) {
    const length = view.getUint16(next + 2, true);
    if (next + 4 + length > end) return undefined;
    if (view.getUint16(next, true) === ZIP64_EXTRA)
      return new DataView(view.buffer, view.byteOffset + next + 4, length);
    next += 4 + length;
  }
  return undefined;
}

function decodeName(bytes: Uint8Array, fail: Fail): string {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail('its zip archive has a name that is not UTF-8');
  }
  const climbs = name.split('/').includes('..');
  if (name === '' || climbs || /^\/|^[a-z]:|[\0\\]/i.test(name)) {
    throw fail(`its zip archive has the name ${quote(name)}, which could lead out of a folder`);
  }
  return name;
}

/** A 64-bit count, or undefined where no file is that large. */
function uint64(view: DataView, at: number): number | undefined {
  const value = view.getBigUint64(at, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
