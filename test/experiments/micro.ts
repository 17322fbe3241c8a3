/** A corpus and a model, both tiny and random: experiments on them run in seconds and mean nothing. */
import { join } from 'node:path';
import { Material } from '../../experiments/material.js';
import type { SizeFields } from '../../experiments/sizes.js';
import type { TrainingSizes } from '../../src/model/index.js';
import { writeRandomModel } from '../evaluate/random-model.js';
import { writeSmallCorpus } from '../evaluate/small-corpus.js';

const TINY: SizeFields = {
  ...{ hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1 },
  head_dim: 8,
};

export const SIZES: TrainingSizes = {
  ...{ batch: 1, rows: 1200, scored: 700, scoredCodes: 60, codecSoftmax: 'own', features: 200 },
};
export const COUNTS = { captions: 2, questions: 3, renderings: 2, longest: 12 };

/** Writes the folders `corpus` and `model`. */
export async function writeMicro(root: string): Promise<void> {
  const [corpus, model] = ['corpus', 'model'].map((name) => join(root, name));
  const train = writeSmallCorpus(join(corpus, 'train'), 8, 'train');
  writeSmallCorpus(join(corpus, 'valid'), 4, 'test');
  await writeRandomModel(
    model,
    train.map(({ scene }) => scene),
  );
}

export function openMicro(root: string): Promise<Material> {
  const [corpus, heard, model] = ['corpus', 'heard', 'model'].map((name) => join(root, name));
  const sizes = { small: TINY, middle: TINY, large: TINY };
  return Material.open({ corpus, heard, model, threads: 1, sizes });
}
