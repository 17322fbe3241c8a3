/**
 * Text as ids: the byte-level BPE of published models, read from `tokenizer.json`, and a trainer for our own; words as
 * they are compared, and choices as they are listed and named. Nothing here knows about sound or about the model's own id ranges.
 */

export { letterAt, lettered, letterOf, listChoices, MOST_CHOICES, namedChoice, plain } from './choices.js';
export { GPT2_PATTERN, QWEN_PATTERN } from './pattern.js';
export { type DecodeOptions, type EncodeOptions, StreamDecoder, Tokenizer } from './tokenizer.js';
export type { AddedToken } from './tokenizer-json.js';
export { type TokenizerJson, type TrainBpeOptions, trainBpe } from './train.js';
export { addErrors, alignWords, differences, NO_WORDS, spokenWords, type WordErrors } from './words.js';
