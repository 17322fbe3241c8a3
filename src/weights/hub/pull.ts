/** A model from the hub, with the tokenizer that its weights were made for, into the cache or a folder. */
import { setMaxListeners } from 'node:events';
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { takeLock } from '../../lock.js';
import { Permits } from '../../permits.js';
import { type ConvertedFormat, convertedFolder, snapshotFolder } from './find.js';
import { Http, PACE, type Pace } from './http.js';
import { type HubFile, type Listing, listRepo } from './listing.js';
import { Meter, type Progress } from './meter.js';
import { parseRepo, type RepoName } from './names.js';
import { isWeights, type Skipped, select, TOKENIZER_FILES } from './select.js';
import { type Env, hubSettings } from './settings.js';
import { CacheShelf, FolderShelf, pointTo, type Shelf } from './shelf.js';
import { checkSpace } from './space.js';
import { diskFailure, transfer } from './transfer.js';

/** The published models were trained on this one's text ids and bring no tokenizer of their own. */
const TOKENIZER_REPO = 'Qwen/Qwen3-8B-Base';
const DEFAULT_JOBS = 8;

export type PullEvent =
  /** what there is to do; `present`: bytes that are there already */
  | { type: 'listed'; repo: string; commit: string; files: number; bytes: number; present: number; skipped: Skipped[] }
  | ({ type: 'progress' } & Progress)
  | { type: 'warning'; text: string };

export interface PullOptions {
  /** branch, tag or commit; default: `main`, or what stands after an `@` in the name */
  revision?: string;
  /** a folder for plain files; default: the hub's cache */
  out?: string;
  /** patterns of files to take; default: everything but training state, logs, pictures and such */
  include?: readonly string[];
  /** connections at once, 1 to 64; default 8 */
  jobs?: number;
  /** where the tokenizer of a model without one comes from; false: none. Default: {@link TOKENIZER_REPO} */
  tokenizer?: string | false;
  /** A step on the whole folder; its result is what is pulled. `out`, where given, is then its result's place. */
  convert?: { format: ConvertedFormat; run: (from: string, to: string, signal: AbortSignal) => Promise<void> };
  signal?: AbortSignal;
  onEvent?: (event: PullEvent) => void;
  /** default: this process's */
  env?: Env;
  pace?: Partial<Pace>;
}

export interface Pulled {
  repo: string;
  revision: string;
  commit: string;
  /** absolute */
  folder: string;
  files: number;
  /** of all files; `received`: what came over the network this time */
  bytes: number;
  received: number;
  skipped: Skipped[];
  /** where the tokenizer came from, if not with the model */
  tokenizer: { repo: string; commit: string } | undefined;
}

/** Files of one repository and where they go. */
interface Part {
  listing: Listing;
  wanted: HubFile[];
  shelf: Shelf;
}

