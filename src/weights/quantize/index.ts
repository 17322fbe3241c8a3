/**
 * weights/quantize/: matrices in blocks of 4 or 8 bits: packing, their place in model folders, and the conversion of
 * checkpoints, streaming and resumable. Format: docs/quantization.md.
 */
export { type Converted, type ConvertOptions, convertTensors, type TensorSource } from './convert.js';
export type { TensorPlan } from './layout.js';
export {
  type BlockFormat,
  blockFor,
  LARGEST_BLOCK,
  type PackedRows,
  packBlocks,
  SMALLEST_BLOCK,
  unpackBlocks,
} from './pack.js';
export { blockBytes, codesName, openWeights, partOf, readRows, type StoredWeights, scaleName } from './stored.js';
