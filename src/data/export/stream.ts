/** Lines in and out without holding files: JSONL read as it comes, files written aside and renamed when whole. */
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { createGunzip, createGzip, type Gzip } from 'node:zlib';
import { BagpiperError, messageOf } from '../../errors.js';

/** The JSON values of a .jsonl file in order; a last line that a kill cut short is left out. @throws BagpiperError naming the line */
export async function* jsonLines<T>(path: string): AsyncGenerator<T> {
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    if (line.text.trim() === '') continue;
    let value: T;
    try {
      value = JSON.parse(line.text) as T;
    } catch (error) {
      if (!line.whole) return;
      throw new BagpiperError(`${path}, line ${number} is no JSON: ${messageOf(error)}.`);
    }
    yield value;
  }
}

/** Split at line feeds alone: what else Unicode calls a line's end may stand within a JSON text. */
async function* linesOf(path: string): AsyncGenerator<{ text: string; whole: boolean }> {
  let rest = '';
  for await (const chunk of textOf(path)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const text of lines) yield { text, whole: true };
  }
  if (rest !== '') yield { text: rest, whole: false };
}

function textOf(path: string): AsyncIterable<string> {
  const file = createReadStream(path);
  return (path.endsWith('.gz') ? file.pipe(createGunzip()) : file).setEncoding('utf8') as AsyncIterable<string>;
}

/** A file that is being written beside its final name. */
export class AsideFile {
  private readonly file: WriteStream;
  private readonly gzip: Gzip | undefined;
  private failure: Error | undefined;

  private constructor(
    private readonly path: string,
    gzip: boolean,
  ) {
    this.file = createWriteStream(`${path}.part`);
    this.file.on('error', (error) => {
      this.failure = error;
    });
    if (gzip) {
      this.gzip = createGzip();
      this.gzip.pipe(this.file);
    }
  }

  /** A name ending in .gz is compressed. The folder is made. */
  static async open(path: string): Promise<AsideFile> {
    await mkdir(dirname(path), { recursive: true });
    return new AsideFile(path, path.endsWith('.gz'));
  }

  /** @throws BagpiperError where the disk is full or the folder cannot be written */
  async write(text: string): Promise<void> {
    const into = this.gzip ?? this.file;
    if (!into.write(text) && !this.failure) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          into.off('drain', go);
          this.file.off('error', go);
          resolve();
        };
        into.on('drain', go);
        this.file.on('error', go);
      });
    }
    if (this.failure) this.complain(this.failure);
  }

  /** Flushes and gives the file its name. */
  async close(): Promise<void> {
    try {
      (this.gzip ?? this.file).end();
      await finished(this.file);
      await rename(`${this.path}.part`, this.path);
    } catch (error) {
      this.complain(error);
    }
  }

  /** Gives up: nothing is left under either name that was not there before. */
  async abandon(): Promise<void> {
    this.gzip?.destroy();
    this.file.destroy();
    await rm(`${this.path}.part`, { force: true });
  }

  private complain(error: unknown): never {
    throw new BagpiperError(
      `${this.path} cannot be written: ${messageOf(error)}. Free some space or choose another folder.`,
    );
  }
}

/** Files that appear together: all are renamed at the end, or none. */
export class AsideFiles {
  private readonly open = new Map<string, AsideFile>();

  async line(path: string, value: unknown): Promise<void> {
    await this.text(path, `${JSON.stringify(value)}\n`);
  }

  async text(path: string, text: string): Promise<void> {
    let file = this.open.get(path);
    if (!file) {
      file = await AsideFile.open(path);
      this.open.set(path, file);
    }
    await file.write(text);
  }

  async close(): Promise<void> {
    for (const file of this.open.values()) await file.close();
  }

  async abandon(): Promise<void> {
    for (const file of this.open.values()) await file.abandon();
  }
}

/** Results of `work` in the order of the inputs, with up to `window` at work at once. */
export async function* inOrder<I, O>(
  inputs: AsyncIterable<I>,
  window: number,
  work: (input: I) => Promise<O>,
): AsyncGenerator<O> {
  const running: Promise<O>[] = [];
  try {
    for await (const input of inputs) {
      const result = work(input);
      // Its failure is seen when its turn comes; until then it must not count as unhandled.
      result.catch(() => {});
      running.push(result);
      if (running.length >= window) yield await (running.shift() as Promise<O>);
    }
    while (running.length > 0) yield await (running.shift() as Promise<O>);
  } finally {
    // Nothing goes on behind the caller's back.
    await Promise.allSettled(running);
  }
}
