/** Which words of a text are facts, and what is left when they are taken out: the form that it shares with others. */
import { anyOf } from './forms.js';
import * as p from './phrases.js';
import { AMBIENCE_SURFACES, EVENT_SURFACES, INSTRUMENT_SURFACES } from './surfaces.js';

const EVENTS = anyOf(Object.values(EVENT_SURFACES).flatMap((s) => [s.clause, s.noun, s.the]));
const INSTRUMENT = anyOf(Object.values(INSTRUMENT_SURFACES));
const MOODS = ['neutral', 'happy', 'sad', 'angry', 'calm', 'excited'];

/** Facts by their pattern, those that contain others first. A placeholder is in capitals, so no later pattern takes it. */
const PLACEHOLDERS: readonly (readonly [RegExp, string])[] = (
  [
    [String.raw`\([A-D]\).*`, 'CHOICES'],
    ['"[^"]*"', 'QUOTE'],
    [`(?:${EVENTS})(?:(?:, |,? and )(?:${EVENTS}))*`, 'EVENT'],
    [anyOf(Object.values(AMBIENCE_SURFACES)), 'AMBIENCE'],
    [`(?:${INSTRUMENT})(?: and (?:${INSTRUMENT}))*`, 'INSTRUMENTS'],
    [String.raw`\b(?:an? |the |another |a second )?(?:(?:first|second|other|same) )?${p.person.pattern}\b`, 'PERSON'],
    [String.raw`\b(?:he|she)\b`, 'PERSON'],
    ['an? [A-Z][a-z]+ accent', 'ACCENT'],
    [String.raw`\b(?:${p.tempo.pattern}|medium)\b`, 'TEMPO'],
    [String.raw`\b(?:an? )?(?:${p.musicMood.pattern}|${MOODS.join('|')})\b`, 'MOOD'],
    [String.raw`\b[A-G](?: sharp| flat)? (?:major|minor)\b`, 'KEY'],
    [String.raw`\b(?:major|minor)\b`, 'MODE'],
    [String.raw`\d+(?:\.\d+)?(?:-second| seconds?)?`, 'NUMBER'],
  ] as const
).map(([source, name]) => [new RegExp(source, name === 'ACCENT' || name === 'KEY' ? 'g' : 'gi'), name]);

/** The text with every fact replaced by a placeholder: what was said is gone, how it was said stays. */
export function surfaceForm(text: string): string {
  return PLACEHOLDERS.reduce((form, [pattern, name]) => form.replace(pattern, name), text);
}

/** Facts that stand one behind the other, by the pattern of one of them. */
const LISTED: Readonly<Record<string, RegExp>> = {
  EVENT: new RegExp(EVENTS, 'gi'),
  INSTRUMENTS: new RegExp(INSTRUMENT, 'gi'),
};

/** Facts that may begin where something else could stand as well. */
const OPENING: readonly string[] = ['EVENT', 'AMBIENCE', 'INSTRUMENTS', 'PERSON'];

/**
 * Where a text states facts: characters from, and to, which is not included; each fact by itself, in no order. Of facts that
 * begin where something else could stand, the first word is left out: it says that there is one more, and what is weighed
 * more where it is there than where it is not will be said too often.
 */
export function factSpans(text: string): { from: number; to: number; quoted: boolean }[] {
  const spans: { from: number; to: number; quoted: boolean }[] = [];
  let rest = text;
  for (const [pattern, name] of PLACEHOLDERS) {
    // What is found is blanked out, so that no later pattern takes it and places stay as they are.
    rest = rest.replace(pattern, (found: string, at: number) => {
      for (const { index, 0: one } of found.matchAll(LISTED[name] ?? /^.*$/gs)) {
        const to = at + index + one.length;
        const fact = OPENING.includes(name) ? one.split(' ').slice(1).join(' ') : one;
        if (fact !== '') spans.push({ from: to - fact.length, to, quoted: name === 'QUOTE' });
      }
      return '_'.repeat(found.length);
    });
  }
  return spans;
}
