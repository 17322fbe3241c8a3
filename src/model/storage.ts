/**
 * How a model's tensors are stored: which matrices go into blocks of few bits, in which order everything is written, and
 * the groups by which tensors are counted. Reasons and measurements: docs/quantization.md.
 */
import { BagpiperError } from '../errors.js';
import type { Bits } from '../graph/index.js';
import { type BlockFormat, blockFor, LARGEST_BLOCK, SMALLEST_BLOCK, type TensorPlan } from '../weights/index.js';
import { ENCODER_PREFIX } from './audio-encoder.js';
import { CODEC_PREFIX } from './codec/nano-config.js';

export const QUANTIZATIONS = ['none', 'q8', 'q4'] as const;
export type Quantization = (typeof QUANTIZATIONS)[number];

/** How to quantize. */
export interface StorageChoice {
  quantize: Quantization;
  /** numbers that share a scale, where rows allow; a power of two from 16 to 256 */
  block: number;
  /** bits of the output head */
  headBits: Bits;
}

/** What is taken where nothing is said. */
export const DEFAULT_STORAGE: Readonly<StorageChoice> = { quantize: 'q4', block: 128, headBits: 8 };

/** Fills in what is not said. @throws BagpiperError for a choice that there is not */
export function storageChoice(given: { [field in keyof StorageChoice]?: unknown }): StorageChoice {
  const { quantize = DEFAULT_STORAGE.quantize, block = DEFAULT_STORAGE.block, headBits = 8 } = given;
  const method = QUANTIZATIONS.find((name) => name === quantize);
  if (!method) throw new BagpiperError(`quantize is ${shown(quantize)}; accepted are ${QUANTIZATIONS.join(', ')}.`);
  const size = Number(block);
  if (!(Number.isInteger(Math.log2(size)) && size >= SMALLEST_BLOCK && size <= LARGEST_BLOCK)) {
    throw new BagpiperError(`block is ${shown(block)}; accepted are 16, 32, 64, 128 and 256.`);
  }
  if (headBits !== 4 && headBits !== 8) {
    throw new BagpiperError(`headBits is ${shown(headBits)}; accepted are 4 and 8.`);
  }
  return { quantize: method, block: size, headBits };
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

/** By the beginnings of tensor names; the first that fits counts. */
export const TENSOR_GROUPS: readonly (readonly [string, RegExp])[] = [
  ['decoder layers', /^model\.layers\./],
  ['embeddings and head', /^(model\.embed_tokens|model\.norm|lm_head|stream_emb)\./],
  ['audio encoder', /^multimodal_io_dict\.continuous_audio\./],
  ['adaptor', /^adaptor\./],
  ['codec', new RegExp(`^${CODEC_PREFIX.replaceAll('.', '\\.')}`)],
  ['loss weights, not used', /^vocab_weight$/],
];

/** The group of a tensor. */
export const groupOf = (name: string): string =>
  TENSOR_GROUPS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';

/**
 * The blocks that a tensor is stored in, undefined for one that stays as it is: norms, biases, kernels, small tables, and
 * the whole codec; and matrices whose rows no block from the wanted one down to 16 divides.
 */
export function blocksOf(name: string, shape: readonly number[], choice: StorageChoice): BlockFormat | undefined {
  if (choice.quantize === 'none' || shape.length !== 2) return undefined;
  const bits = bitsOf(name, choice);
  const block = bits && blockFor(shape[1], choice.block);
  return block ? { bits, block } : undefined;
}

function bitsOf(name: string, { quantize, headBits }: StorageChoice): Bits | undefined {
  if (/^model\.layers\.\d+\.(self_attn|mlp)\.\w+_proj\.weight$/.test(name)) return quantize === 'q4' ? 4 : 8;
  if (name === 'lm_head.weight') return headBits;
  if (name === 'model.embed_tokens.weight') return 8;
  // Run once a clip and a twelfth of the size: eight bits cost little and lose nothing that can be measured.
  return name.startsWith(ENCODER_PREFIX) && name.endsWith('.weight') ? 8 : undefined;
}

/**
 * What becomes of a checkpoint's tensors: those that the model expects in its order, in which matrices that are computed
 * together follow each other; then others that are kept.
 *
 * @param expected names and shapes of the model's tensors
 */
export function storagePlan(
  tensors: ReadonlyMap<string, Pick<TensorPlan, 'dtype' | 'shape'>>,
  expected: ReadonlyMap<string, readonly number[]>,
  choice: StorageChoice,
): TensorPlan[] {
  const names = [...expected.keys(), ...[...tensors.keys()].filter((name) => !expected.has(name))];
  return names.map((name) => {
    const { dtype, shape } = tensors.get(name)!;
    const blocks = expected.has(name) ? blocksOf(name, shape, choice) : undefined;
    return { name, dtype, shape: [...shape], ...(blocks ? { blocks } : {}) };
  });
}
