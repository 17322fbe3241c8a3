/** X-Codec's tensors: their names and shapes, the two spellings of normalised kernels, and what nothing uses. */
import { BagpiperError } from '../../errors.js';
import { Graph } from '../../graph/index.js';
import { weightNorm } from '../../nn/index.js';
import { type Tensor, type TensorInfo, toFloat32 } from '../../weights/index.js';
import type { XcodecConfig } from './xcodec-config.js';
import { XCODEC_NETWORKS } from './xcodec-networks.js';

/** Tensors by their names in the codec, as 32-bit floats. */
export interface TensorSource {
  has(name: string): boolean;
  tensor(name: string): Float32Array;
}

/** What a safetensors file and a model folder have in common. */
export interface TensorFiles {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  tensor(name: string): Tensor;
}

type Shapes = Map<string, readonly number[]>;

const DTYPES = ['F32', 'F16', 'BF16'];

/** How a kernel's magnitude and direction are called instead of `weight`: PyTorch from 2.1 on, and before. */
const SPELLINGS = [
  ['parametrizations.weight.original0', 'parametrizations.weight.original1'],
  ['weight_g', 'weight_v'],
] as const;

/** HuBERT's convolution over positions is always kept normalised, one magnitude a kernel step. */
const POSITIONS = 'semantic_model.encoder.pos_conv_embed.conv.weight';
/** These may be; one magnitude a step of the first axis. Upstream's conversion removes it. */
const ACOUSTIC = /^acoustic_(en|de)coder\..*conv\w*\.weight$/;

/** The axis along which a kernel has its magnitudes; undefined where it is never normalised. */
function normAxis(name: string): number | undefined {
  if (name === POSITIONS) return 2;
  return ACOUSTIC.test(name) ? 0 : undefined;
}

/** Left over from training, or of the decoder of HuBERT's states: in published files, but not used to encode or decode. */
export function isUnusedByXcodec(name: string): boolean {
  return /^(fc1\.|decoder_semantic\.|semantic_model\.masked_spec_embed$)|\.codebook\.(embed_avg|cluster_size|inited)$/.test(
    name,
  );
}

/** What the networks ask for, kernels as they are applied. */
function parameters(config: XcodecConfig): Shapes {
  const shapes: Shapes = new Map();
  for (const network of Object.values(XCODEC_NETWORKS)) {
    const graph = new Graph();
    network(graph, config);
    for (const [name, tensor] of graph.parameters) shapes.set(name, tensor.shape as readonly number[]);
  }
  return shapes;
}

/** The tensors that hold a parameter: itself, or magnitude and direction. */
function spelled(
  name: string,
  shape: readonly number[],
  has: (name: string) => boolean,
): [string, readonly number[]][] {
  const axis = normAxis(name);
  if (axis === undefined || has(name)) return [[name, shape]];
  const stem = name.slice(0, -'weight'.length);
  const found = SPELLINGS.find((parts) => parts.some((part) => has(stem + part)));
  if (!found && name !== POSITIONS) return [[name, shape]];
  const [magnitude, direction] = found ?? SPELLINGS[0];
  const sizes = shape.map((size, i) => (i === axis ? size : 1));
  return [
    [stem + magnitude, sizes],
    [stem + direction, shape],
  ];
}

/**
 * Every tensor that encoding and decoding need, with its shape. A checkpoint says by the names that it `has` how its kernels
 * are spelled; without any it is expected to look as the published one.
 */
export function xcodecTensors(config: XcodecConfig, has: (name: string) => boolean = () => false): Shapes {
  return new Map([...parameters(config)].flatMap(([name, shape]) => spelled(name, shape, has)));
}

/**
 * The codec's tensors in files that hold them under their own names, checked.
 *
 * @param where names the files in messages
 * @throws BagpiperError where a tensor is missing, misshaped or of a wrong number format
 */
export function xcodecFiles(files: TensorFiles, config: XcodecConfig, where: string): TensorSource {
  const has = (name: string): boolean => files.tensors.has(name);
  for (const [name, shape] of xcodecTensors(config, has)) {
    const wanted = `[${shape.join(', ')}] in ${DTYPES.join(', ')} is expected`;
    const info = files.tensors.get(name);
    if (!info) throw new BagpiperError(`${where} lacks the codec's tensor "${name}"; ${wanted}.`);
    if (info.shape.join() !== shape.join() || !DTYPES.includes(info.dtype)) {
      const held = `[${info.shape.join(', ')}] in ${info.dtype}`;
      throw new BagpiperError(`${info.file} holds the codec's tensor "${name}" as ${held}; ${wanted}.`);
    }
  }
  return { has, tensor: (name) => toFloat32(files.tensor(name)) };
}

/** What the networks ask for, made of a checkpoint's tensors when it is asked for. */
export class XcodecWeights {
  private readonly shapes: Shapes;

  /** @param source holds the tensors of {@link xcodecTensors} */
  constructor(
    private readonly source: TensorSource,
    config: XcodecConfig,
  ) {
    this.shapes = parameters(config);
  }

  /** A parameter of the networks; normalised kernels as they are applied. */
  values(name: string): Float32Array<ArrayBuffer> {
    const shape = this.shapes.get(name)!;
    const [first, second] = spelled(name, shape, (other) => this.source.has(other)).map(
      ([part]) => this.source.tensor(part) as Float32Array<ArrayBuffer>,
    );
    return second ? weightNorm(first, second, shape, normAxis(name)!) : first;
  }
}
