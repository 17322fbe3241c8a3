/** Models that were pulled before, found without the network. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { folderName, isCommit, parseRepo } from './names.js';
import { cacheOf, type Env, homeOf } from './settings.js';

/** Number formats that a pulled model may have been converted to, best first. */
const CONVERTED = ['q4', 'q8'] as const;
export type ConvertedFormat = (typeof CONVERTED)[number];

/** Where a pulled model lies in another number format. The hub's tools know nothing of this folder. */
export function convertedFolder(env: Env, repo: string, commit: string, format: ConvertedFormat): string {
  return join(homeOf(env), 'bagpiper', folderName(repo), `${commit}-${format}`);
}

/**
 * The folder of a pulled model that can be run: converted where that was done, else as published.
 *
 * @param name `org/name` or `org/name@revision`.
 * @throws BagpiperError with the command that pulls it, or converts it.
 */
export function pulledFolder(name: string, env: Env = process.env): string {
  const { repo } = parseRepo(name);
  const snapshot = snapshotFolder(name, env);
  const commit = basename(snapshot);
  const converted = CONVERTED.map((format) => convertedFolder(env, repo, commit, format));
  const found = [...converted, snapshot].find((folder) => existsSync(join(folder, 'config.json')));
  if (found !== undefined) return found;
  throw new BagpiperError(
    `${name} lies here as it is published and must be converted once: bagpiper convert "${snapshot}" "${converted[0]}".`,
  );
}

/**
 * The folder of a pulled model as published.
 *
 * @throws BagpiperError with the command that pulls it.
 */
export function snapshotFolder(name: string, env: Env = process.env): string {
  const { repo, revision } = parseRepo(name);
  const root = join(cacheOf(env), folderName(repo));
  const commit = commitOf(root, revision ?? 'main');
  const snapshot = commit === undefined ? undefined : join(root, 'snapshots', commit);
  if (snapshot === undefined || !isFolder(snapshot)) throw new BagpiperError(absent(name, repo, revision, root));
  return snapshot;
}

function commitOf(root: string, revision: string): string | undefined {
  if (isCommit(revision)) return revision;
  try {
    const commit = readFileSync(join(root, 'refs', revision), 'utf8').trim();
    return isCommit(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

function absent(name: string, repo: string, revision: string | undefined, root: string): string {
  const command = `bagpiper pull ${repo}${revision === undefined ? '' : ` --revision ${revision}`}`;
  if (names(join(root, 'blobs')).some((file) => file.endsWith('.incomplete'))) {
    return `${name} has not come whole yet; "${command}" goes on where it stopped.`;
  }
  const others = [...names(join(root, 'refs')), ...names(join(root, 'snapshots'))];
  const have = others.length === 0 ? '' : ` (there are the revisions ${others.slice(0, 5).join(', ')})`;
  return `${name} is no folder here, and no model that was pulled${have}; "${command}" gets it from the hub.`;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
