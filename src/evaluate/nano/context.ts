/** What every part of the evaluation is given. */
import { join } from 'node:path';
import { loadMono16k } from '../../audio/index.js';
import type { CorpusRecord, Scene } from '../../corpus/index.js';
import { BagpiperError } from '../../errors.js';
import type { Bagpiper } from '../../tasks/index.js';
import { listShards, readShard } from '../../train/nano/shards.js';
import { Results, type Tell } from './results.js';

/** A clip of the corpus with where its sound lies. */
export interface TestClip {
  record: CorpusRecord;
  scene: Scene;
  path: string;
}

export interface Context {
  bagpiper: Bagpiper;
  /** folder of raw results, for this model, corpus and settings alone */
  folder: string;
  seed: number;
  /** of text; 0 is greedy */
  temperature: number;
  /** takes of each rendering, of which the model keeps one */
  takes: number;
  /** requests in the engine at the same time */
  together: number;
  /** progress of a part */
  progress(part: string): Tell;
}

export interface ClipChoice {
  /** clips passed over before the first that is taken (default 0) */
  skip?: number;
  /** take clips of the split train, too: what comes of them tells what the model remembers, not how good it is */
  learned?: boolean;
}

/** The first clips of a corpus, in its order. @throws BagpiperError when there are fewer, or they are no test clips */
export function readClips(corpus: string, count: number, { skip = 0, learned = false }: ClipChoice = {}): TestClip[] {
  const clips: TestClip[] = [];
  const needed = skip + count;
  for (const name of listShards(corpus)) {
    const { folder, records } = readShard(corpus, name);
    for (const record of records) clips.push({ record, scene: record.scene, path: join(folder, record.audio) });
    if (clips.length >= needed) break;
  }
  const trained = clips.some(({ scene }) => scene.split === 'train');
  if (clips.length < needed) {
    const split = trained ? 'train' : 'test';
    throw new BagpiperError(
      `${corpus} holds ${clips.length} clips; ${needed} are needed: npm run corpus -- --out ${corpus} --split ${split} --scenes ${needed}`,
    );
  }
  if (trained && !learned) {
    throw new BagpiperError(
      `${corpus} is of the split "train", which the model was trained on; give a corpus made with --split test, or --learned to see what the model remembers.`,
    );
  }
  return clips.slice(skip, needed);
}

/** The samples of a clip, 16 kHz mono. */
export async function samplesOf(clip: TestClip): Promise<Float32Array> {
  return (await loadMono16k(clip.path)).samples;
}

/** A name for what depends on how many takes a rendering is the best of. */
export const ofTakes = ({ takes }: Context, name: string): string => (takes === 1 ? name : `${name}-${takes}-takes`);

export function resultsOf<T>(context: Context, part: string): Results<T> {
  return new Results<T>(join(context.folder, `${part}.jsonl`));
}
