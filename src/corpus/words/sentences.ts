/** What the people of the small world say: sentences drawn from the grammar of `lexicon.ts`. */

import type { Random } from '../../random.js';
import type { Mood } from '../scene.js';
import { DAYS, GRAMMAR, NAMES } from './lexicon.js';

const MIN_WORDS = 2;
const MAX_WORDS = 9;

type Ending = '.' | '?' | '!';

/** Rules that fit a mood, and how often they are used instead of a plain sentence. */
const MOODS: Readonly<Record<Mood, { rule: string | null; ending: Ending }>> = {
  neutral: { rule: null, ending: '.' },
  happy: { rule: 'Happy', ending: '!' },
  sad: { rule: 'Sad', ending: '.' },
  angry: { rule: 'Angry', ending: '!' },
  calm: { rule: 'Calm', ending: '.' },
  excited: { rule: 'Excited', ending: '!' },
};

const CAPITAL = new Set([...NAMES, ...DAYS, 'i']);
const ASKS = /^(who|why|what|where|when|how|which|is|are|do|does|did|can|could|will|may|should|have)\b/;

/**
 * Draws a sentence of 2 to 9 words.
 * @returns `words` in lower case without punctuation (apostrophes stay), and `sentence`, the same as written.
 */
export function planSentence(random: Random, mood: Mood): { words: string; sentence: string } {
  for (;;) {
    const { rule, ending } = MOODS[mood];
    const special = rule !== null && random.chance(0.5);
    const plain = random.pick(['Statement', 'Statement', 'Statement', 'Question', 'Question', 'Request']);
    const list = withArticles(expand(special ? rule : plain, random));
    if (list.length < MIN_WORDS || list.length > MAX_WORDS || stumbles(list)) continue;
    const words = list.join(' ');
    const asks = plain === 'Question' && !special ? true : special && ASKS.test(words) && !words.startsWith('what a');
    return { words, sentence: write(list, asks ? '?' : special ? ending : '.') };
  }
}

/** Every word that {@link planSentence} can use, sorted. */
export const LEXICON: readonly string[] = [
  ...new Set(
    Object.values(GRAMMAR)
      .flat()
      .flatMap((line) => line.split(' '))
      .filter((token) => !isRule(token))
      .concat('an'),
  ),
].sort();

function isRule(token: string): boolean {
  return /^[A-Z]/.test(token);
}

function expand(rule: string, random: Random): string[] {
  const alternatives = GRAMMAR[rule];
  if (!alternatives) throw new Error(`The grammar has no rule ${rule}.`);
  return random
    .pick(alternatives)
    .split(' ')
    .flatMap((token) => (isRule(token) ? expand(token, random) : [token]));
}

/** "a" before a vowel sound is "an"; a "u" in our lexicon ("umbrella", "uncle") always sounds like one. */
function withArticles(list: readonly string[]): string[] {
  return list.map((word, i) => (word === 'a' && /^[aeiou]/.test(list[i + 1] ?? '') ? 'an' : word));
}

/** A content word twice ("the old hat is old") or a clumsy pair is drawn again. */
function stumbles(list: readonly string[]): boolean {
  const content = list.filter((word) => word.length > 3 || NAMES.includes(word));
  return new Set(content).size !== content.length;
}

function write(list: readonly string[], ending: Ending): string {
  const text = list
    .map((word, i) => (i === 0 || CAPITAL.has(word) ? word.charAt(0).toUpperCase() + word.slice(1) : word))
    .join(' ');
  return text + ending;
}
