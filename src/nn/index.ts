/** nn/: layers written in graph/: what networks of model/ are made of. Parameters are named as PyTorch would name them. */
export {
  type Conv1dOptions,
  conv1d,
  convLength,
  convReach,
  convTranspose1d,
  convTransposeReach,
  type Reach,
  type Window,
} from './convolution.js';
export { type Cache, type DecoderSizes, decoderLayer, HIDDEN, type LayerResult, type Rotary } from './decoder.js';
export { nearest, residualCodes } from './quantizer.js';
export { snake } from './snake.js';
export { affine, type EncoderSizes, encoderLayer, norm } from './transformer.js';
export { weightNorm } from './weight-norm.js';