/**
 * Pulls a model. Interrupted at any moment, by the signal or by a kill, it goes on next time where it stopped.
 *
 * @param name `org/name` or `org/name@revision`.
 * @throws BagpiperError for what the user can mend; ServerError where the hub fails; the signal's reason.
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<Pulled> {
  const { env = process.env, jobs = DEFAULT_JOBS } = options;
  const repo = parseRepo(name, options.revision);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) {
    throw new BagpiperError(`--jobs is ${jobs}; a whole number from 1 to 64 is accepted.`);
  }
  if (options.out !== undefined && statSync(options.out, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new BagpiperError(`--out ${options.out} is a file; a folder is accepted, which need not exist yet.`);
  }
  const settings = hubSettings(env);
  if (settings.offline) return offline(repo, options);
  const http = new Http(settings, { ...PACE, ...options.pace }, env);
  try {
    return await pullWith(http, repo, options);
  } finally {
    await http.close();
  }
}

async function pullWith(http: Http, repo: RepoName, options: PullOptions): Promise<Pulled> {
  const { env = process.env, signal = new AbortController().signal, convert, out } = options;
  const { cache } = http.settings;
  const shelfOf = (listing: Listing): Shelf => {
    const shared = new CacheShelf(cache, listing);
    return out === undefined || convert ? shared : new FolderShelf(resolve(out), listing, shared);
  };
  const listing = await listRepo(http, repo, signal);
  const { wanted, skipped } = select(repo.repo, listing.files, options.include);
  const main: Part = { listing, wanted, shelf: shelfOf(listing) };
  const tokenizer = await tokenizerOf(http, main, options, shelfOf, signal);
  const parts = tokenizer === undefined ? [main] : [tokenizer, main];
  const received = await fetchParts(http, parts, skipped, { ...options, signal });
  await unite(main, tokenizer).catch((error: unknown) => {
    throw diskFailure(error, main.shelf.folder);
  });
  let { folder } = main.shelf;
  if (convert) {
    const to = out === undefined ? convertedFolder(env, listing.repo, listing.commit, convert.format) : resolve(out);
    await convert.run(folder, to, signal);
    folder = to;
  }
  const files = parts.flatMap((part) => part.wanted);
  return {
    repo: listing.repo,
    revision: listing.revision,
    commit: listing.commit,
    folder,
    files: files.length,
    bytes: bytesOf(files),
    received,
    skipped,
    tokenizer: tokenizer && { repo: tokenizer.listing.repo, commit: tokenizer.listing.commit },
  };
}

/** The tokenizer's repository, where the model's has weights and no tokenizer. */
async function tokenizerOf(
  http: Http,
  { listing, wanted }: Part,
  { tokenizer = TOKENIZER_REPO }: PullOptions,
  shelfOf: (listing: Listing) => Shelf,
  signal: AbortSignal,
): Promise<Part | undefined> {
  const own = listing.files.some(({ path }) => path === 'tokenizer.json');
  if (tokenizer === false || own || !wanted.some(isWeights)) return undefined;
  const other = await listRepo(http, parseRepo(tokenizer), signal);
  const names = new Set<string>(TOKENIZER_FILES);
  const taken = new Set(wanted.map(({ path }) => path));
  const files = other.files.filter(({ path }) => names.has(path));
  if (!files.some(({ path }) => path === 'tokenizer.json')) {
    throw new BagpiperError(`${tokenizer} has no tokenizer.json; name another repository with --tokenizer.`);
  }
  return { listing: other, wanted: files.filter(({ path }) => !taken.has(path)), shelf: shelfOf(other) };
}

/** Fetches what is missing, several files at once, and puts it into place. @returns bytes that came */
async function fetchParts(
  http: Http,
  parts: readonly Part[],
  skipped: Skipped[],
  options: PullOptions & { signal: AbortSignal },
): Promise<number> {
  const { signal, onEvent = () => {}, jobs = DEFAULT_JOBS } = options;
  const locks = new Map(parts.map(({ shelf, listing }) => [shelf.lock, listing.repo]));
  const held: (() => void)[] = [];
  const { listing } = parts[parts.length - 1];
  const all = parts.flatMap(({ wanted }) => wanted);
  const meter = new Meter(bytesOf(all));
  let timer: NodeJS.Timeout | undefined;
  try {
    for (const [path, name] of [...locks].sort()) held.push(takeLock(path, () => heldBy(name, path)));
    const missing = await missingOf(parts, meter, signal);
    const { done: present } = meter.progress();
    const { repo, commit } = listing;
    onEvent({ type: 'listed', repo, commit, files: all.length, bytes: bytesOf(all), present, skipped });
    await checkSpace(parts[0].shelf.folder, toCome(missing));
    timer = setInterval(() => onEvent({ type: 'progress', ...meter.progress() }), 250);
    await fetchFiles(http, missing, meter, { ...options, jobs, onEvent });
    onEvent({ type: 'progress', ...meter.progress() });
    return meter.received;
  } catch (error) {
    throw diskFailure(error, parts[0].shelf.folder);
  } finally {
    clearInterval(timer);
    for (const release of held) release();
  }
}

