/**
 * Bagpiper as a library (docs/library.md): load a model, then describe, ask and render. Reading and writing sound is in
 * `bagpiper/audio`.
 */
export type { RemoteOptions, RetryOptions, ServerKind, Timeouts } from './engine/index.js';
export type { Engine, EngineEvent, EngineInfo, GenerateRequest, GenerateStats, Prompts } from './engine/types.js';
export { BagpiperError, ServerError } from './errors.js';
export type { Novelty } from './model/novelty.js';
export {
  type AskOptions,
  type AudioInput,
  type Bagpiper,
  type Choice,
  type ConvertEvent,
  type ConvertedModel,
  type ConvertModelOptions,
  conversionTo,
  convertModel,
  type LoadOptions,
  loadBagpiper,
  type Parts,
  packagedModel,
  prepareModel,
  type RenderedAudio,
  type RenderOptions,
  type Reply,
  type TextPart,
  type VerbEvent,
  type VerbOptions,
  verbsOf,
} from './tasks/index.js';
export { type Progress, type PullEvent, type Pulled, type PullOptions, pullModel } from './weights/hub/index.js';
