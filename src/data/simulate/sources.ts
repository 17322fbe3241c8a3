/** What simulation takes from a run's folder: clips with their captions; and results of a stage by id. */
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BagpiperError } from '../../errors.js';
import { IdIndex } from '../run/ids.js';
import { headOf, type Inputs, rawLines, resultsIn } from '../run/lines.js';
import { stageFile } from '../run/run.js';
import type { Clip, Keyed, Label, Line } from '../types.js';
import { type Source, sourceOf } from './types.js';

const CLIPS = 'clips';
const LABELS = 'label';
const FILTERED = 'filter';
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
    const entry = this.index.find(id);
    if (entry < 0 || this.index.state(entry) !== 'result') return undefined;
    const line = JSON.parse(await this.lineAt(this.index.offset(entry))) as Line<O>;
    return 'result' in line ? line.result : undefined;
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

/**
 * Clips with finished captions, in the run's order: those that the filter kept, if there was a filter; else all that have
 * labels; in a run without labels, clips that came with captions.
 */
export function sourcesIn(run: string): Inputs<Source> {
  const has = (stage: string): boolean => existsSync(stageFile(run, stage));
  return async function* (wanted) {
    if (!has(LABELS)) {
      for await (const clip of resultsIn<Clip>(stageFile(run, CLIPS))(wanted)) {
        if (clip.caption?.trim()) yield sourceOf(clip, clip.caption);
      }
      return;
    }
    const clips = await Lookup.open<Clip>(stageFile(run, CLIPS));
    try {
      for await (const { id, caption, finish_reason } of has(FILTERED) ? kept(run, wanted) : labelled(run, wanted)) {
        const clip = await clips.get(id);
        if (clip && finish_reason === 'stop' && caption.trim() !== '') yield sourceOf(clip, caption);
      }
    } finally {
      await clips.close();
    }
  };
}

function labelled(run: string, wanted: (id: string) => boolean): AsyncIterable<Label> {
  return resultsIn<Label>(stageFile(run, LABELS))(wanted);
}

async function* kept(run: string, wanted: (id: string) => boolean): AsyncGenerator<Label, void, void> {
  const labels = await Lookup.open<Label>(stageFile(run, LABELS));
  try {
    for await (const { id } of resultsIn(stageFile(run, FILTERED))(wanted)) {
      const label = await labels.get(id);
      if (label) yield label;
    }
  } finally {
    await labels.close();
  }
}

/** Inputs of a step: for each result of the step before, those that it gives. */
export function inputsOfStep<P extends Keyed, I extends Keyed>(
  results: Inputs<P>,
  expand: (result: P) => I[],
): Inputs<I> {
  return async function* (wanted) {
    // Which ids a result gives is known only once it is read, so all of them are.
    for await (const result of results(() => true)) {
      for (const input of expand(result)) if (wanted(input.id)) yield input;
    }
  };
}
