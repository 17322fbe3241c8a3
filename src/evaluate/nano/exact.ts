/**
 * The one fact that an answer to an open question states, in a spelling that can be compared: "Yes, there is speech." is
 * "yes", "It is a young man." is "young man", "Around 2 seconds" is "2". No model judges: the answer must state the
 * fact in a phrase of the small world's words.
 */
import type { Question } from '../../corpus/index.js';
import * as phrases from '../../corpus/words/phrases.js';
import { AMBIENCE_SURFACES, EVENT_SURFACES, INSTRUMENT_SURFACES } from '../../corpus/words/surfaces.js';
import { plain, spokenWords } from '../../text/index.js';

/** The fact in a text, lower case and without punctuation; null when it states none of this sort, or several that contradict. */
type FactReader = (text: string) => string | null;

/** Words that stand for each value: an answer states the value when it has one of its words, and no other value's. */
function oneOf(values: Readonly<Record<string, readonly string[]>>): FactReader {
  return (text) => {
    const found = Object.keys(values).filter((value) => values[value].some((words) => has(text, words)));
    return found.length === 1 ? found[0] : null;
  };
}

const has = (text: string, words: string): boolean => ` ${text} `.includes(` ${plain(words)} `);

/** All values that a text states, as a set; longer names first, so that "an electric guitar" holds no other "guitar". */
function allOf(values: Readonly<Record<string, readonly string[]>>): FactReader {
  const names = Object.entries(values)
    .flatMap(([value, list]) => list.map((name) => ({ value, name: plain(name) })))
    .sort((a, b) => b.name.length - a.name.length);
  return (text) => {
    let rest = ` ${text} `;
    const found = new Set<string>();
    for (const { value, name } of names) {
      if (!rest.includes(` ${name} `)) continue;
      found.add(value);
      rest = rest.replaceAll(` ${name} `, ' | ');
    }
    return found.size > 0 ? [...found].sort().join(', ') : null;
  };
}

/** "the dog bark" is also named by "dog bark". */
const bare = (noun: string): string => noun.replace(/^(?:a|an|the) /, '');

const sounds = allOf({
  ...Object.fromEntries(
    Object.entries(EVENT_SURFACES).map(([label, s]) => [label, [s.noun, s.clause, s.the, label].map(bare)]),
  ),
  ...Object.fromEntries(Object.entries(AMBIENCE_SURFACES).map(([label, noun]) => [label, [bare(noun), bare(label)]])),
});
const instruments = allOf(
  Object.fromEntries(Object.entries(INSTRUMENT_SURFACES).map(([label, noun]) => [label, [bare(noun)]])),
);
const kinds = allOf({ speech: ['speech'], music: ['music'], sound: ['sound effects', 'everyday sounds'] });

/** Only the first word: "no, there is no speech" and "yes, there are no drums" are plain answers. */
const yesNo: FactReader = (text) => /^(yes|no)\b/.exec(text)?.[1] ?? null;

/** "young woman", "boy"; several different people are no answer. */
const person: FactReader = (text) => {
  const found = new Set(
    [...text.matchAll(new RegExp(`\\b${phrases.person.pattern}\\b`, 'g'))].map(([match]) => {
      const { gender, age } = phrases.person.read(match);
      return `${age} ${gender}`;
    }),
  );
  return found.size === 1 ? [...found][0] : null;
};

/** Seconds; the right start is 0. */
const time: FactReader = (text) => {
  const found = new Set([...text.matchAll(/\d+(?:\.\d+)?/g)].map(([number]) => String(Number(number))));
  if (/\bright at the start\b/.test(text)) found.add('0');
  return found.size === 1 ? [...found][0] : null;
};

const accent = oneOf(
  Object.fromEntries(['american', 'british', 'scottish', 'irish', 'indian'].map((name) => [name, [name]])),
);
const number = oneOf({
  0: ['none', 'never', 'nobody', 'zero', '0'],
  1: ['one', 'once', '1'],
  2: ['two', 'twice', '2'],
  3: ['three', '3'],
  4: ['four', '4'],
  5: ['five', '5'],
});
const order = oneOf({ before: ['before'], after: ['after'] });
const distance = oneOf({
  close: ['close by', 'nearby', 'close'],
  far: ['far away', 'in the distance', 'far'],
});
const place = oneOf({ dry: ['dry', 'without echo'], room: ['room'], hall: ['hall'], water: ['under water'] });
const pace = oneOf({
  slow: ['slowly', 'slow pace'],
  normal: ['normal pace', 'at a normal pace'],
  fast: ['quickly', 'fast pace'],
});
const voiceMood = oneOf(
  Object.fromEntries(['neutral', 'happy', 'sad', 'angry', 'calm', 'excited'].map((mood) => [mood, [mood]])),
);
const musicMood = oneOf({
  cheerful: ['cheerful', 'happy'],
  calm: ['calm', 'peaceful'],
  solemn: ['solemn', 'serious'],
  ...Object.fromEntries(['sad', 'tense', 'playful'].map((mood) => [mood, [mood]])),
});
const mode = oneOf({ major: ['major'], minor: ['minor'] });
const tempo = oneOf({ slow: ['slow'], medium: ['medium', 'moderate'], fast: ['fast', 'quick'] });
const role = oneOf({ foreground: ['foreground'], background: ['background'] });

/** What the kinds of question ask for; the first that the true answer states is what the question is about. */
const READERS: Readonly<Record<Question['kind'], readonly FactReader[]>> = {
  presence: [yesNo, kinds],
  absence: [yesNo, kinds, sounds],
  who: [accent, person],
  what: [sounds],
  when: [time],
  count: [number],
  order: [order, sounds],
  where: [distance, place],
  mood: [pace, voiceMood, musicMood],
  transcript: [(text) => spokenWords(text).join(' ') || null],
  music: [yesNo, mode, role, tempo, instruments],
};

/** The readers of a question's true answer; an answer about the music has moods of its own. */
function readerOf({ kind, text, answer }: Question): FactReader {
  const readers = kind === 'mood' && /\bmusic\b/.test(text) ? [musicMood] : READERS[kind];
  const truth = plain(answer);
  const found = readers.find((read) => read(truth) !== null);
  if (!found) throw new Error(`no fact in the answer "${answer}" to "${text}"`);
  return found;
}

/** Whether an answer states the very fact of the true answer, and nothing that contradicts it. */
export function statesFact(said: string, question: Question): boolean {
  const read = readerOf(question);
  const fact = read(plain(said));
  return fact !== null && fact === read(plain(question.answer));
}
