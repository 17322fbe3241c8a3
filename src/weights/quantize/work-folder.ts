/**
 * The folder in which a conversion comes about, beside its final place: OUT.part with the files in their full size, what the
 * conversion is (`conversion.json`) and the names of the tensors that are on the disk (`finished.txt`). A stopped
 * conversion goes on from there; a finished one is renamed to OUT.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BagpiperError, messageOf } from '../../errors.js';
import { takeLock } from '../../lock.js';
import type { Layout } from './layout.js';

const CONVERSION = 'conversion.json';
const FINISHED = 'finished.txt';
/** Finished tensors are noted after so many bytes: noting waits for the disk. */
const NOTE_AFTER = 256 * 2 ** 20;
/** Room that must stay free. */
const SPARE = 64 * 2 ** 20;

export class WorkFolder {
  readonly path: string;
  /** tensors that an earlier run has finished */
  readonly kept: ReadonlySet<string>;
  private readonly open = new Map<string, number>();
  private journal: number;
  private pending: string[] = [];
  private pendingBytes = 0;
  private readonly release: () => void;

  /**
   * Opens the work folder of OUT, or makes it.
   *
   * @param fingerprint says what is converted into what; what an earlier run left is kept only where it is the same
   * @param noteAfter bytes after which finished tensors are noted
   * @throws BagpiperError where OUT exists or is being made by another process, the disk has no room, or the folder cannot
   *   be written
   */
  constructor(
    private readonly out: string,
    private readonly layout: Layout,
    fingerprint: string,
    private readonly noteAfter = NOTE_AFTER,
  ) {
    this.path = `${resolve(out)}.part`;
    if (existsSync(out)) throw new BagpiperError(`${out} exists already; choose another folder or remove it first.`);
    this.release = this.lock();
    try {
      const kept = this.leftBehind(fingerprint);
      this.kept = kept ?? new Set();
      if (!kept) this.begin(fingerprint);
      this.journal = openSync(join(this.path, FINISHED), 'a');
      for (const { name } of layout.files) this.open.set(name, openSync(join(this.path, name), 'r+'));
    } catch (error) {
      this.release();
      throw this.explained(error);
    }
  }

  /** Writes bytes of a tensor of the result from its byte `from` on. */
  write(name: string, from: number, bytes: Uint8Array): void {
    const { file, offset } = this.layout.places.get(name)!;
    this.put(this.open.get(file)!, offset + from, bytes);
    this.pendingBytes += bytes.length;
  }

  /** A source tensor is written whole. It is noted when it is known to be on the disk. */
  finished(source: string): void {
    this.pending.push(source);
    if (this.pendingBytes >= this.noteAfter) this.note();
  }

  /** Stops; what is finished stays. */
  close(): void {
    try {
      this.note();
    } finally {
      this.closeAll();
      this.release();
    }
  }

  /** Puts the result at its place. @param beside writes what belongs beside the weights */
  complete(beside: (folder: string) => void): void {
    try {
      this.note();
      this.closeAll();
      beside(this.path);
      if (existsSync(this.out))
        throw new BagpiperError(`${this.out} has come into being meanwhile; the result is in ${this.path}.`);
      renameSync(this.path, this.out);
      // Last: a process that is killed before leaves a folder that is gone on from.
      for (const name of [CONVERSION, FINISHED]) rmSync(join(this.out, name), { force: true });
    } catch (error) {
      throw this.explained(error);
    } finally {
      this.closeAll();
      this.release();
    }
  }

  /** Two processes at one folder would write into each other's files. */
  private lock(): () => void {
    try {
      const path = `${this.path}.lock`;
      return takeLock(
        path,
        () =>
          `${this.out} is being made by another process already; wait until it has ended, or remove ${path} if there is none.`,
      );
    } catch (error) {
      throw this.explained(error);
    }
  }

  /** Names of finished tensors where an earlier run did the same; undefined where there is nothing to go on from. */
  private leftBehind(fingerprint: string): Set<string> | undefined {
    if (!existsSync(this.path)) return undefined;
    const known = join(this.path, CONVERSION);
    if (!existsSync(known)) {
      if (readdirSync(this.path).length === 0) return undefined;
      throw new BagpiperError(
        `${this.path} is in the way: it holds something else than a conversion; remove it first.`,
      );
    }
    if (readFileSync(known, 'utf8') !== fingerprint) return undefined;
    // The last line may be cut; then its tensor is done again.
    const lines = readFileSync(join(this.path, FINISHED), 'utf8').split('\n');
    return new Set(lines.slice(0, -1));
  }

  private begin(fingerprint: string): void {
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(dirname(this.path), { recursive: true });
    const needed = this.layout.files.reduce((sum, { size }) => sum + size, SPARE);
    const { bavail, bsize } = statfsSync(dirname(this.path));
    if (bavail * bsize < needed) {
      throw new BagpiperError(
        `${this.out} needs ${(needed / 1e9).toFixed(1)} GB and the disk has ${((bavail * bsize) / 1e9).toFixed(1)} GB left; free some space or choose another disk.`,
      );
    }
    mkdirSync(this.path);
    // Says whose folder this is; what it says becomes true last.
    writeFileSync(join(this.path, CONVERSION), '');
    for (const { name, header, size } of this.layout.files) {
      const file = openSync(join(this.path, name), 'w');
      this.put(file, 0, header);
      ftruncateSync(file, size);
      closeSync(file);
    }
    writeFileSync(join(this.path, FINISHED), '');
    writeFileSync(join(this.path, CONVERSION), fingerprint);
  }

  private put(file: number, position: number, bytes: Uint8Array): void {
    try {
      let done = 0;
      while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done, position + done);
    } catch (error) {
      throw this.explained(error);
    }
  }

  private note(): void {
    if (this.pending.length === 0) return;
    try {
      for (const file of this.open.values()) fdatasyncSync(file);
      writeSync(this.journal, this.pending.map((name) => `${name}\n`).join(''));
      fdatasyncSync(this.journal);
    } catch (error) {
      throw this.explained(error);
    }
    this.pending = [];
    this.pendingBytes = 0;
  }

  private closeAll(): void {
    if (this.open.size === 0) return;
    for (const file of [...this.open.values(), this.journal]) closeSync(file);
    this.open.clear();
  }

  private explained(error: unknown): BagpiperError {
    if (error instanceof BagpiperError) return error;
    return new BagpiperError(
      `${this.path} could not be written: ${messageOf(error)}. Free some space or choose another folder; a second run goes on from here.`,
    );
  }
}
