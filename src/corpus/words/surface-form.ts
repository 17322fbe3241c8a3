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

/** Where a text states facts: characters from, and to, which is not included; each kind of fact by itself, in no order. */
export function factSpans(text: string): { from: number; to: number; quoted: boolean }[] {
  const spans: { from: number; to: number; quoted: boolean }[] = [];
  let rest = text;
  for (const [pattern, name] of PLACEHOLDERS) {
    // What is found is blanked out, so that no later pattern takes it and places stay as they are.
    rest = rest.replace(pattern, (found: string, at: number) => {
      spans.push({ from: at, to: at + found.length, quoted: name === 'QUOTE' });
      return '_'.repeat(found.length);
    });
  }
  return spans;
}
