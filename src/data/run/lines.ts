/** Lines of a stage's file: how they are written, and how a file of millions is looked through. */
import { open } from 'node:fs/promises';
import { BagpiperError } from '../../errors.js';
import type { Keyed, Line, Usage } from '../types.js';
import { checkId, type Outcome } from './ids.js';

/** Bytes that are read at once; more where a line is longer. */
const PIECE = 1 << 20;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const USAGE = /,"usage":\{"prompt_tokens":(\d+),"completion_tokens":(\d+),"total_tokens":(\d+)\}\}$/;

/** Where a line lies: `bytes.subarray(start, end)`, without its newline; `at` is its offset in the file. */
export interface RawLine {
  bytes: Buffer;
  start: number;
  end: number;
  at: number;
}

/** What the beginning of a line says. */
export interface Head extends Outcome {
  id: string;
}

/** A line as it is written, with its newline. @throws BagpiperError for an id that cannot be used */
export function lineText(line: Line): string {
  checkId(line.id);
  const { usage } = line;
  const [name, outcome] =
    'result' in line ? ['result', line.result] : 'aside' in line ? ['aside', line.aside] : ['error', line.error];
  const body = name === 'result' ? outcome : reasonOf(outcome as { kind: string; message: string });
  const spent = usage === undefined ? '' : `,"usage":${usageText(usage)}`;
  return `{"id":"${line.id}","${name}":${jsonText(body)}${spent}}\n`;
}

/** JSON without halves of surrogate pairs, which models do say and other readers (DuckDB, Python) refuse. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes('\\ud')) return text;
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'string' ? part.replace(/\p{Surrogate}/gu, '\ufffd') : part,
  );
}

/** In this order, so that it can be found again at a line's beginning. */
function reasonOf({ kind, message }: { kind: string; message: string }): object {
  return { kind, message };
}

function usageText({ prompt_tokens, completion_tokens, total_tokens }: Usage): string {
  return JSON.stringify({ prompt_tokens, completion_tokens, total_tokens });
}

/** Reads the beginning of a line; undefined when it is not a whole line of ours. */
export function headOf({ bytes, start, end }: RawLine): Head | undefined {
  if (end - start < 16 || bytes[end - 1] !== 0x7d) return undefined;
  if (bytes.toString('latin1', start, start + 7) !== '{"id":"') return undefined;
  const quote = bytes.indexOf(QUOTE, start + 7);
  if (quote < 0 || quote > start + 207 || quote + 12 > end) return undefined;
  const id = bytes.toString('latin1', start + 7, quote);
  switch (bytes.toString('latin1', quote + 1, quote + 10)) {
    case ',"result"':
      return { id, state: 'result', kind: '' };
    case ',"aside":':
      return { id, state: 'aside', kind: kindAt(bytes, quote + 10, end) };
    case ',"error":':
      return { id, state: 'error', kind: kindAt(bytes, quote + 10, end) };
    default:
      return undefined;
  }
}

/** The kind of a reason, whose text begins at `at`. */
function kindAt(bytes: Buffer, at: number, end: number): string {
  const text = bytes.subarray(at, Math.min(end, at + 400)).toString('utf8');
  const kind = /^\{"kind":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  return kind === undefined ? 'other' : (JSON.parse(kind) as string);
}

/** The tokens that the end of a line counts. */
export function usageOf({ bytes, start, end }: RawLine): Usage | undefined {
  const found = USAGE.exec(bytes.toString('latin1', Math.max(start, end - 160), end));
  if (!found) return undefined;
  const [prompt_tokens, completion_tokens, total_tokens] = found.slice(1).map(Number);
  return { prompt_tokens, completion_tokens, total_tokens };
}

/** Where a file of lines ends. */
export interface LinesEnd {
  /** the offset after the last whole line */
  whole: number;
  size: number;
  /** what follows it: a line that was cut off, or has no newline */
  rest: Buffer;
}

/** The lines of a file of any size in little memory, many at a time; their bytes are reused for the next ones. */
export async function* rawLines(path: string): AsyncGenerator<RawLine[], LinesEnd, void> {
  const file = await open(path);
  try {
    let piece = Buffer.allocUnsafeSlow(PIECE);
    let [held, at] = [0, 0];
    for (;;) {
      if (held === piece.length) piece = Buffer.concat([piece, Buffer.allocUnsafeSlow(piece.length)]);
      const { bytesRead } = await file.read(piece, held, piece.length - held, at + held);
      const bytes = piece.subarray(0, held + bytesRead);
      if (bytesRead === 0) return { whole: at, size: at + held, rest: bytes };
      const lines: RawLine[] = [];
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        lines.push({ bytes, start, end, at: at + start });
        start = end + 1;
      }
      if (lines.length > 0) yield lines;
      piece.copyWithin(0, start, bytes.length);
      held = bytes.length - start;
      at += start;
    }
  } finally {
    await file.close();
  }
}

/**
 * What a stage is to work on, again and again in one stable order. Calls `wanted` with each id once and gives only those
 * records for which it says true; so those that are done need not be read.
 */
export type Inputs<I extends Keyed> = (wanted: (id: string) => boolean) => AsyncIterable<I>;

/** Records in memory, or made anew by each call, as inputs. */
export function inputsOf<I extends Keyed>(records: Iterable<I> | (() => AsyncIterable<I> | Iterable<I>)): Inputs<I> {
  return async function* (wanted) {
    for await (const record of typeof records === 'function' ? records() : records) {
      if (wanted(record.id)) yield record;
    }
  };
}

/** The results in a stage's file as inputs of the next stage. @throws BagpiperError when there is no such file */
export function resultsIn<I extends Keyed>(path: string): Inputs<I> {
  return async function* (wanted) {
    for await (const line of wholeLines(path)) {
      const head = headOf(line);
      if (head?.state !== 'result' || !wanted(head.id)) continue;
      yield (parsed(line, path) as { result: I }).result;
    }
  };
}

/** All lines of a stage's file. While the stage runs, a record may have more than one: the last counts. */
export async function* linesIn<O extends Keyed>(path: string): AsyncGenerator<Line<O>, void, void> {
  for await (const line of wholeLines(path)) if (headOf(line)) yield parsed(line, path) as Line<O>;
}

async function* wholeLines(path: string): AsyncGenerator<RawLine, void, void> {
  try {
    for await (const lines of rawLines(path)) yield* lines;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new BagpiperError(`${path}: there is no such file; run the stage that makes it first.`);
  }
}

function parsed({ bytes, start, end, at }: RawLine, path: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', start, end));
  } catch {
    throw new BagpiperError(`${path}: the line at byte ${at} is damaged; remove it, and run its stage again.`);
  }
}
