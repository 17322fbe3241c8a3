/** words/: what may truly be said about a scene: captions, questions with answers, requests with thinking. */
import type { Random } from '../../random.js';
import type { CorpusRecord, Scene } from '../scene.js';
import { captionWithFacts } from './caption.js';
import { questions } from './questions.js';
import { requests } from './requests.js';

export { isSpeechAlone } from './caption.js';
export { decisions } from './deciding.js';
export { type CaptionFacts, extractFacts, presence } from './facts.js';
export { heardAgain } from './question-kit.js';
export { eventAsked, eventQuestion } from './questions-event.js';
export { missingOfDrawn } from './questions-sound.js';
export { personText } from './questions-speech.js';
export { LEXICON } from './sentences.js';
export { factSpans } from './surface-form.js';

/** A caption, questions that the caption answers, and requests. */
export function makeWords(scene: Scene, random: Random): Pick<CorpusRecord, 'caption' | 'questions' | 'requests'> {
  const { text, facts } = captionWithFacts(scene, random);
  return { caption: text, questions: questions(scene, random, facts), requests: requests(scene, random) };
}
