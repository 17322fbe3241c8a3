/** Which clips of the test split the card shows: a fixed rule, which knows nothing of any model. */
import { join } from 'node:path';
import type { Scene } from '../../corpus/index.js';
import { scenePresence } from '../../corpus/words/caption.js';
import { BagpiperError } from '../../errors.js';
import { listShards, readShard } from '../../train/nano/shards.js';
import type { TestClip } from '../nano/context.js';

/** The kinds of clips, in the order of the card. */
export const KINDS_SHOWN = ['speech', 'music', 'sound', 'speech + music', 'speech + sound', 'music + sound'] as const;
export type KindShown = (typeof KINDS_SHOWN)[number];

/** Longer clips are passed over, so that the files stay small, seconds. */
export const LONGEST = 6;

export interface Chosen {
  kind: KindShown;
  /** to be heard: the first of its kind */
  heard: TestClip;
  /** to be rendered from its request: the second of its kind */
  rendered: TestClip;
}

/**
 * Of each kind the first two clips of at most {@link LONGEST} seconds, in the corpus's order, which is that of their ids.
 *
 * @throws BagpiperError where the corpus has not enough, or is of clips to train on
 */
export function chooseClips(corpus: string): Chosen[] {
  const found = new Map<string, TestClip[]>(KINDS_SHOWN.map((kind) => [kind, []]));
  for (const name of listShards(corpus)) {
    const { folder, records } = readShard(corpus, name);
    for (const record of records) {
      const { scene } = record;
      if (scene.split !== 'test') {
        throw new BagpiperError(`${corpus} is of the split "${scene.split}"; give a corpus made with --split test.`);
      }
      const list = found.get(kindOf(scene));
      if (scene.seconds <= LONGEST && list && list.length < 2) {
        list.push({ record, scene, path: join(folder, record.audio) });
      }
    }
    if ([...found.values()].every((list) => list.length === 2)) break;
  }
  return KINDS_SHOWN.map((kind) => {
    const [heard, rendered] = found.get(kind) ?? [];
    if (!heard || !rendered) {
      throw new BagpiperError(
        `${corpus} holds fewer than two clips of ${kind} up to ${LONGEST} s: npm run corpus -- --out ${corpus} --split test --scenes 100`,
      );
    }
    return { kind, heard, rendered };
  });
}

function kindOf(scene: Scene): string {
  const there = scenePresence(scene);
  return (['speech', 'music', 'sound'] as const).filter((kind) => there[kind]).join(' + ');
}
