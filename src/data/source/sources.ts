/** Sources as they are named on the command line: folders, patterns, tables, files, and places in buckets. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { BagpiperError } from '../../errors.js';
import type { Inputs } from '../run/index.js';
import { isRemote, type Places } from './bytes.js';
import { filesBelow, isPattern, patternOf, patternParts } from './folders.js';
import { type Found, fileId } from './found.js';
import { isTable, soundsIn, tableName } from './tables.js';

export interface Source {
  kind: 'folder' | 'pattern' | 'table' | 'file' | 'bucket';
  /** the data set that its sounds belong to, which their ids begin with */
  dataset: string;
  /** absolute path or `s3://bucket/prefix`; of a pattern, the folder it begins with */
  place: string;
  /** of a pattern, for paths below the place */
  pattern?: string;
}

/**
 * Understands what is named as sources: `PATH`, or `NAME=PATH` to call the data set otherwise than the folder.
 * @throws BagpiperError for what is not there, or two that would get the same ids
 */
export function sourcesOf(named: readonly string[]): Source[] {
  const sources = named.map(sourceOf);
  for (const [at, { dataset, place, kind }] of sources.entries()) {
    const other = sources.slice(0, at).find((source) => source.dataset === dataset && source.place !== place);
    if (!other || kind === 'table' || kind === 'file') continue;
    throw new BagpiperError(
      `${other.place} and ${place} are both called ${dataset}, so their sounds would get the same ids; call one otherwise, as in other=${place}.`,
    );
  }
  return sources;
}

function sourceOf(text: string): Source {
  const named = existsSync(text) ? null : /^([A-Za-z0-9._-]+)=(.+)$/s.exec(text);
  const path = named?.[2] ?? text;
  const called = (name: string): string => named?.[1] ?? (name || 'root');
  if (isRemote(path)) {
    const names = path.split('/').filter((name) => name !== '');
    return { kind: 'bucket', dataset: called(names[names.length - 1]), place: path };
  }
  const stats = statSync(path, { throwIfNoEntry: false });
  const place = resolve(path);
  if (stats?.isDirectory()) return { kind: 'folder', dataset: called(basename(place)), place };
  if (stats) {
    if (isTable(path)) return { kind: 'table', dataset: called(tableName(place)), place };
    return { kind: 'file', dataset: called(basename(dirname(place))), place };
  }
  if (!isPattern(path)) throw new BagpiperError(`${path}: there is no such file or folder; check the path.`);
  const { folder, rest } = patternParts(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BagpiperError(`${path}: the pattern begins with ${folder}, and there is no such folder; check the path.`);
  }
  return { kind: 'pattern', dataset: called(basename(resolve(folder))), place: resolve(folder), pattern: rest };
}

/** All that sources name, in a stable order. @throws BagpiperError (while iterating) when something cannot be read */
export function soundsOf(sources: readonly Source[], places: Places, signal?: AbortSignal): Inputs<Found> {
  return async function* (wanted) {
    for (const source of sources) {
      for await (const found of soundsAt(source, places, signal)) if (wanted(found.id)) yield found;
    }
  };
}

async function* soundsAt(
  { kind, dataset, place, pattern }: Source,
  places: Places,
  signal: AbortSignal | undefined,
): AsyncGenerator<Found, void, void> {
  const found = (path: string, uri: string): Found => ({ id: fileId(dataset, path), uri, dataset });
  switch (kind) {
    case 'table':
      yield* soundsIn(place, dataset);
      return;
    case 'file':
      yield found(basename(place), place);
      return;
    case 'bucket': {
      const folder = place.replace(/[^/]*$/, '');
      const root = /^s3:\/\/[^/]*$/.test(place) ? `${place}/` : folder;
      for await (const uri of places.objects(place, signal)) yield found(uri.slice(root.length), uri);
      return;
    }
    default: {
      const fits = pattern === undefined ? undefined : patternOf(pattern);
      for await (const path of filesBelow(place)) {
        if (!fits || fits.test(path)) yield found(path, `${place === '/' ? '' : place}/${path}`);
      }
    }
  }
}
