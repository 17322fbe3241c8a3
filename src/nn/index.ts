/** nn/: layers written in graph/: what networks of model/ are made of. Parameters are named as PyTorch would name them. */
export { type Cache, type DecoderSizes, decoderLayer, HIDDEN, type LayerResult, type Rotary } from './decoder.js';
export { affine, type EncoderSizes, encoderLayer, norm } from './transformer.js';
