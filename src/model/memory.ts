/** What a model takes when it runs, told from the headers of its files. */
import { blockBytes, codesName, partOf, scaleName, type TensorInfo } from '../weights/index.js';
import type { BagpiperConfig } from './config.js';
import { blocksOf, type StorageChoice } from './storage.js';

/** A tensor of a model, however it is stored. */
export interface ModelTensor {
  name: string;
  shape: readonly number[];
  /** F32, BF16, ..., or Q4, Q8 */
  format: string;
  /** on the disk */
  bytes: number;
}

/**
 * What Node and ONNX Runtime take beside weights and cache. Measured (Node 20, x64): 126 MB in all for a model of 0.1M
 * parameters, 211 MB for one of 12M, which the estimate below puts at 126 and 227.
 */
const BASE_BYTES = 125e6;
/** Rows that the cache holds at first. */
const CACHE_ROWS = 512;
/**
 * What ONNX Runtime's packed copy of a matrix takes beside its bytes in the file, for each block. Measured on matrices of 4
 * bits: 1.16 times the file at blocks of 128, 1.44 times at blocks of 32.
 */
const PACKED_BLOCK_BYTES = 10;
const EMBEDDINGS = 'model.embed_tokens.weight';

/** The tensors of files, codes and scales of a matrix as one. */
export function modelTensors(
  tensors: ReadonlyMap<string, Pick<TensorInfo, 'name' | 'dtype' | 'shape' | 'byteLength'>>,
): ModelTensor[] {
  const out: ModelTensor[] = [];
  for (const { name, shape, dtype, byteLength } of tensors.values()) {
    const matrix = partOf(name);
    const bits = matrix === undefined ? undefined : ([4, 8] as const).find((b) => tensors.has(codesName(matrix, b)));
    if (matrix === undefined || bits === undefined) out.push({ name, shape, format: dtype, bytes: byteLength });
    else if (name === codesName(matrix, bits)) {
      const [rows, blocks, bytes] = shape;
      const scales = tensors.get(scaleName(matrix))?.byteLength ?? 0;
      const columns = (blocks * bytes * 8) / bits;
      out.push({ name: matrix, shape: [rows, columns], format: `Q${bits}`, bytes: byteLength + scales });
    }
  }
  return out;
}

/** Bytes of the decoder's plain weights as they run, in 32-bit floats. */
export function plainDecoderBytes(tensors: readonly ModelTensor[]): number {
  const plain = tensors.filter(({ name, format }) => name.startsWith('model.layers.') && !format.startsWith('Q'));
  return plain.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);
}

/** Estimate of what a run takes at least, in bytes; with weights as they are, or as `choice` would store them. */
export function memoryNeeded(tensors: readonly ModelTensor[], config: BagpiperConfig, choice?: StorageChoice): number {
  const { num_hidden_layers: layers, num_key_value_heads: kv, head_dim: dim } = config;
  // Keys and values in 32-bit floats, for the request and for guidance.
  const cache = layers * 2 * 2 * kv * dim * CACHE_ROWS * 4;
  return tensors.reduce((sum, tensor) => sum + running(tensor, choice), BASE_BYTES + cache);
}

function running({ name, shape, format, bytes }: ModelTensor, choice: StorageChoice | undefined): number {
  const blocks = choice && blocksOf(name, shape, choice);
  // Plain weights count twice: as they are read, and as ONNX Runtime packs them.
  if (!blocks && !format.startsWith('Q')) return 2 * 4 * elements(shape);
  // Rows of embeddings in blocks are read from the file one by one.
  if (name === EMBEDDINGS) return 0;
  if (blocks) {
    const packed = blockBytes({ rows: shape[0], columns: shape[1], ...blocks });
    return packed + (elements(shape) / blocks.block) * PACKED_BLOCK_BYTES;
  }
  const codes = (elements(shape) * Number(format.slice(1))) / 8;
  return bytes + ((bytes - codes) / 4) * PACKED_BLOCK_BYTES;
}

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
