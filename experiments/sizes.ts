/** The three sizes of model that the experiments train, and the batches they are trained by. */
import { products, totalFlops } from '../bench/flops.js';
import { Graph, gradients } from '../src/graph/index.js';
import {
  type BagpiperConfig,
  type JsonObject,
  parseConfig,
  type TrainingSizes,
  trainingLoss,
} from '../src/model/index.js';

export type SizeName = 'small' | 'middle' | 'large';

/** Fields of config.json that differ from the shipped model's. */
export type SizeFields = Readonly<Record<(typeof FIELDS)[number], number>>;

const FIELDS = [
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
] as const;

const size = (hidden: number, intermediate: number, layers: number, headDim: number): SizeFields => ({
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_hidden_layers: layers,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: headDim,
});

/** Decoders of 0.4, 1.3 and 4.4 million numbers; the last is the shipped model's. */
export const SIZES: Readonly<Record<SizeName, SizeFields>> = {
  small: size(96, 256, 4, 24),
  middle: size(160, 384, 5, 40),
  large: size(256, 704, 6, 64),
};

/** Numbers in the decoder's layers: without embeddings, head and adaptor, whose size the vocabulary decides. */
export function decoderNumbers(fields: SizeFields): number {
  const { hidden_size: h, num_attention_heads: heads, num_key_value_heads: kv, head_dim: d } = fields;
  const layer = 2 * h * heads * d + 2 * h * kv * d + 3 * h * fields.intermediate_size + 2 * h + 2 * d;
  return fields.num_hidden_layers * layer;
}

/** A batch: two packed rows of 640 places, with room for what the densest mixture scores and hears. */
export const BATCH: TrainingSizes = {
  batch: 2,
  rows: 640,
  scored: 832,
  scoredCodes: 832,
  codecSoftmax: 'own',
  features: 832,
};

/** The shipped model's config with other sizes of the language model. */
export function sizedConfig(shipped: JsonObject, fields: SizeFields): BagpiperConfig {
  return parseConfig({ ...shipped, ...fields }, 'the sizes of the experiments');
}

/**
 * Floating-point operations of one training step: all matrix products of loss and gradients, counted from the graph as
 * bench/flops.ts does. Places that a batch leaves empty count too, so that every step of a size costs the same.
 */
export function stepFlops(config: BagpiperConfig, sizes: TrainingSizes): number {
  const graph = new Graph();
  const { loss } = trainingLoss(graph, config, sizes);
  graph.output('loss', loss);
  gradients(loss, [...graph.parameters.values()]).forEach((grad, i) => {
    graph.output(`grad/${i}`, grad);
  });
  return totalFlops(products(graph));
}
