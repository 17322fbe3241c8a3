/** Tables that name sounds: JSONL, CSV, TSV and Parquet, with the column names that are in use. */
import { createReadStream } from 'node:fs';
import { basename, dirname, extname, isAbsolute, relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { BagpiperError, messageOf } from '../../errors.js';
import type { JsonObject, SoundKind } from '../types.js';
import { isRemote, unreadable } from './bytes.js';
import { withDuckDB } from './duckdb.js';
import { type Found, fileId, idOf } from './found.js';

/** Columns by what they mean, in the order in which they are looked for. */
const COLUMNS = {
  id: ['id', 'utt_id', 'example_id', 'clip_id', 'key'],
  audio: ['audio', 'audio_path', 'audio_filepath', 'path', 'uri', 'file', 'filename', 'file_name', 'wav'],
  start: ['start', 'offset', 'start_time'],
  end: ['end', 'end_time'],
  duration: ['duration', 'seconds'],
  dataset: ['dataset'],
  transcript: ['transcript', 'transcription', 'text', 'sentence'],
  caption: ['caption', 'qwen_caption', 'rich_caption'],
  kind: ['kind', 'domain', 'audio_type'],
} as const;
type Meaning = keyof typeof COLUMNS;
const KINDS: Record<string, SoundKind> = { speech: 'speech', music: 'music', sound: 'sound', sound_effects: 'sound' };
const ACCEPTED = COLUMNS.audio.join(', ');

export function isTable(path: string): boolean {
  return /\.(jsonl|ndjson|csv|tsv|parquet)$/i.test(path);
}

/** Sounds in a table, in the order of its rows. @throws BagpiperError for a table or row that cannot be used */
export async function* soundsIn(path: string, dataset: string): AsyncGenerator<Found, void, void> {
  let number = 0;
  for await (const row of rowsOf(path)) yield soundOf(row, path, ++number, dataset);
}

/** Rows of a table, one at a time. @throws BagpiperError when it cannot be read */
export async function* rowsOf(path: string): AsyncGenerator<JsonObject, void, void> {
  if (/\.(jsonl|ndjson)$/i.test(path)) yield* jsonRows(path);
  else yield* databaseRows(path);
}

async function* jsonRows(path: string): AsyncGenerator<JsonObject, void, void> {
  const input = createReadStream(path);
  const failed = new Promise<never>((_, reject) => input.once('error', (error) => reject(unreadable(path, error))));
  failed.catch(() => {});
  await Promise.race([failed, new Promise((opened) => input.once('open', opened))]);
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim() === '') continue;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      throw new BagpiperError(`${path}: line ${number} is no JSON; one object a line is accepted.`);
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw new BagpiperError(`${path}: line ${number} is no object; one object a line is accepted.`);
    }
    yield row as JsonObject;
  }
}

/** DuckDB reads a table in pieces; they are handed over one by one. */
async function* databaseRows(path: string): AsyncGenerator<JsonObject, void, void> {
  const quoted = `'${path.replaceAll("'", "''")}'`;
  const table = /\.parquet$/i.test(path) ? `read_parquet(${quoted})` : `read_csv(${quoted}, sample_size = -1)`;
  const handed: JsonObject[][] = [];
  let wake = (): void => {};
  let more = (): void => {};
  let left = false;
  const reading = withDuckDB('CSV and Parquet tables', async (connection) => {
    const result = await connection.stream(`SELECT * FROM ${table}`).catch((error: unknown) => {
      throw new BagpiperError(
        `${path}: cannot be read as a table (${messageOf(error).slice(0, 200)}); check the file.`,
      );
    });
    for await (const rows of result.yieldRowObjectJson()) {
      handed.push(rows as JsonObject[]);
      wake();
      if (left) return;
      if (handed.length > 1) await new Promise<void>((resolve) => (more = resolve));
    }
  });
  let ended = false;
  const end = reading.finally(() => {
    ended = true;
    wake();
  });
  end.catch(() => {});
  try {
    for (;;) {
      const rows = handed.shift();
      more();
      if (rows) yield* rows;
      else if (ended) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    await reading;
  } finally {
    left = true;
    more();
    await end.catch(() => {});
  }
}

function soundOf(row: JsonObject, path: string, number: number, dataset: string): Found {
  const taken = new Set<string>();
  const get = (meaning: Meaning): unknown => {
    const column = COLUMNS[meaning].find((name) => row[name] !== undefined && row[name] !== null);
    if (column !== undefined) taken.add(column);
    return column === undefined ? undefined : row[column];
  };
  const text = (meaning: Meaning): string | undefined => {
    const value = get(meaning);
    return typeof value === 'string' && value.trim() !== '' ? value : undefined;
  };
  const where = `${path}: row ${number}`;
  const named = audioPath(get('audio'), where, Object.keys(row));
  const set = text('dataset') ?? dataset;
  const uri = isRemote(named) || isAbsolute(named) ? named : resolve(dirname(path), named);
  const start = secondsOf(get('start'), `${where}: start`);
  const end = secondsOf(get('end'), `${where}: end`) ?? endOf(start, secondsOf(get('duration'), `${where}: duration`));
  if (start !== undefined && end !== undefined && end <= start) {
    throw new BagpiperError(`${where}: the part from ${start} to ${end} s has no length; correct it.`);
  }
  const part = start === undefined && end === undefined ? '' : `--${Math.round((start ?? 0) * 1000)}`;
  const given = get('id');
  const id = given === undefined ? fileId(set, relativePath(uri, path)) + (start ? part : '') : idOf(String(given));
  const kind = KINDS[String(row.kind ?? row.domain ?? row.audio_type ?? '')];
  if (kind) get('kind');
  const transcript = text('transcript');
  const caption = text('caption');
  const more = Object.fromEntries(Object.entries(row).filter(([name, value]) => !taken.has(name) && value !== null));
  return {
    id,
    uri,
    dataset: set,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined || start === undefined ? {} : { end }),
    ...(transcript === undefined ? {} : { transcript }),
    ...(caption === undefined ? {} : { caption }),
    ...(kind ? { kind } : {}),
    ...(Object.keys(more).length > 0 ? { more } : {}),
  };
}

/** @param columns for the message */
function audioPath(value: unknown, where: string, columns: readonly string[]): string {
  if (typeof value === 'string' && value !== '') return value;
  const { path, bytes } = (value ?? {}) as { path?: unknown; bytes?: unknown };
  if (bytes !== undefined && bytes !== null) {
    throw new BagpiperError(`${where}: the table holds the sound itself; write the files out and name their paths.`);
  }
  if (typeof path === 'string' && path !== '') return path;
  throw new BagpiperError(
    `${where} names no sound (its columns: ${columns.slice(0, 12).join(', ')}); a column with its path, called one of ${ACCEPTED}, is accepted.`,
  );
}

function secondsOf(value: unknown, what: string): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new BagpiperError(`${what} is ${JSON.stringify(value)}; seconds, 0 or more, are accepted.`);
}

/** A duration tells the end only together with a start: alone it describes the whole file. */
function endOf(start: number | undefined, duration: number | undefined): number | undefined {
  return start === undefined || duration === undefined ? undefined : Number((start + duration).toFixed(6));
}

function relativePath(uri: string, table: string): string {
  if (isRemote(uri)) return uri.slice('s3://'.length);
  const path = relative(dirname(table), uri).split(sep).join('/');
  return path.startsWith('../') ? uri.split(sep).join('/').replace(/^\//, '') : path;
}

/** What a data set is called by its table. */
export function tableName(path: string): string {
  return basename(path, extname(path));
}
