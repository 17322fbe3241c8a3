/**
 * Tensors on disk: safetensors and PyTorch files read lazily, safetensors written atomically, 16-bit floats, and model
 * folders whose tensors are checked by name, shape and type before anything runs. What the tensors mean is the business of
 * the rooms below.
 */
export { type Checkpoint, openCheckpoint } from './checkpoint.js';
export { bfloat16ToFloat32, bytesOf, float32ToBfloat16, float32ToHalf, halfToFloat32 } from './dtype.js';
export { type ModelFolder, openModelFolder, type RequireOptions } from './folder.js';
export { hashFiles } from './hash.js';
export { readJsonFile } from './json.js';
export {
  type BlockFormat,
  blockBytes,
  blockFor,
  type Converted,
  type ConvertOptions,
  codesName,
  convertTensors,
  LARGEST_BLOCK,
  openWeights,
  packBlocks,
  partOf,
  readRows,
  SMALLEST_BLOCK,
  type StoredWeights,
  scaleName,
  type TensorPlan,
  type TensorSource,
  unpackBlocks,
} from './quantize/index.js';
export {
  type DType,
  openSafetensors,
  readSafetensors,
  type Safetensors,
  type Tensor,
  type TensorData,
  type TensorInfo,
  type TensorInput,
  toFloat32,
  writeSafetensors,
} from './safetensors.js';
export type { LoadedTensor, StoredTensor, TensorFile } from './stored.js';
export { openTorch, readTorch } from './torch/index.js';
