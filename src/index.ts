/** Bagpiper as a library: load a model, then describe, ask and render. Reading and writing sound is in `bagpiper/audio`. */
export type { Engine, EngineInfo, GenerateStats } from './engine/types.js';
export { BagpiperError } from './errors.js';
export {
  type AudioInput,
  type Bagpiper,
  type LoadOptions,
  loadBagpiper,
  type Parts,
  type RenderedAudio,
  type RenderOptions,
  type Reply,
  type VerbEvent,
  type VerbOptions,
} from './tasks/index.js';
