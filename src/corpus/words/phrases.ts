/** The phrases that captions are made of: times, voices, music and events, each with its exact inverse. */

import type { Random } from '../../random.js';
import type { Age, Gender, Mood, MusicPart, Pace, SoundEvent } from '../scene.js';
import { choice, type Phrase } from './forms.js';
import { AMBIENCE_SURFACES, EVENT_SURFACES, INSTRUMENT_SURFACES } from './surfaces.js';

/** Seconds as captions state them: to the nearest half second. */
export function roundTime(seconds: number): number {
  return Math.round(seconds * 2) / 2;
}

/** "2.5 seconds", "1 second" */
export function secondsText(seconds: number): string {
  return seconds === 1 ? '1 second' : `${seconds} seconds`;
}

const SECONDS = String.raw`\d+(?:\.5)? seconds?`;
const readSeconds = (text: string): number => Number(/\d+(?:\.5)?/.exec(text)?.[0] ?? 0);

/** "at about 2.5 seconds"; time 0 is "right at the start" */
export const when: Phrase<number> = {
  write: (value, random) =>
    value === 0 && random.chance(0.7) ? 'right at the start' : `at about ${secondsText(value)}`,
  pattern: `(?:right at the start|at about ${SECONDS})`,
  read: readSeconds,
};

/** Where a part that does not fill the clip begins and ends. */
export const from: Phrase<number> = {
  write: (value, random) => `${random.pick(['from', 'starting at'])} about ${secondsText(value)}`,
  pattern: `(?:from|starting at) about ${SECONDS}`,
  read: readSeconds,
};

export const until: Phrase<number> = {
  write: (value) => `until about ${secondsText(value)}`,
  pattern: `until about ${SECONDS}`,
  read: readSeconds,
};

/** What kinds of sound there are, in the fixed order speech, music, sound effects. */
export interface Presence {
  speech: boolean;
  music: boolean;
  sound: boolean;
}

export const kinds: Phrase<Presence> = {
  write: (value, random) => {
    const list = [
      ...(value.speech ? ['speech'] : []),
      ...(value.music ? ['music'] : []),
      ...(value.sound ? [random.pick(['sound effects', 'sound effects', 'everyday sounds'])] : []),
    ];
    if (list.length === 0) return 'silence';
    if (list.length === 1) return list[0] as string;
    return `${list.slice(0, -1).join(', ')}${random.pick([' and ', ' and ', ' with '])}${list[list.length - 1]}`;
  },
  pattern:
    '(?:silence|(?:speech|music|sound effects|everyday sounds)(?:(?:, | and | with )(?:music|sound effects|everyday sounds))*)',
  read: (text) => ({
    speech: /speech/.test(text),
    music: /music/.test(text),
    sound: /sound effects|everyday sounds/.test(text),
  }),
};

/** Who speaks, as far as age and gender go. */
export interface Person {
  gender: Gender;
  age: Age;
}

const NOUNS: Readonly<Record<Gender, Readonly<Record<Age, readonly string[]>>>> = {
  man: { child: ['boy'], young: ['young man'], adult: ['man'], elderly: ['old man', 'elderly man'] },
  woman: { child: ['girl'], young: ['young woman'], adult: ['woman'], elderly: ['old woman', 'elderly woman'] },
};

export const person: Phrase<Person> = {
  write: ({ gender, age }, random) => random.pick(NOUNS[gender][age]),
  pattern: '(?:(?:young |old |elderly )?(?:wo)?man|boy|girl)',
  read: (text) => {
    const gender = /woman|girl/.test(text) ? 'woman' : 'man';
    if (/boy|girl/.test(text)) return { gender, age: 'child' };
    if (/young/.test(text)) return { gender, age: 'young' };
    return { gender, age: /old|elderly/.test(text) ? 'elderly' : 'adult' };
  },
};

/** "man", "woman", "boy" or "girl": how a caption refers back to someone */
export function headNoun({ gender, age }: Person): string {
  return NOUNS[gender][age === 'child' ? 'child' : 'adult'][0] as string;
}

export const PRONOUN: Readonly<Record<Gender, string>> = { man: 'he', woman: 'she' };

/** "a slow", "an old" */
export function withArticle(text: string): string {
  return `${/^[aeio]/i.test(text) ? 'an' : 'a'} ${text}`;
}

export const accent: Phrase<string> = {
  write: (value) => `with ${withArticle(value)} accent`,
  pattern: 'with an? [A-Z][a-z]+ accent',
  read: (text) => text.split(' ')[2] as string,
};

/** How someone speaks; null is not stated. */
export interface Manner {
  pace: Pace | null;
  mood: Mood | null;
}

const ADVERB: Readonly<Record<Pace, readonly string[]>> = {
  slow: ['slowly', 'at a slow pace'],
  normal: ['at a normal pace'],
  fast: ['quickly', 'at a fast pace'],
};

