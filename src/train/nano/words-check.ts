/** How much the words that are said help to foretell their sound. */
import type { BagpiperConfig, TrainingSizes } from '../../model/index.js';
import type { Tokenizer } from '../../text/index.js';
import { type Batch, layBatch } from '../batch.js';
import { buildSample, type Example, packSamples, type Sample } from './samples.js';

/** The same turns, each alone: after its own words, and after another clip's. */
export interface WordsCheck {
  own: Batch;
  other: Batch;
}

/**
 * As many turns as a batch holds, one of each clip. A model that does not use the words foretells both batches alike.
 *
 * @returns null where fewer than two clips have speech and codes
 */
export function wordsCheck(
  clips: readonly Example[],
  { config, sizes, tokenizer }: { config: BagpiperConfig; sizes: TrainingSizes; tokenizer: Tokenizer },
  seed: string,
): WordsCheck | null {
  const spoken = clips.filter(({ scene, codes }) => scene.speech.length > 0 && codes);
  if (spoken.length < 2) return null;
  const rows: { own: Sample[]; other: Sample[] }[] = [];
  let room = 0;
  for (const [i, example] of spoken.entries()) {
    const plan = { example: i, kind: 'say', seed: `${seed}/${i}` } as const;
    const { sentence } = spoken[(i + 1) % spoken.length].scene.speech[0];
    const speech = example.scene.speech.map((turn) => ({ ...turn, sentence, wordEnds: undefined }));
    const [own, other] = [example, { ...example, scene: { ...example.scene, speech } }].map((clip) =>
      buildSample(plan, clip, tokenizer, config),
    );
    const length = Math.max(own.grid.length, other.grid.length);
    if (length > sizes.rows) continue;
    if (length > room) {
      if (rows.length === sizes.batch) break;
      rows.push({ own: [], other: [] });
      room = sizes.rows;
    }
    room -= length;
    rows[rows.length - 1].own.push(own);
    rows[rows.length - 1].other.push(other);
  }
  // Where there are few clips, rows say the same again.
  const laid = (which: keyof WordsCheck): Batch => {
    const packed = Array.from({ length: sizes.batch }, (_, b) => packSamples(rows[b % rows.length][which], sizes.rows));
    return layBatch(packed, sizes, config);
  };
  return rows.length === 0 ? null : { own: laid('own'), other: laid('other') };
}
