/** Which records are held out: decided by their sound, so that a clip's caption and its dialogues are on the same side. */
import { audioOfCaption, audioOfDialogue, captionsOf, contentsOf, dialoguesOf, isSpeech } from './records.js';
import { soundKey } from './sound.js';

export type Split = 'train' | 'valid';

export class Splitter {
  /** sounds whose side is not left to chance */
  private readonly fixed = new Map<string, Split>();

  private constructor(private readonly share: number) {}

  /**
   * @param share part that is held out, 0 to 1. Where it is above 0, every kind of record has something on both sides, if it
   *   has two sounds.
   */
  static async of(run: string, share: number): Promise<Splitter> {
    const splitter = new Splitter(share);
    if (share === 0) return splitter;
    const { captions, dialogues } = contentsOf(run);
    if (captions) await splitter.balance(keysOf(captionsOf(run), audioOfCaption));
    if (dialogues.length > 0) {
      for (const speech of [false, true]) {
        await splitter.balance(keysOf(dialoguesOf(run), (d) => (isSpeech(d) === speech ? audioOfDialogue(d) : null)));
      }
    }
    return splitter;
  }

  /** @param key of `soundKey`: hexadecimal, as good as random */
  of(key: string): Split {
    const byChance = Number.parseInt(key.slice(0, 8), 16) / 2 ** 32 < this.share ? 'valid' : 'train';
    return this.fixed.get(key) ?? byChance;
  }

  /** Moves one sound where all would be on one side. In large runs the first few records tell that none must. */
  private async balance(keys: AsyncIterable<string>): Promise<void> {
    const seen = new Set<Split>();
    const first = new Set<string>();
    let movable: string | undefined;
    for await (const key of keys) {
      seen.add(this.of(key));
      if (seen.size === 2) return;
      if (first.size < 2) first.add(key);
      if (movable === undefined && !this.fixed.has(key)) movable = key;
    }
    if (movable === undefined) return;
    // A single sound is to be learned from.
    if (first.size === 1) this.fixed.set(movable, 'train');
    else this.fixed.set(movable, seen.has('train') ? 'valid' : 'train');
  }
}

async function* keysOf<T>(
  records: AsyncIterable<T>,
  audioOf: (record: T) => Parameters<typeof soundKey>[0] | null,
): AsyncGenerator<string> {
  for await (const record of records) {
    const audio = audioOf(record);
    if (audio) yield soundKey(audio);
  }
}
