/** Looks results of a stage up, in little memory. */
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BagpiperError } from '../../errors.js';
import type { Keyed, Line } from '../types.js';
import { IdIndex } from './ids.js';
import { headOf, rawLines } from './lines.js';

/** Bytes read at once: neighbours are usually asked for next. */
const WINDOW = 1 << 20;
const NEWLINE = 0x0a;

/**
 * Results of a stage by id, read from its file when asked for: 36 bytes an id in memory, whatever the order. Asked in the file's
 * order, it reads the file once.
 */
export class Lookup<O extends Keyed> {
  private window: Buffer = Buffer.alloc(0);
  private at = 0;

  private constructor(
    private readonly file: FileHandle,
    private readonly index: IdIndex,
  ) {}

  /** @throws BagpiperError when there is no such file */
  static async open<O extends Keyed>(path: string): Promise<Lookup<O>> {
    if (!existsSync(path)) {
      throw new BagpiperError(`${path}: there is no such file; run the stage that makes it first.`);
    }
    const index = new IdIndex();
    for await (const lines of rawLines(path)) {
      for (const line of lines) {
        const head = headOf(line);
        if (head) index.set(index.add(head.id), head, line.at);
      }
    }
    return new Lookup<O>(await open(path), index);
  }

  async get(id: string): Promise<O | undefined> {
    if (!this.has(id)) return undefined;
    const line = JSON.parse(await this.lineAt(this.index.offset(this.index.find(id)))) as Line<O>;
    return 'result' in line ? line.result : undefined;
  }

  /** Whether there is a result, which is not read for this. */
  has(id: string): boolean {
    const entry = this.index.find(id);
    return entry >= 0 && this.index.state(entry) === 'result';
  }

  close(): Promise<void> {
    return this.file.close();
  }

  private async lineAt(offset: number): Promise<string> {
    for (let size = WINDOW; ; size *= 2) {
      const start = offset - this.at;
      const end = start >= 0 && start < this.window.length ? this.window.indexOf(NEWLINE, start) : -1;
      if (end >= 0) return this.window.toString('utf8', start, end);
      const window = Buffer.allocUnsafe(size);
      const { bytesRead } = await this.file.read(window, 0, size, offset);
      this.window = window.subarray(0, bytesRead);
      this.at = offset;
      if (bytesRead < size && this.window.indexOf(NEWLINE) < 0) return this.window.toString('utf8');
    }
  }
}
