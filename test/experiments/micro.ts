/** A corpus, what was heard of it, and a model, all tiny and random: experiments on them run in seconds and mean nothing. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Material } from '../../experiments/material.js';
import type { SizeFields } from '../../experiments/sizes.js';
import { loadMono16k } from '../../src/audio/index.js';
import type { CorpusRecord } from '../../src/corpus/index.js';
import { openModel } from '../../src/model/bagpiper.js';
import { openCodec } from '../../src/model/codec/open.js';
import type { TrainingSizes } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { writeRandomModel } from '../evaluate/random-model.js';
import { writeSmallCorpus } from '../evaluate/small-corpus.js';

const TINY: SizeFields = {
  ...{ hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1 },
  head_dim: 8,
};
/** Features of a clip of a second, as many numbers as the random model's encoder gives. */
const [TOKENS, WIDTH] = [13, 16];

export const SIZES: TrainingSizes = {
  ...{ batch: 1, rows: 1200, scored: 700, scoredCodes: 60, codecSoftmax: 'own', features: 200 },
};
export const COUNTS = { captions: 2, questions: 3, renderings: 2, longest: 12 };

/** Writes the folders `corpus`, `heard` and `model`. */
export async function writeMicro(root: string): Promise<void> {
  const [corpus, heard, model] = ['corpus', 'heard', 'model'].map((name) => join(root, name));
  const records = {
    train: writeSmallCorpus(join(corpus, 'train'), 8, 'train'),
    valid: writeSmallCorpus(join(corpus, 'valid'), 4, 'test'),
  };
  await writeRandomModel(
    model,
    records.train.map(({ scene }) => scene),
  );
  const codec = openCodec(openModel(model), 1)!;
  for (const [split, list] of Object.entries(records)) {
    const folder = join(heard, split);
    mkdirSync(folder, { recursive: true });
    const codes: Float32Array[] = [];
    for (const { audio } of list as CorpusRecord[]) {
      const { samples } = await loadMono16k(join(corpus, split, 'shard-00000', audio));
      codes.push(Float32Array.from(await codec.encode(samples)));
    }
    const random = new Random(split);
    const features = list.map(() => Float32Array.from({ length: TOKENS * WIDTH }, () => random.normal()));
    writeFileSync(join(folder, 'shard-00000.codes'), arrays(codes));
    writeFileSync(join(folder, 'shard-00000.features'), arrays(features));
  }
  await codec.release();
}

/** Each array with its length before it, as train/nano/heard.ts writes them. */
function arrays(list: readonly Float32Array[]): Buffer {
  return Buffer.concat(
    list.flatMap((array) => [Buffer.from(Uint32Array.of(array.length).buffer), Buffer.from(array.buffer)]),
  );
}

export function openMicro(root: string): Promise<Material> {
  const [corpus, heard, model] = ['corpus', 'heard', 'model'].map((name) => join(root, name));
  const sizes = { small: TINY, middle: TINY, large: TINY };
  return Material.open({ corpus, heard, model, threads: 1, sizes });
}
