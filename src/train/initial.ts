/** What a language model starts from when it is trained from nothing. */
import { type BagpiperConfig, LETTERS, languageModelTensors } from '../model/index.js';
import type { Random } from '../random.js';

const DEVIATION = 0.02;
/** The adaptor's vectors start at about the size of embeddings, whatever the encoder's features are (they are of size 1). */
const ADAPTOR = 0.05;

/**
 * Initial parameters by name: normal numbers with deviation 0.02, smaller by the depth where a block adds to its input
 * (GPT-2's rule), ones for norms, zeros for biases and stream offsets. The same random numbers give the same model.
 */
export function initialLanguageModel(config: BagpiperConfig, random: Random): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const [name, shape] of languageModelTensors(config)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const constant = /norm/.test(name) ? 1 : /bias|stream_emb/.test(name) ? 0 : undefined;
    const scale = deviation(name, shape, config);
    values.set(
      name,
      Float32Array.from({ length: size }, () => constant ?? random.normal() * scale),
    );
  }
  return values;
}

/** The head that letters are read with in training, [{@link LETTERS}, hidden_size], starts as the head of the vocabulary does. */
export function initialSpelling({ hidden_size }: BagpiperConfig, random: Random): Float32Array {
  return Float32Array.from({ length: LETTERS * hidden_size }, () => random.normal() * DEVIATION);
}

function deviation(name: string, shape: readonly number[], config: BagpiperConfig): number {
  if (/o_proj|down_proj/.test(name)) return DEVIATION / Math.sqrt(2 * config.num_hidden_layers);
  if (name.startsWith('adaptor')) return ADAPTOR / Math.sqrt(shape[shape.length - 1]);
  return DEVIATION;
}
