/** One replica of the language model in training: its examples, its batches, and their gradients. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BagpiperConfig, TrainingSizes } from '../../model/index.js';
import { Tokenizer } from '../../text/index.js';
import type { ReplicaMaker, ReplicaPlace } from '../replicas.js';
import { examplesOf, readArrays } from './heard.js';
import { createStageTrainer, type StageSettings, Stream } from './lm.js';
import type { Example } from './samples.js';
import { listShards, readShard } from './shards.js';

/** Where the examples lie. */
export interface ExamplesOnDisk {
  /** folder of `npm run corpus` for one split */
  corpus: string;
  /** folder of features and codes of all of it (heard.ts) */
  heard: string;
  /** captions that the model gave its own clips (retell.ts), once there are any */
  told?: string;
}

/** What a replica is given. */
export interface LanguageShare {
  examples: readonly ExamplesOnDisk[];
  /** tokenizer.json */
  tokenizer: string;
  config: BagpiperConfig;
  sizes: TrainingSizes;
  stage: StageSettings;
  seed: string;
}

/** A replica's share of the clips: every so manieth shard, in the order of the corpus. */
function readExamples({ corpus, heard, told }: ExamplesOnDisk, { index, count }: ReplicaPlace): Example[] {
  const captions = told && existsSync(told) ? (JSON.parse(readFileSync(told, 'utf8')) as string[]) : [];
  const examples: Example[] = [];
  let first = 0;
  for (const [number, name] of listShards(corpus).entries()) {
    const shard = readShard(corpus, name);
    if (number % count === index) {
      const [features, codes] = ['features', 'codes'].map((kind) => readArrays(join(heard, `${name}.${kind}`)));
      examplesOf(shard, features, codes).forEach((clip, i) => {
        examples.push({ ...clip, told: captions[first + i] });
      });
    }
    first += shard.records.length;
  }
  return examples;
}

export const makeReplica: ReplicaMaker<LanguageShare> = async (share, parameters, place) => {
  const { config, sizes, stage, seed } = share;
  const examples = share.examples.flatMap((folders) => readExamples(folders, place));
  const tokenizer = Tokenizer.fromJson(JSON.parse(readFileSync(share.tokenizer, 'utf8')), share.tokenizer);
  const trainer = await createStageTrainer(stage, { config, sizes, parameters, threads: 1 });
  const stream = new Stream({ config, sizes, tokenizer }, stage, examples, `${seed}/replica/${place.index}`);
  return {
    async evaluate(step) {
      const { inputs, tokens } = stream.at(step);
      return { ...(await trainer.evaluate(inputs)), tokens };
    },
  };
};
