/** Which records are held out: decided by their sound, so that a clip's caption and its dialogues are on the same side. */
import { captionsOf, contentsOf, dialoguesOf } from './records.js';
import { soundKey } from './sound.js';

export type Split = 'train' | 'valid';

/** @param share part that is held out, 0 to 1; the first record of each kind always is, where there are more */
export class Splitter {
  private constructor(
    private readonly share: number,
    private readonly held: ReadonlySet<string>,
  ) {}

  static async of(run: string, share: number): Promise<Splitter> {
    const held = new Set<string>();
    if (share > 0) {
      const { captions, dialogues } = contentsOf(run);
      const first = [
        captions ? await firstOf(captionsOf(run), ({ clip }) => soundKey(clip.audio)) : undefined,
        dialogues.length > 0 ? await firstOf(dialoguesOf(run), ({ audio }) => soundKey(audio)) : undefined,
      ];
      for (const key of first) if (key !== undefined) held.add(key);
    }
    return new Splitter(share, held);
  }

  /** @param key of {@link soundKey}: hexadecimal, as good as random */
  of(key: string): Split {
    return this.held.has(key) || Number.parseInt(key.slice(0, 8), 16) / 2 ** 32 < this.share ? 'valid' : 'train';
  }
}

/** The key of the first of two different ones; undefined where all have the same: nothing would be left to learn. */
async function firstOf<T>(records: AsyncIterable<T>, keyOf: (record: T) => string): Promise<string | undefined> {
  let first: string | undefined;
  for await (const record of records) {
    const key = keyOf(record);
    if (first !== undefined && key !== first) return first;
    first ??= key;
  }
  return undefined;
}