const heldBy = (repo: string, path: string): string =>
  `${repo} is being pulled by another process already; wait until it has ended, or remove ${path} if there is none.`;

/** A file to fetch, with others of the same content that are served by it. */
interface Missing {
  part: Part;
  file: HubFile;
  twins: HubFile[];
}

async function missingOf(parts: readonly Part[], meter: Meter, signal: AbortSignal): Promise<Missing[]> {
  const missing = new Map<string, Missing>();
  for (const part of parts) {
    for (const file of part.wanted) {
      signal.throwIfAborted();
      if (await part.shelf.find(file, signal)) {
        meter.add(file.size, false);
        continue;
      }
      const place = part.shelf.incomplete(file);
      const first = missing.get(place);
      if (first === undefined) missing.set(place, { part, file, twins: [] });
      else first.twins.push(file);
    }
  }
  return [...missing.values()];
}

function toCome(missing: readonly Missing[]): number {
  const there = ({ part, file }: Missing): number => {
    const size = statSync(part.shelf.incomplete(file), { throwIfNoEntry: false })?.size ?? 0;
    return Math.min(size, file.size);
  };
  return missing.reduce((sum, one) => sum + one.file.size - there(one), 0);
}

async function fetchFiles(
  http: Http,
  missing: readonly Missing[],
  meter: Meter,
  options: PullOptions & { signal: AbortSignal; jobs: number; onEvent: (event: PullEvent) => void },
): Promise<void> {
  const { jobs, onEvent } = options;
  const permits = new Permits(jobs);
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  setMaxListeners(0, signal);
  const queue = [...missing];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { part, file, twins } = next;
      await transfer({
        http,
        repo: part.listing.repo,
        commit: part.listing.commit,
        file,
        incomplete: part.shelf.incomplete(file),
        permits,
        signal,
        onBytes: (bytes, fresh) => meter.add(bytes, fresh),
        onWarning: (text) => onEvent({ type: 'warning', text }),
      });
      await part.shelf.accept(file);
      for (const twin of twins) {
        await part.shelf.find(twin, signal);
        meter.add(twin.size, false);
      }
    }
  };
  // The first failure stops the others, which keep what they have; all have ended before it is told.
  await Promise.allSettled(
    Array.from({ length: Math.min(jobs, missing.length) }, async () => {
      try {
        await worker();
      } catch (error) {
        failed.abort(error);
      }
    }),
  );
  options.signal.throwIfAborted();
  failed.signal.throwIfAborted();
}

/** Brings model and tokenizer together in one folder and gives the model its name. */
async function unite(main: Part, tokenizer: Part | undefined): Promise<void> {
  await tokenizer?.shelf.finish();
  if (tokenizer?.shelf instanceof CacheShelf) {
    for (const file of tokenizer.wanted) {
      const name = join(main.shelf.folder, file.path);
      if (statSync(name, { throwIfNoEntry: false })?.size === file.size) continue;
      await pointTo(tokenizer.shelf.blob(file), name);
    }
  }
  await main.shelf.finish();
}

/** Without the network only what was pulled before can be had. */
function offline({ repo, revision = 'main' }: RepoName, { out, convert, env }: PullOptions): Pulled {
  const unset = 'unset HF_HUB_OFFLINE to let it be fetched';
  if (out !== undefined || convert) throw new BagpiperError(`HF_HUB_OFFLINE forbids to ask the hub; ${unset}.`);
  let folder: string;
  try {
    folder = snapshotFolder(`${repo}@${revision}`, env);
  } catch {
    throw new BagpiperError(`${repo} was not pulled before, and HF_HUB_OFFLINE forbids to ask the hub; ${unset}.`);
  }
  const commit = basename(folder);
  return { repo, revision, commit, folder, files: 0, bytes: 0, received: 0, skipped: [], tokenizer: undefined };
}

function bytesOf(files: readonly HubFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
