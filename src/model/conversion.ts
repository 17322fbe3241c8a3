/**
 * What a conversion makes of a checkpoint, decided before anything is written: the model's config, whether every tensor is
 * there and none too many, and how each is stored.
 */
import { BagpiperError } from '../errors.js';
import type { StoredTensor, TensorPlan } from '../weights/index.js';
import { ENCODER_PREFIX } from './audio-encoder.js';
import { codecOf, expectedTensors, isUnused } from './bagpiper.js';
import { CODEC_PREFIX } from './codec/nano-config.js';
import { type BagpiperConfig, parseConfig } from './config.js';
import { configJson } from './config-json.js';
import type { JsonObject } from './config-reader.js';
import { groupOf, type StorageChoice, storagePlan } from './storage.js';

/** Weights of the training loss: no network reads them, and the loader of ESPnet's vLLM refuses them. */
const LOSS_WEIGHTS = 'vocab_weight';
const NUMBER_FORMATS = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;
/** Endings of tensor names in the format of docs/quantization.md. */
const IN_BLOCKS = /\.weight\.(q4|q8|scale)$/;

/** Weights before their numbers are read. */
export interface Weights {
  /** names them in messages */
  readonly file: string;
  readonly tensors: ReadonlyMap<string, Pick<StoredTensor, 'dtype' | 'shape'>>;
}

/** Tensors of one part of a model. */
export interface TensorGroup {
  name: string;
  tensors: number;
  /** numbers in them */
  parameters: number;
}

export interface Conversion {
  config: BagpiperConfig;
  /** what config.json of the result says */
  json: JsonObject;
  tensors: TensorPlan[];
  groups: TensorGroup[];
  /** names of tensors that are left out */
  dropped: string[];
}

/**
 * The config of weights, and which tensors it asks for.
 *
 * @param own the parsed config.json that came with the weights; undefined where none did: then they must be of the published
 *   sizes and whole. The file of ESPnet's vLLM does not mention the codec: where the weights hold one, it is the published.
 * @param where names that file in messages
 * @throws BagpiperError for a file that is no config, and for the first tensor that is missing, unknown or misshaped
 */
export function checkWeights(
  { file, tensors }: Weights,
  own: unknown,
  where: string,
): { config: BagpiperConfig; expected: Map<string, readonly number[]> } {
  const config = configOf([...tensors.keys()], own, where);
  const expected = expectedTensors(config, codecOf(config, where), (name) => tensors.has(name));
  const problems = [...problemsOf(tensors, expected)];
  if (problems.length === 0) return { config, expected };
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more problems with tensors)` : '';
  const sizes =
    own === undefined
      ? 'the sizes are the published ones, since there is no config.json beside the weights: name it where the model has others'
      : `the sizes are those of ${where}`;
  throw new BagpiperError(`${file} ${problems[0]}${more}; ${sizes}.`);
}

function configOf(names: readonly string[], own: unknown, where: string): BagpiperConfig {
  if (own === undefined) return parseConfig({ audio_config: {}, codec_config: { type: 'xcodec' } }, where);
  // Parsed first, so that what is no object at all is refused by name.
  const { audio_config, codec_config } = parseConfig(own, where);
  const holds = (prefix: string): boolean => names.some((name) => name.startsWith(prefix));
  const parts: JsonObject = {
    ...(audio_config === null && holds(ENCODER_PREFIX) ? { audio_config: {} } : {}),
    ...(codec_config === null && holds(CODEC_PREFIX) ? { codec_config: { type: 'xcodec' } } : {}),
  };
  return parseConfig({ ...(own as JsonObject), ...parts }, where);
}

function* problemsOf(
  tensors: Weights['tensors'],
  expected: ReadonlyMap<string, readonly number[]>,
): Generator<string, void> {
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    const wanted = `[${shape.join(', ')}]`;
    if (!tensor) yield `lacks tensor "${name}" ${wanted}`;
    else if (tensor.shape.join() !== shape.join()) {
      yield `holds tensor "${name}" as [${tensor.shape.join(', ')}]; ${wanted} is expected`;
    } else if (!Object.hasOwn(NUMBER_FORMATS, tensor.dtype)) {
      yield `holds tensor "${name}" in ${tensor.dtype}; ${Object.keys(NUMBER_FORMATS).join(', ')} are accepted`;
    }
  }
  for (const name of tensors.keys()) {
    if (!expected.has(name) && !isUnused(name)) yield `holds tensor "${name}", which this model does not know`;
  }
}

/**
 * Plans a conversion: all tensors of the model, those that nothing uses but that belong to it too; the loss weights are left
 * out.
 *
 * @throws BagpiperError as {@link checkWeights}, and for weights that are in few bits already
 */
export function planConversion(weights: Weights, own: unknown, where: string, choice: StorageChoice): Conversion {
  const { file, tensors } = weights;
  const few = [...tensors.keys()].find((name) => IN_BLOCKS.test(name));
  if (few !== undefined || (own as JsonObject | undefined)?.quantization) {
    throw new BagpiperError(`${file} is in few bits already; convert the checkpoint that it was made from.`);
  }
  const { config, expected } = checkWeights(weights, own, where);
  const kept = new Map(tensors);
  const dropped = kept.delete(LOSS_WEIGHTS) ? [LOSS_WEIGHTS] : [];
  const plan = storagePlan(kept, expected, choice);
  const json = {
    ...(choice.quantize === 'none' ? { torch_dtype: formatOf(plan) } : {}),
    ...configJson(config, (own as JsonObject | undefined) ?? {}),
    ...quantizationBlock(plan, choice),
  };
  return { config, json, tensors: plan, groups: groupsOf(plan), dropped };
}

/** The number format of most numbers, as PyTorch calls it. */
function formatOf(plan: readonly TensorPlan[]): string {
  const counts = new Map<string, number>();
  for (const { dtype, shape } of plan) counts.set(dtype, (counts.get(dtype) ?? 0) + elements(shape));
  const [most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
  return NUMBER_FORMATS[most as keyof typeof NUMBER_FORMATS];
}

/** Tensors counted by the parts of a model, in the order in which they are met. */
export function groupsOf(tensors: Iterable<Pick<StoredTensor, 'name'> & { shape: readonly number[] }>): TensorGroup[] {
  const groups = new Map<string, TensorGroup>();
  for (const { name, shape } of tensors) {
    const group = groups.get(groupOf(name)) ?? { name: groupOf(name), tensors: 0, parameters: 0 };
    group.tensors++;
    group.parameters += elements(shape);
    groups.set(group.name, group);
  }
  return [...groups.values()];
}

/** What config.json says of how matrices are stored; for readers, since the tensors themselves say it too. */
function quantizationBlock(plan: readonly TensorPlan[], { quantize, block, headBits }: StorageChoice): JsonObject {
  if (quantize === 'none') return {};
  const matrices: Record<string, number> = {};
  for (const { blocks } of plan) {
    if (!blocks) continue;
    const kind = `q${blocks.bits} of ${blocks.block}`;
    matrices[kind] = (matrices[kind] ?? 0) + 1;
  }
  return {
    quantization: { format: 'bagpiper-blocks', version: 1, method: quantize, block, head_bits: headBits, matrices },
  };
}

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
