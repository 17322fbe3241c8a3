/**
 * The header of a safetensors file (https://github.com/huggingface/safetensors): 8 bytes with its length, then JSON that
 * gives each tensor's format, shape and byte range. Checked as strictly as the reference reader does, since files come
 * from anywhere: no overlaps, no holes, nothing beyond the end, no name twice.
 */
import { BagpiperError, messageOf } from '../errors.js';
import { isObject } from '../json.js';
import { bytesOf, DTYPES, type DType } from './dtype.js';

/** What the header says of a tensor; offsets count from the beginning of the file. */
export interface TensorInfo {
  name: string;
  dtype: DType;
  shape: number[];
  /** The file it lies in, or a name for messages where the bytes were given. */
  file: string;
  byteOffset: number;
  byteLength: number;
}

/** A checked header. */
export interface Header {
  tensors: Map<string, TensorInfo>;
  metadata: Map<string, string>;
}

/** The reference reader's limit. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Length of the JSON that follows the first 8 bytes.
 *
 * @param start the first 8 bytes (or all) of the file.
 * @throws BagpiperError where that length cannot be true.
 */
export function headerLength(start: Uint8Array, fileBytes: number, file: string): number {
  if (start.length < 8 || fileBytes < 10) {
    throw new BagpiperError(`${file} has ${fileBytes} bytes, too few for a safetensors file; is it complete?`);
  }
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length < 2n || length > BigInt(Math.min(fileBytes - 8, MAX_HEADER_BYTES))) {
    throw new BagpiperError(
      `${file} is no safetensors file, or cut short: its header claims ${length} bytes and the file has ${fileBytes}.`,
    );
  }
  return Number(length);
}

/**
 * Reads and checks the header's JSON.
 *
 * @param json the header's bytes.
 * @param fileBytes size of the whole file.
 * @throws BagpiperError naming the file, the tensor and what is wrong.
 */
export function parseHeader(json: Uint8Array, fileBytes: number, file: string): Header {
  const fail: Fail = (problem) => new BagpiperError(`${file} is not a usable safetensors file: ${problem}.`);
  let text = '';
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    parsed = JSON.parse(text);
  } catch (error) {
    throw fail(`its header is not JSON in UTF-8 (${messageOf(error)})`);
  }
  if (!text.startsWith('{') || !isObject(parsed)) throw fail('its header is no JSON object');
  const twice = repeatedKey(text);
  if (twice !== undefined) throw fail(`its header has ${quote(twice)} twice`);
  const header: Header = { tensors: new Map(), metadata: new Map() };
  const dataStart = 8 + json.length;
  for (const [name, entry] of Object.entries(parsed)) {
    if (name === '__metadata__') readMetadata(entry, header.metadata, fail);
    else header.tensors.set(name, readEntry(name, entry, dataStart, file, fail));
  }
  checkRanges([...header.tensors.values()], dataStart, fileBytes, fail);
  return header;
}

/** The error for a problem of this file. */
type Fail = (problem: string) => BagpiperError;

function readMetadata(entry: unknown, into: Map<string, string>, fail: Fail): void {
  if (!isObject(entry)) throw fail('its __metadata__ is no object');
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw fail(`its __metadata__ has a value for ${quote(key)} that is no string`);
    into.set(key, value);
  }
}

function readEntry(name: string, entry: unknown, dataStart: number, file: string, fail: Fail): TensorInfo {
  const tensor = `tensor ${quote(name)}`;
  if (!isObject(entry)) throw fail(`${tensor} is described by no object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!DTYPES.includes(dtype as DType)) {
    throw fail(`${tensor} has the number format ${quote(dtype)}; accepted are ${DTYPES.join(', ')}`);
  }
  if (!isCountList(shape)) throw fail(`${tensor} has the shape ${quote(shape)}; a list of whole numbers is expected`);
  if (!isCountList(offsets) || offsets.length !== 2 || offsets[1] < offsets[0]) {
    throw fail(`${tensor} has the byte range ${quote(offsets)}; [start, end] is expected`);
  }
  const byteLength = offsets[1] - offsets[0];
  const expected = shape.reduce((product, size) => product * size, bytesOf(dtype as DType));
  if (expected !== byteLength) {
    throw fail(
      `${tensor} of shape ${quote(shape)} in ${dtype} takes ${expected} bytes but its range holds ${byteLength}`,
    );
  }
  return { name, dtype: dtype as DType, shape, file, byteOffset: dataStart + offsets[0], byteLength };
}

/** Sorted by their start, the ranges must follow each other from the header to the end of the file. */
function checkRanges(tensors: TensorInfo[], dataStart: number, fileBytes: number, fail: Fail): void {
  let end = dataStart;
  tensors.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  for (const { name, byteOffset, byteLength } of tensors) {
    if (byteOffset < end) throw fail(`tensor ${quote(name)} overlaps the one before it`);
    if (byteOffset > end) throw fail(`${byteOffset - end} bytes before tensor ${quote(name)} belong to no tensor`);
    end = byteOffset + byteLength;
    if (end > fileBytes) {
      throw fail(`tensor ${quote(name)} ends at byte ${end} but the file has ${fileBytes} bytes; it is cut short`);
    }
  }
  if (end !== fileBytes) throw fail(`${fileBytes - end} bytes after the last tensor belong to no tensor`);
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}

/** A value for a message; lists and objects are not spelled out, they may be deep or huge. */
function quote(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return isCountList(value) ? `[${value.slice(0, 9)}]` : 'list or object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/**
 * The first key that an object of valid JSON text holds twice. JSON.parse keeps the last one silently, so two readers could
 * see two different tensors under one name.
 */
function repeatedKey(text: string): string | undefined {
  const objects: (Set<string> | null)[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const found = match[0];
    if (found === '{') objects.push(new Set());
    else if (found === '[') objects.push(null);
    else if (found === '}' || found === ']') objects.pop();
    else {
      const keys = objects.at(-1);
      if (keys === null || keys === undefined || !followedByColon(text, token.lastIndex)) continue;
      const key = JSON.parse(found) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function followedByColon(text: string, from: number): boolean {
  let i = from;
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i++;
  return text[i] === ':';
}
