/**
 * model/: Bagpiper itself: its config, vocabulary and token grid, and the graphs of its networks. What it means to
 * generate with them is the business of engine/.
 */

export {
  type Apart,
  chunkTokens,
  ENCODER_PREFIX,
  type EncodingPlan,
  embedChunks,
  encoderFront,
  encoderGraph,
  encoderTensors,
  encoderTower,
  encodeTokens,
  layChunks,
  planEncoding,
  positionTable,
} from './audio-encoder.js';
export type { Codec } from './codec/types.js';
export {
  type AudioConfig,
  type BagpiperConfig,
  type CodecConfig,
  encoderTokens,
  LEAST_SAMPLES,
  parseConfig,
  type SegmentDefaults,
} from './config.js';
export { FieldReader, type JsonObject } from './config-reader.js';
export { delayDeinterleave, delayInterleave } from './delay.js';
export { drawKeptMessage, dropConditions } from './dropout.js';
export { buildRows, type ContinuousSpan, type Segment, type TokenGrid } from './grid.js';
export {
  adaptor,
  audioHead,
  decoder,
  decoderSizes,
  decoderStep,
  embedRows,
  fullHead,
  LETTERS,
  languageModelTensors,
  rotaryValues,
  SPELLING,
  type TrainingSizes,
  textHead,
  trainingLoss,
} from './language-model.js';
export type { Message, Modality, Role } from './messages.js';
export { joinNovelty, judge, type Novelty } from './novelty.js';
export { type Pack, packBestFit, packGrids } from './pack.js';
export { allowedIds, codecId, codecPad, type IdRange } from './vocabulary.js';
export {
  ENCODER_STAMP,
  noveltyScore,
  project,
  WORLD_FILE,
  WORLD_FORMAT,
  type World,
  type WorldStatistics,
} from './world.js';
