/**
 * corpus/: the small world. A `Scene` is the whole truth about a clip; `sources/` makes its sounds, `compose.ts` mixes
 * them, `words/` says in captions, questions and requests what is true. `npm run corpus` writes it to disk.
 */
export type { CorpusRecord, Question, RenderRequest, Scene, SpeechTurn } from './scene.js';
export { AMBIENCES, EVENTS } from './sources/events.js';
export { INSTRUMENTS } from './sources/instruments.js';
export { VOICES } from './sources/voices.js';
export {
  type CaptionFacts,
  decisions,
  eventAsked,
  eventQuestion,
  extractFacts,
  factSpans,
  heardAgain,
  isSpeechAlone,
  LEXICON,
  makeWords,
  missingOfDrawn,
  personText,
  presence,
} from './words/index.js';
