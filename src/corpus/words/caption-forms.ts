/** The sentences of captions, in the language of `forms.ts`. The writer and the reader share this one table. */

import { anyOf, type Reader, reader } from './forms.js';
import * as p from './phrases.js';

/** Verbs of speaking by the last character of what is said. */
export const VERBS_OF_SPEECH = {
  '.': ['says'],
  '?': ['asks', 'asks', 'says'],
  '!': ['says', 'calls out', 'exclaims'],
} as const;

const MUSIC_TAIL = '< {role}>< {from}>< {until}>.';
const ADJECTIVES = '{tempo}<[, | and ]{mood}>';
const PIECE = '[piece|tune|melody]';

export const FORMS = {
  global: [
    '[this|the] <{seconds}-second >[clip|recording] [contains|has] {kinds}.',
    '[this|the] [clip|recording] [contains|has] {kinds}< and lasts about {seconds} seconds>.',
    'in this <{seconds}-second >[clip|recording] [we hear|there is|you can hear] {kinds}.',
    'this is a [clip|recording] of {kinds}<, about {seconds} seconds long>.',
    '{kinds} can be heard in this <{seconds}-second >[clip|recording].',
  ],
  globalOnly: [
    '[only|nothing but] {kinds} can be heard in this <{seconds}-second >[clip|recording].',
    'this <{seconds}-second >[clip|recording] [contains|has] [only|nothing but] {kinds}.',
  ],
  oneSpeaker: ['[one person speaks|there is one speaker|a single voice is heard].'],
  twoSpeakers: ['[two people speak|there are two speakers|two people talk to each other].'],
  speechIntro: [
    '{who}< {accent}> {says}< {manner}>< {when}>[,|:] {quote}',
    '{who}< {accent}> {says}< {manner}>< {when}>[,|:] {quote}',
    '[there is|we hear] {who}< {accent}> who {says}< {manner}>< {when}>[,|:] {quote}',
    '{who}< {accent}> can be heard< {when}>, saying< {manner}>: {quote}',
    'the words {quote} are spoken< {manner}> by {who}< {accent}>< {when}>.',
  ],
  speechIntroTimed: ['{when}, {who}< {accent}> {says}< {manner}>[,|:] {quote}'],
  speechVoice: [
    '{who}< {accent}> speaks< {manner}>< {when}>.',
    '[we hear|there is] {who}< {accent}> speaking< {manner}>< {when}>.',
  ],
  speechWords: ['the words are[:|] {quote}', '{ref} {says}[,|:] {quote}'],
  speechReply: [
    '{who}< {accent}> [answers|replies]< {manner}>< {when}>[,|:] {quote}',
    'then {who}< {accent}> {says}< {manner}>< {when}>[,|:] {quote}',
  ],
  speechNext: [
    '[|then |later |after that, ]{ref} {says}< {when}>[,|:] {quote}',
    '{ref} [goes on|continues|adds]< {when}>[,|:] {quote}',
  ],
  speechNextTimed: ['{when}, {ref} {says}[,|:] {quote}'],
  musicWhole: [
    `[we hear|there is] a ${ADJECTIVES} ${PIECE}< {key}> played on {instruments}${MUSIC_TAIL}`,
    `a ${ADJECTIVES} ${PIECE}< {key}> is played on {instruments}${MUSIC_TAIL}`,
    `{instruments} [play|plays] a ${ADJECTIVES} ${PIECE}< {key}>${MUSIC_TAIL}`,
    `[we hear|there is] ${ADJECTIVES} music< {key}> played on {instruments}${MUSIC_TAIL}`,
  ],
  musicPlay: [
    `{instruments} [play|plays] music${MUSIC_TAIL}`,
    `[we hear|there is] music on {instruments}${MUSIC_TAIL}`,
  ],
  musicIs: ['[the music|the tune|the piece] is {tempo}<[ and |, ]{mood}><[ and|,] {key}>.'],
  drums: ['drums [keep the beat|play along].', 'there are drums too.'],
  noDrums: ['there are no drums.', 'no drums are heard.'],
  ambience: [
    '{ambience} can be heard [in the background|all the time|throughout].',
    '[in the background|all the while|throughout], we hear {ambience}.',
    'behind everything we hear {ambience}.',
    'the background is {ambience}.',
  ],
  dry: ['[the sound is dry|there is no echo|it sounds dry, without echo].'],
  room: [
    '[it sounds like|it was recorded in] a room[ with a little echo|].',
    'there is a little echo[, as in a room|].',
  ],
  hall: [
    '[it sounds like|it was recorded in] a large hall[ with a long echo|].',
    'there is a long echo[, as in a large hall|].',
  ],
  narrow: [
    '[it|the sound] is narrow, like [a telephone call|a telephone].',
    'the recording sounds like a telephone call.',
  ],
  noisy: ['[there is|we hear] a {noise} hiss in the recording.', 'the recording has a {noise} hiss.'],
  clean: ['[the recording|the sound] is [clear|clean][| and without noise].'],
  absent: ['there is {absent}.', 'we hear {absent}.', '[the clip|the recording] has {absent}.'],
  noSound: ['there are no sound effects.', 'we hear no sound effects.', 'the [clip|recording] has no sound effects.'],
  noSpeech: ['nobody speaks.'],
  noMusic: ['no music plays.'],
} as const satisfies Record<string, readonly string[]>;

export type FormName = keyof typeof FORMS;

const WHO = `(?:an?|another|a second) ${p.person.pattern}`;
const REF = '(?:he|she|the (?:first |second |other )?(?:man|woman|boy|girl))';
const KIND = '(?:speech|music|sound effects)';

/** What each slot may hold, as regular expression source. */
const PATTERNS: Readonly<Record<string, string>> = {
  seconds: String.raw`\d+`,
  kinds: p.kinds.pattern,
  who: WHO,
  accent: p.accent.pattern,
  says: anyOf([...new Set(Object.values(VERBS_OF_SPEECH).flat())]),
  manner: p.manner.pattern,
  when: p.when.pattern,
  quote: '"[^"]*"',
  ref: REF,
  tempo: p.tempo.pattern,
  mood: p.musicMood.pattern,
  key: p.key.pattern,
  instruments: p.instruments.pattern,
  role: p.role.pattern,
  from: p.from.pattern,
  until: p.until.pattern,
  ambience: p.ambience.pattern,
  noise: '(?:slight|strong)',
  absent: `no ${KIND}(?:(?:, | and | or )(?:no )?${KIND})*`,
};

const READERS: readonly { name: FormName; read: Reader }[] = (Object.keys(FORMS) as FormName[]).flatMap((name) =>
  [...new Set<string>(FORMS[name])].map((form) => ({ name, read: reader(form, PATTERNS) })),
);

/** The form of a sentence and what its slots hold, or null for a sentence that is none of ours. */
export function readForm(sentence: string): { name: FormName; slots: Record<string, string> } | null {
  for (const { name, read } of READERS) {
    const slots = read(sentence);
    if (slots) return { name, slots };
  }
  return null;
}