export const manner: Phrase<Manner> = {
  write: ({ pace, mood }, random) => {
    const tone = mood && `${random.pick(['in', 'in', 'with'])} ${withArticle(mood)} ${random.pick(['voice', 'tone'])}`;
    const speed = pace && random.pick(ADVERB[pace]);
    if (tone && speed) return random.pick([`${speed}, ${tone}`, `${speed} and ${tone}`, `${speed} ${tone}`]);
    return tone || speed || '';
  },
  pattern:
    '(?:(?:(?:in|with) an? [a-z]+ (?:voice|tone)|slowly|quickly|at a (?:slow|normal|fast) pace)' +
    '(?:(?:, | and | )(?:(?:in|with) an? [a-z]+ (?:voice|tone)|slowly|quickly|at a (?:slow|normal|fast) pace))?)',
  read: (text) => {
    const tone = /(?:in|with) an? ([a-z]+) (?:voice|tone)/.exec(text)?.[1];
    const pace = /slow/.test(text)
      ? 'slow'
      : /normal/.test(text)
        ? 'normal'
        : /quickly|fast/.test(text)
          ? 'fast'
          : null;
    return { pace, mood: (tone as Mood | undefined) ?? null };
  },
};

export const tempo = choice<MusicPart['tempo']>({
  slow: ['slow'],
  medium: ['medium-paced', 'moderate'],
  fast: ['fast', 'quick'],
});

export const musicMood = choice<MusicPart['mood']>({
  cheerful: ['cheerful', 'happy'],
  sad: ['sad'],
  calm: ['calm', 'peaceful'],
  tense: ['tense'],
  playful: ['playful'],
  solemn: ['solemn', 'serious'],
});

/** The key, with or without its name: "in D minor", "in a minor key" */
export const key: Phrase<{ key: string | null; mode: MusicPart['mode'] }> = {
  write: ({ key, mode }, random) =>
    key === null ? `in a ${mode} key` : `${random.pick(['in', 'in the key of'])} ${key} ${mode}`,
  pattern: 'in (?:a|(?:the key of )?[A-G](?: sharp| flat)?) (?:major|minor)(?: key)?',
  read: (text) => ({
    key: /[A-G](?: sharp| flat)?(?= m)/.exec(text)?.[0] ?? null,
    mode: /major/.test(text) ? 'major' : 'minor',
  }),
};

export const role = choice<MusicPart['role']>({
  background: ['in the background', 'softly in the background', 'quietly behind the other sounds'],
  foreground: ['in the foreground', 'loud and clear'],
});

const instrument = choice(
  Object.fromEntries(Object.entries(INSTRUMENT_SURFACES).map(([label, noun]) => [label, [noun]])),
);

/** One or two instruments, the leading one first. */
export const instruments: Phrase<string[]> = {
  write: (value, random) => value.map((label) => instrument.write(label, random)).join(' and '),
  pattern: `${instrument.pattern}(?: and ${instrument.pattern})*`,
  read: (text) => (text.match(new RegExp(instrument.pattern, 'g')) ?? []).map((noun) => instrument.read(noun)),
};

export const ambience = choice(
  Object.fromEntries(Object.entries(AMBIENCE_SURFACES).map(([label, noun]) => [label, [noun]])),
);

export const distance = choice<Exclude<SoundEvent['distance'], 'middle'>>({
  close: ['close by', 'nearby'],
  far: ['in the distance', 'far away'],
});

/** One event as a caption states it; null is not stated. */
export interface EventFact {
  label: string;
  /** seconds, to the half second */
  start: number | null;
  distance: SoundEvent['distance'] | null;
}

const eventText = choice(
  Object.fromEntries(Object.entries(EVENT_SURFACES).map(([label, s]) => [label, [s.clause, s.noun]])),
);
const MENTION = new RegExp(
  `(?:(${when.pattern}), )?(?:there is |we hear )?(${eventText.pattern})(?: can be heard)?(?: again)?` +
    `(?: (${distance.pattern}))?(?: (${when.pattern}))?(?=[,.]| and |$)`,
  'g',
);

/** A clause that mentions an event, e.g. "a dog barks again in the distance at about 2.5 seconds". */
export function writeEvent(event: EventFact, again: boolean, random: Random): string {
  const surface = EVENT_SURFACES[event.label];
  if (!surface) throw new Error(`no words for the event ${event.label}`);
  const core = random.pick([surface.clause, surface.clause, `${surface.noun} can be heard`, `we hear ${surface.noun}`]);
  const far = event.distance && event.distance !== 'middle' ? ` ${distance.write(event.distance, random)}` : '';
  const body = `${core}${again ? ' again' : ''}${far}`;
  if (event.start === null) return body;
  const time = when.write(event.start, random);
  return random.chance(0.3) ? `${time}, ${body}` : `${body} ${time}`;
}

/** All events that a sentence mentions, in its order. Quoted words are passed over. */
export function readEvents(sentence: string): EventFact[] {
  const plain = sentence.replace(/"[^"]*"?/g, '');
  return [...plain.matchAll(MENTION)].map((match) => {
    const time = match[1] ?? match[4];
    return {
      label: eventText.read(match[2] as string),
      start: time === undefined ? null : when.read(time),
      distance: match[3] === undefined ? null : distance.read(match[3]),
    };
  });
}
