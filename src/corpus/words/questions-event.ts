/** Yes/no questions about one event of the catalogue: "Is a dog barking heard in this clip?" */
import type { Random } from '../../random.js';
import { spokenWords } from '../../text/index.js';
import type { Question } from '../scene.js';
import { EVENTS } from '../sources/events.js';
import type { CaptionFacts } from './facts.js';
import { SOUND_MAKERS } from './questions-sound.js';
import { EVENT_SURFACES } from './surfaces.js';

/** Draws of the makers after which no such question is expected any more. */
const DRAWS = 60;

/**
 * A question about an event that the facts name (answer "yes"), or about one that they do not (answer "no"); null where they
 * name no event to say yes to.
 */
export function eventQuestion(facts: CaptionFacts, random: Random, answer: 'yes' | 'no'): Question | null {
  if (answer === 'yes' && facts.events.length === 0) return null;
  for (let draw = 0; draw < DRAWS; draw++) {
    const all = SOUND_MAKERS.flatMap((maker) => maker({ facts, random }));
    const found = all.find((question) => eventAsked(question) !== null && saysFirst(question.answer) === answer);
    if (found) return found;
  }
  throw new Error(`no ${answer} question about an event in ${DRAWS} draws`);
}

/** The label of the event that a yes/no question asks about; null for other questions. */
export function eventAsked({ choices, text, answer }: Question): string | null {
  if (choices || saysFirst(answer) === null) return null;
  const asked = words(text);
  return EVENTS.find(({ label }) => asked.includes(words(EVENT_SURFACES[label].noun)))?.label ?? null;
}

const words = (text: string): string => ` ${spokenWords(text).join(' ')} `;

function saysFirst(answer: string): 'yes' | 'no' | null {
  const first = /^(yes|no)\b/i.exec(answer)?.[1]?.toLowerCase();
  return (first as 'yes' | 'no' | undefined) ?? null;
}
