/**
 * tasks/: the public verbs on top of an engine, each by caption-then-process: describe a sound, answer a question about it,
 * render a described scene.
 */
export { type LoadOptions, loadBagpiper, modelSource, packagedModel, prepareModel, verbsOf } from './bagpiper.js';
export type { ConvertEvent, ConvertedModel, ConvertModelOptions } from './conversion.js';
export { conversionTo, convertModel } from './convert.js';
export { type Generation, generationText, type Understanding, understandingText } from './format.js';
export { PartSplitter, parseGeneration, parseUnderstanding, type TextPart } from './parse.js';
export { SYSTEM_PROMPT } from './prompts.js';
export type {
  AskOptions,
  AudioInput,
  Bagpiper,
  Choice,
  Parts,
  RenderedAudio,
  RenderOptions,
  Reply,
  Take,
  VerbEvent,
  VerbOptions,
} from './types.js';
