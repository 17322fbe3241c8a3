/**
 * label/: rich captions of clips, by models behind endpoints (endpoint.ts) or here (local.ts), or taken from files that others made
 * (import.ts).
 */
export { EndpointLabeller, type EndpointLabels } from './endpoint.js';
export { LabelImport, labelRows } from './import.js';
export { LocalLabeller, type LocalLabels } from './local.js';
export {
  CAPTION_PROMPT,
  captionPrompt,
  type LabelExtras,
  type Labeller,
  type LabelSettings,
  type LabelStage,
  openLabeller,
  outlineLabeller,
} from './open.js';
