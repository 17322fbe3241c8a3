/** A run: the folder that holds all that became of some sound, from clips to dialogues. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BagpiperError, messageOf } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import { takeLock } from '../../lock.js';
import type { Usage } from '../types.js';
import { Journal, syncFolder } from './journal.js';
import { FORMAT, type Manifest, readManifest, type StageEntry, writeManifest } from './manifest.js';
import { addUsage, noUsage } from './usage.js';

export interface OpenRunOptions {
  /** make it when it is not there; default false */
  create?: boolean;
}

/** A run that this process alone works on. */
export class Run {
  private written: Promise<void> = Promise.resolve();

  private constructor(
    readonly folder: string,
    private readonly manifest: Manifest,
    private readonly unlock: () => void,
  ) {}

  /**
   * Opens a run for work, as the only process.
   * @throws BagpiperError when there is none (or the folder holds something else), or another process works on it
   */
  static async open(folder: string, { create = false }: OpenRunOptions = {}): Promise<Run> {
    const path = resolve(folder);
    checkFolder(path, create);
    const unlock = lockIn(path);
    try {
      sweep(path);
      const manifest = readManifest(manifestIn(path));
      const run = new Run(path, manifest ?? { format: FORMAT, stages: {} }, unlock);
      if (!manifest) await run.save();
      await syncFolder(manifestIn(path));
      return run;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Where the file of a stage lies. */
  file(stage: string): string {
    return stageFile(this.folder, stage);
  }

  /** What is known about a stage; an entry without counts when it never ran. */
  entry(stage: string): StageEntry {
    return this.manifest.stages[stage] ?? newEntry();
  }

  /** Writes a stage's entry. */
  async update(stage: string, entry: StageEntry): Promise<void> {
    this.manifest.stages[stage] = entry;
    await this.save();
  }

  /** One write after another; each has what is newest when it begins. */
  private save(): Promise<void> {
    this.written = this.written.catch(() => {}).then(() => writeManifest(manifestIn(this.folder), this.manifest));
    return this.written;
  }

  /**
   * The file of a stage, to add to. Where the process ended between the two steps of replacing it, the second is done now.
   * @throws BagpiperError when it cannot be written
   */
  async takeUp(stage: string): Promise<Journal> {
    const { settling, ...entry } = this.entry(stage);
    const path = this.file(stage);
    if (settling) {
      // Replaced lines make the new file shorter than the old one; where there are none, nothing is to be counted.
      const replaced = existsSync(path) && statSync(path).size === settling.bytes;
      await this.update(stage, replaced ? { ...entry, ...droppedMore(entry, settling.dropped) } : entry);
    } else if (!existsSync(path) && entry.usage.total_tokens > 0) {
      // Deleted, to begin again: what it had cost stays spent.
      await this.update(stage, { ...newEntry(), ...droppedMore(entry, entry.usage) });
    }
    return Journal.open(path);
  }

  /** Tokens that a stage has taken so far, also where it was killed: counted in its file. For budgets. */
  async spent(stage: string): Promise<Usage> {
    const journal = await this.takeUp(stage);
    await journal.close();
    const usage = { ...journal.usage };
    addUsage(usage, this.entry(stage).dropped ?? noUsage());
    return usage;
  }

  /** Puts a stage's file into the order of `order`. See Journal.settle. */
  async settle(stage: string, journal: Journal, order: Uint32Array): Promise<void> {
    await journal.settle(order, (settling) => this.update(stage, { ...this.entry(stage), settling }));
    const { settling, ...entry } = this.entry(stage);
    if (settling) await this.update(stage, { ...entry, ...droppedMore(entry, settling.dropped) });
  }

  /**
   * Keeps prompts as they are used, in RUN/prompts.
   * @param texts by name, as in "label/caption.md"
   * @returns their sha256
   * @throws BagpiperError when a stage that has lines was run with other ones
   */
  async keepPrompts(stage: string, texts: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const before = existsSync(this.file(stage)) ? this.entry(stage).prompts : undefined;
    const sums: Record<string, string> = {};
    for (const [name, text] of Object.entries(texts)) {
      sums[name] = createHash('sha256').update(text).digest('hex');
      if (before && before[name] !== sums[name]) throw new BagpiperError(otherPrompt(this.folder, stage, name));
      const path = join(this.folder, 'prompts', name);
      await mkdir(dirname(path), { recursive: true });
      await writeFileAtomically(path, text);
    }
    return sums;
  }

  async close(): Promise<void> {
    await this.written.catch(() => {});
    this.unlock();
  }
}

/** Reads a run's manifest, also while another process works on it. @throws BagpiperError when there is no run */
export function manifestOf(folder: string): Manifest {
  const manifest = readManifest(manifestIn(folder));
  if (!manifest) throw new BagpiperError(`${folder}: is no run (there is no run.json in it); name the folder of one.`);
  return manifest;
}

/** Where the file of a stage lies in a run's folder. */
export function stageFile(folder: string, stage: string): string {
  return join(folder, `${stage}.jsonl`);
}

export function newEntry(): StageEntry {
  return { state: 'running', counts: { results: 0, aside: {}, errors: {} }, usage: noUsage() };
}

function manifestIn(folder: string): string {
  return join(folder, 'run.json');
}

function droppedMore(
  { dropped }: StageEntry,
  more: { total_tokens: number } & StageEntry['usage'],
): Partial<StageEntry> {
  const sum = { ...(dropped ?? noUsage()) };
  addUsage(sum, more);
  return sum.total_tokens > 0 ? { dropped: sum } : {};
}

function otherPrompt(folder: string, stage: string, name: string): string {
  return `${folder}: ${stage}.jsonl was begun with another ${name} (kept in prompts/); use that one with --prompts, name a new run, or delete ${stage}.jsonl to begin again.`;
}

/** Removes what processes left half-written when they were killed. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (/^run\.json\..*\.part$|^lock\.[0-9a-f-]{36}(\.dead)?$/.test(name)) rmSync(join(folder, name), { force: true });
  }
}

/** @throws BagpiperError when a living process holds the run, or its folder cannot be written to */
function lockIn(folder: string): () => void {
  const path = join(folder, 'lock');
  try {
    return takeLock(
      path,
      ({ pid, host }) =>
        `${folder}: the run is in use by process ${pid} on ${host}; wait for it or stop it (if it is gone, delete ${path}).`,
    );
  } catch (error) {
    if (error instanceof BagpiperError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new BagpiperError(`${path}: cannot be written (${code}); choose a folder that you may write to.`);
  }
}

/** @throws BagpiperError when no run can be in the folder */
function checkFolder(path: string, create: boolean): void {
  if (existsSync(manifestIn(path))) return;
  if (!create) throw new BagpiperError(`${path}: is no run (there is no run.json in it); name the folder of one.`);
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new BagpiperError(`${path}: no folder can be made here (${messageOf(error)}); name another one.`);
  }
  const others = readdirSync(path).filter((name) => !/^lock(\.|$)|\.part$/.test(name));
  if (others.length === 0) return;
  throw new BagpiperError(`${path}: this folder holds other things (${others[0]}); name a new or an empty one.`);
}
