/** filter/.done: what the files of a folder are the outcome of, once they are all there. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FilterRequest } from './request.js';
import type { FilterStats } from './stats.js';

export const DONE = '.done';
const STATS = join('filter', 'stats.json');
/** What must be there beside `.done`. */
const OUTCOME = ['filter.jsonl', STATS, ...['delete_ids.jsonl', 'kept_utt_ids.txt', 'demo.jsonl'].map(inFilter)];

function inFilter(name: string): string {
  return join('filter', name);
}

/**
 * Stands for all that decides about the outcome: the settings, and the files that are read by their place, size and time.
 * @returns '' where that cannot be told
 */
export function markOf({
  labels,
  settings,
  transcripts,
  blacklists,
  sides,
  kind,
  unique,
  basis,
}: FilterRequest): string {
  if (typeof labels === 'function') return '';
  const files = [...labels, transcripts, ...(blacklists ?? []), ...Object.values(sides ?? {})];
  const known = files.map((path) => {
    const stats = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    return stats && path !== undefined ? [resolve(path), stats.size, stats.mtimeMs] : null;
  });
  const names = Object.keys(sides ?? {});
  return createHash('sha256')
    .update(JSON.stringify([known, names, settings, kind, unique, basis]))
    .digest('hex');
}

/** The counts of an earlier call that came to its end with the same labels, files and settings; undefined where none did. */
export function finishedStats(request: FilterRequest): FilterStats | undefined {
  const at = (path: string): string => join(request.folder, path);
  const mark = markOf(request);
  if (mark === '' || !OUTCOME.every((path) => existsSync(at(path)))) return undefined;
  try {
    if (readFileSync(at(inFilter(DONE)), 'utf8').trim() !== mark) return undefined;
    return JSON.parse(readFileSync(at(STATS), 'utf8')) as FilterStats;
  } catch {
    return undefined;
  }
}
