/** The loop of every export: records with their sound's file and their split, in order, some sounds being read ahead. */
import type { AudioReference, Keyed } from '../types.js';
import { DEFAULT_VALID, type ExportOptions, type LeftOut } from './progress.js';
import { type SoundFile, SoundLeftOut, SoundStore, soundKey } from './sound.js';
import { type Split, Splitter } from './split.js';
import { inOrder } from './stream.js';

/** Sounds that are read at once. */
const WINDOW = 8;

export interface Ready<T> {
  record: T;
  sound: SoundFile;
  split: Split;
}

export class Each {
  private readonly sounds: SoundStore;
  private splitter: Splitter | undefined;

  /** @param folder for the sounds' files */
  constructor(
    private readonly run: string,
    folder: string,
    private readonly leftOut: LeftOut,
    private readonly options: ExportOptions,
  ) {
    this.sounds = new SoundStore(folder);
  }

  /** To be called at the end, however it ends. */
  close(): Promise<void> {
    return this.sounds.close();
  }

  /** Records whose sound cannot serve are counted as left out. @throws the signal's reason */
  async *of<T extends Keyed>(
    what: string,
    records: AsyncIterable<T>,
    audioOf: (record: T) => AudioReference,
  ): AsyncGenerator<Ready<T>> {
    const { run, sounds, leftOut } = this;
    const { signal, onProgress, valid = DEFAULT_VALID } = this.options;
    this.splitter ??= await Splitter.of(run, valid);
    let done = 0;
    const read = inOrder(records, WINDOW, async (record) => {
      signal?.throwIfAborted();
      try {
        return { record, sound: await sounds.file(audioOf(record), signal) };
      } catch (error) {
        if (error instanceof SoundLeftOut) return { record, reason: error.reason };
        throw error;
      }
    });
    for await (const { record, sound, reason } of read) {
      signal?.throwIfAborted();
      if (sound) yield { record, sound, split: this.splitter.of(soundKey(audioOf(record))) };
      else leftOut.add(record.id, reason);
      onProgress?.({ what, done: ++done, left: leftOut.count });
    }
  }
}
