/**
 * A stage's file: lines appended in the order of completion, each safe on the disk before anyone hears of it, and put into
 * the order of the inputs when the stage is through. A record may get several lines while it fails; the last one counts.
 */
import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BagpiperError, messageOf } from '../../errors.js';
import type { Line, Usage } from '../types.js';
import { IdIndex } from './ids.js';
import { headOf, lineText, type RawLine, rawLines, usageOf } from './lines.js';
import { copyLines } from './sorting.js';
import { addUsage, noUsage } from './usage.js';

interface Batch {
  texts: Buffer[];
  done: Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** What a rewritten file holds. */
export interface Rewritten {
  /** size in bytes */
  bytes: number;
  /** tokens of lines that were left out, since later ones replace them */
  dropped: Usage;
}

export class Journal {
  readonly index = new IdIndex();
  /** tokens of all lines in the file */
  usage = noUsage();
  /** lines that were no lines of ours: torn by a loss of power, or written by others */
  damaged = 0;
  /** lines that later ones replace */
  private replaced = 0;
  /** bytes given to the file, those on their way included, and those known to be on the disk */
  private size = 0;
  private safe = 0;
  private batch: Batch | undefined;
  private flushing: Promise<void> | undefined;
  private failure: BagpiperError | undefined;

  private constructor(
    readonly path: string,
    private file: FileHandle,
  ) {}

  /** Takes up a file, or makes one. @throws BagpiperError when it cannot be written */
  static async open(path: string): Promise<Journal> {
    const fresh = !existsSync(path);
    const file = await open(path, fresh ? 'w+' : 'r+').catch((error: unknown) => {
      throw new BagpiperError(`${path}: cannot be written: ${messageOf(error)}.`);
    });
    const journal = new Journal(path, file);
    try {
      if (fresh) await syncFolder(path);
      else await journal.takeUp();
    } catch (error) {
      await file.close();
      throw error;
    }
    return journal;
  }

  private async takeUp(): Promise<void> {
    await rm(`${this.path}.part`, { force: true });
    const pieces = rawLines(this.path);
    for (let step = await pieces.next(); ; step = await pieces.next()) {
      if (step.done) {
        const { whole, size } = step.value;
        if (whole < size) await this.file.truncate(whole);
        this.size = this.safe = whole;
        break;
      }
      // A line of JSON holds no zeros; pages that never reached the disk are full of them.
      const torn = step.value[0].bytes.includes(0);
      for (const line of step.value) this.takeLine(line, torn);
    }
    await this.file.datasync();
  }

  private takeLine(line: RawLine, torn: boolean): void {
    const whole = !torn || !line.bytes.subarray(line.start, line.end).includes(0);
    const head = whole ? headOf(line) : undefined;
    if (!head) {
      this.damaged++;
      return;
    }
    const entry = this.index.add(head.id);
    const before = this.index.state(entry);
    if (before !== 'none') this.replaced++;
    // A result is final; a later line can only come from a file that was tampered with.
    if (before !== 'result') this.index.set(entry, head, line.at);
    const usage = usageOf(line);
    if (usage) addUsage(this.usage, usage);
  }

  /**
   * Adds a line. Resolves when it is safe on the disk.
   * @throws BagpiperError when the disk takes no more
   */
  append(line: Line): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    const text = Buffer.from(lineText(line));
    const entry = this.index.add(line.id);
    if (this.index.state(entry) !== 'none') this.replaced++;
    const state = 'result' in line ? 'result' : 'aside' in line ? 'aside' : 'error';
    const kind = 'aside' in line ? line.aside.kind : 'error' in line ? line.error.kind : '';
    this.index.set(entry, { state, kind }, this.size);
    if (line.usage) addUsage(this.usage, line.usage);
    this.size += text.length;
    this.batch ??= newBatch();
    this.batch.texts.push(text);
    const { done } = this.batch;
    this.flushing ??= this.flush();
    return done;
  }

  /** Writes what there is, as long as there is something: all that comes during one write goes out with the next. */
  private async flush(): Promise<void> {
    // Lines that end in the same moment go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.batch) {
      const batch = this.batch;
      this.batch = undefined;
      try {
        if (this.failure) throw this.failure;
        await this.write(Buffer.concat(batch.texts));
        batch.resolve();
      } catch (error) {
        batch.reject(error);
      }
    }
    this.flushing = undefined;
  }

  private async write(bytes: Buffer): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        at += (await this.file.write(bytes, at, bytes.length - at, this.safe + at)).bytesWritten;
      }
      await this.file.datasync();
      this.safe += bytes.length;
    } catch (error) {
      const full = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
      const why = full ? 'the disk is full; free some space and call the same command again' : messageOf(error);
      this.failure = new BagpiperError(`${this.path}: cannot be written: ${why}.`);
      // Half a line at the end would spoil the next one; where this fails too, the next opening does it.
      await this.file.truncate(this.safe).catch(() => {});
      throw this.failure;
    }
  }

  /**
   * Puts the lines into an order, replaced and damaged ones left out, unless they are in it already. Nothing may be appended
   * meanwhile.
   * @param order entries of the index; those with lines that are not in it follow in the order they have
   * @param before is told what will be, before the new file takes the old one's place
   */
  async settle(order: Uint32Array, before: (what: Rewritten) => Promise<void>): Promise<void> {
    await this.flushing;
    if (this.failure) throw this.failure;
    const entries = this.complete(order);
    if (this.replaced === 0 && this.damaged === 0 && this.isOrdered(entries)) return;
    const part = `${this.path}.part`;
    const { bytes, usage, offsets } = await copyLines(this.path, part, entries, this.index);
    await before({ bytes, dropped: difference(this.usage, usage) });
    await this.file.close();
    await rename(part, this.path);
    await syncFolder(this.path);
    this.file = await open(this.path, 'r+');
    for (const [at, entry] of entries.entries()) this.index.move(entry, offsets[at]);
    this.usage = usage;
    this.size = this.safe = bytes;
    this.replaced = this.damaged = 0;
  }

  /** Entries that have lines: those of `order` first, then the others as they lie. */
  private complete(order: Uint32Array): Uint32Array {
    const { index } = this;
    const listed = new Uint8Array(Math.ceil(index.size / 8));
    const entries = order.filter((entry) => {
      if (index.state(entry) === 'none') return false;
      listed[entry >> 3] |= 1 << (entry & 7);
      return true;
    });
    const rest: number[] = [];
    for (let entry = 0; entry < index.size; entry++) {
      if (index.state(entry) !== 'none' && !(listed[entry >> 3] & (1 << (entry & 7)))) rest.push(entry);
    }
    if (rest.length === 0) return entries;
    rest.sort((a, b) => index.offset(a) - index.offset(b));
    const all = new Uint32Array(entries.length + rest.length);
    all.set(entries);
    all.set(rest, entries.length);
    return all;
  }

  private isOrdered(entries: Uint32Array): boolean {
    for (let i = 1; i < entries.length; i++) {
      if (this.index.offset(entries[i - 1]) >= this.index.offset(entries[i])) return false;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.flushing;
    await this.file.close();
  }
}

function newBatch(): Batch {
  let resolve = (): void => {};
  let reject = (_: unknown): void => {};
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { texts: [], done, resolve, reject };
}

function difference(all: Usage, part: Usage): Usage {
  return {
    prompt_tokens: all.prompt_tokens - part.prompt_tokens,
    completion_tokens: all.completion_tokens - part.completion_tokens,
    total_tokens: all.total_tokens - part.total_tokens,
  };
}

/** Makes a new or renamed file's name as safe as its content; some systems cannot. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(dirname(path));
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows has no such thing
  }
}
