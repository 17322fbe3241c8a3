/** Where files are put: in the hub's cache, which all of its tools share, or in a folder of the user's. */

import { createHash, randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { copyFile, link, mkdir, open, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { writeFileAtomically } from '../../files.js';
import type { HubFile, Listing } from './listing.js';
import { folderName } from './names.js';

export interface Shelf {
  /** what the user gets: a folder with the files under their own names */
  readonly folder: string;
  /** held by one process at a time */
  readonly lock: string;
  /** The file is there, whole. A file that another revision has too is put in place. */
  find(file: HubFile, signal: AbortSignal): Promise<boolean>;
  /** Where the file grows. */
  incomplete(file: HubFile): string;
  /** Puts a file that has grown and is checked into its place. */
  accept(file: HubFile): Promise<void>;
  /** Everything is there. */
  finish(): Promise<void>;
}

/**
 * The cache: `models--org--name/` with `blobs/` (contents by checksum), `snapshots/COMMIT/` (names that point to them) and
 * `refs/` (the commit of a branch or tag), as described at huggingface.co/docs/hub/local-cache.
 */
export class CacheShelf implements Shelf {
  readonly folder: string;
  readonly lock: string;
  private readonly root: string;

  constructor(
    cache: string,
    private readonly listing: Listing,
  ) {
    const name = folderName(listing.repo);
    this.root = join(cache, name);
    this.folder = join(this.root, 'snapshots', listing.commit);
    this.lock = join(cache, '.locks', name, 'bagpiper.lock');
  }

  async find(file: HubFile): Promise<boolean> {
    const pointer = join(this.folder, file.path);
    if ((await sizeOf(pointer)) === file.size) return true;
    if ((await sizeOf(this.blob(file))) !== file.size) return false;
    await this.point(file);
    return true;
  }

  /** A name that the hub's Python tools go on with, as this goes on with theirs. */
  incomplete(file: HubFile): string {
    return `${this.blob(file)}.incomplete`;
  }

  async accept(file: HubFile): Promise<void> {
    await rename(this.incomplete(file), this.blob(file));
    await this.point(file);
  }

  /** The name of a branch or tag appears only now, so that it never leads to half a model. */
  async finish(): Promise<void> {
    const { revision, commit } = this.listing;
    if (revision !== commit) await writeAside(join(this.root, 'refs', revision), commit);
  }

  blob(file: HubFile): string {
    return join(this.root, 'blobs', file.digest.hex);
  }

  private point(file: HubFile): Promise<void> {
    return pointTo(this.blob(file), join(this.folder, file.path));
  }
}

/**
 * A folder of the user's with plain files. Notes beside them (`.cache/huggingface/download`, in the form of the hub's Python
 * tools) say which content a file is, so that it need not be read again.
 */
export class FolderShelf implements Shelf {
  readonly lock: string;
  private readonly notes: string;

  /** @param cache files that lie there already are copied, not fetched */
  constructor(
    readonly folder: string,
    private readonly listing: Listing,
    private readonly cache: CacheShelf,
  ) {
    this.notes = join(folder, '.cache', 'huggingface', 'download');
    this.lock = join(folder, '.cache', 'huggingface', 'bagpiper.lock');
  }

  async find(file: HubFile, signal: AbortSignal): Promise<boolean> {
    const path = join(this.folder, file.path);
    const stats = await statOf(path);
    if (stats?.isFile() && stats.size === file.size) {
      if (await this.isNoted(file, stats)) return true;
      if ((await digestOf(path, file, signal)) === file.digest.hex) {
        await this.note(file);
        return true;
      }
    }
    const blob = this.cache.blob(file);
    if ((await sizeOf(blob)) !== file.size) return false;
    await mkdir(dirname(this.incomplete(file)), { recursive: true });
    await copyFile(blob, this.incomplete(file), constants.COPYFILE_FICLONE);
    await this.accept(file);
    return true;
  }

  incomplete(file: HubFile): string {
    return join(this.notes, `${file.path}.${file.digest.hex}.incomplete`);
  }

  async accept(file: HubFile): Promise<void> {
    const path = join(this.folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    await rename(this.incomplete(file), path);
    await this.note(file);
  }

  async finish(): Promise<void> {
    // So that git, where the folder is part of a repository, does not see the notes.
    await writeAside(join(this.folder, '.cache', 'huggingface', '.gitignore'), '*\n');
  }

  /** Three lines: commit, checksum, and when, in seconds; a file that changed later is another. */
  private async note(file: HubFile): Promise<void> {
    const { mtimeMs } = await stat(join(this.folder, file.path));
    const text = `${this.listing.commit}\n${file.digest.hex}\n${Math.max(Date.now(), mtimeMs) / 1000}\n`;
    await writeAside(join(this.notes, `${file.path}.metadata`), text);
  }

  private async isNoted(file: HubFile, { mtimeMs }: Stats): Promise<boolean> {
    try {
      const text = await readFile(join(this.notes, `${file.path}.metadata`), 'utf8');
      const [, hex, seconds] = text.split('\n');
      return hex === file.digest.hex && mtimeMs / 1000 <= Number(seconds) + 1;
    } catch {
      return false;
    }
  }
}

/** Ways to make a name for a file that exists, best first. */
export const WAYS: readonly ((target: string, name: string) => Promise<void>)[] = [
  // Relative, so that the cache can be moved.
  (target, name) => symlink(relative(dirname(name), target), name),
  link,
  (target, name) => copyFile(target, name, constants.COPYFILE_FICLONE),
];

/**
 * Makes a name for a file: a symbolic link, else (Windows without the right to make them, some network disks) a hard link, else
 * a copy.
 */
export async function pointTo(target: string, name: string, ways = WAYS): Promise<void> {
  await mkdir(dirname(name), { recursive: true });
  const aside = `${name}.${randomUUID()}.part`;
  try {
    for (const [index, way] of ways.entries()) {
      try {
        await way(target, aside);
        break;
      } catch (error) {
        if (index === ways.length - 1) throw error;
      }
    }
    await rename(aside, name);
  } finally {
    await rm(aside, { force: true });
  }
}

/** A file's checksum, in the way of `file`. @throws the signal's reason */
async function digestOf(path: string, file: HubFile, signal: AbortSignal): Promise<string> {
  const git = file.digest.algorithm === 'git';
  const hash = createHash(git ? 'sha1' : 'sha256');
  if (git) hash.update(`blob ${file.size}\0`);
  const handle = await open(path, 'r');
  try {
    for await (const block of handle.createReadStream({ highWaterMark: 2 ** 20, autoClose: false })) {
      signal.throwIfAborted();
      hash.update(block as Uint8Array);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

async function writeAside(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomically(path, text);
}

async function statOf(path: string): Promise<Stats | undefined> {
  return await stat(path).catch(() => undefined);
}

async function sizeOf(path: string): Promise<number | undefined> {
  const stats = await statOf(path);
  return stats?.isFile() ? stats.size : undefined;
}
