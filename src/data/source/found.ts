/** A sound that a source names, before anyone has looked into it; and how it gets its id. */
import { createHash } from 'node:crypto';
import type { JsonObject, Keyed, SoundKind } from '../types.js';

export interface Found extends Keyed {
  /** absolute path, or `s3://bucket/key` */
  uri: string;
  /** seconds; where a table names a part of a file */
  start?: number;
  end?: number;
  dataset: string;
  transcript?: string;
  caption?: string;
  kind?: SoundKind;
  more?: JsonObject;
}

/** Leaves room for what is put behind: numbers of segments, kinds of questions. */
const LONGEST = 150;

/**
 * The id of a file: its data set and its path there, with `--` for slashes. Where that would lose something, as for other
 * letters, a hash of the path makes it unique. It does not change when files come or go, nor when all are moved.
 * @param path relative, with slashes
 */
export function fileId(dataset: string, path: string): string {
  return idOf(`${clean(dataset)}/${path}`);
}

/** An id that a table gives, made of letters that ids may have. */
export function idOf(text: string): string {
  const flat = text.replaceAll('/', '--');
  const plain = clean(flat);
  if (plain === flat && plain.length <= LONGEST && isReversible(text)) return plain;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return `${plain.slice(0, LONGEST - 11)}-${hash}`;
}

/** Whether slashes can be told from dashes afterwards. */
function isReversible(text: string): boolean {
  return !text.includes('/') || !text.split('/').some((name) => /--|^-|-$/.test(name));
}

/** The id of a part of a file. @param number from 0 */
export function partId(id: string, number: number): string {
  return `${id}--${String(number + 1).padStart(4, '0')}`;
}

function clean(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, '_');
}
