/** Rules of requests in the TTS variant, by group. */
import { of, type Rule } from './rules.js';
import { leakedShare, occurs, plain, quotationsIn, trimmed, wordsOf } from './text.js';
import { characters, latinOnly, noJargon, noTags } from './text-rules.js';
import { GROUP_RULES, type Group, type Position } from './tts-groups.js';
import type { Turn } from './tts-voices.js';

export interface SpeechRequestCase {
  group: Group;
  /** as the model wrote it, with the placeholder */
  request: string;
  /** what is to be spoken or sung */
  words: readonly string[];
  turns: readonly Turn[];
  /** of classical requests: where the words stand */
  position?: Position;
  /** of multi-talker requests: the phrase that describes each speaker */
  traits?: readonly { speaker: string; phrase: string }[];
}

const WHAT = 'The request';

/** Rules of every group. */
const COMMON: readonly Rule<SpeechRequestCase>[] = [
  {
    name: 'request_length',
    broken({ group, request, words }) {
      const [low, high] = GROUP_RULES[group].words;
      const count = wordsOf(besidesWords(request, words)).length;
      return count >= low && count <= high
        ? null
        : `${WHAT} has ${count} words besides those to be spoken; ${low} to ${high} are accepted.`;
    },
  },
  {
    name: 'request_characters',
    broken({ group, request }) {
      const [low, high] = GROUP_RULES[group].characters;
      return characters('', WHAT, low, high).broken(request);
    },
  },
  {
    name: 'placeholder_count',
    broken({ group, request }) {
      const { placeholder } = GROUP_RULES[group];
      const found = request.match(/\[(?:TEXT|LYRICS)\]/g) ?? [];
      if (placeholder === null)
        return found.length === 0 ? null : `${WHAT} holds ${found[0]}; no placeholder is wanted here.`;
      return found.length === 1 && found[0] === placeholder ? null : `${WHAT} must hold ${placeholder} exactly once.`;
    },
  },
  of(({ request }) => request, latinOnly(WHAT)),
  of(({ request }) => request, noTags(WHAT)),
];

const OF_GROUP: Readonly<Record<Group, readonly Rule<SpeechRequestCase>[]>> = {
  classical: [
    {
      name: 'placeholder_position',
      broken({ request, position }) {
        const [before = '', after = ''] = request.split('[TEXT]').map((part) => /[\p{L}\p{N}]/u.exec(part)?.[0]);
        const at = before === '' ? 'start' : after === '' ? 'end' : 'middle';
        return position === undefined || at === position
          ? null
          : `[TEXT] stands at the ${at}; it must stand at the ${position}.`;
      },
    },
  ],
  general: [],
  'multi-talker': [
    {
      name: 'turn_order',
      broken({ request, turns }) {
        let rest = plain(request);
        for (const { words } of turns) {
          const at = rest.indexOf(trimmed(words));
          if (at < 0 || !occurs(words, rest))
            return `${WHAT} must hold all turns exactly, in order; '${trimmed(words)}' is not in its place.`;
          rest = rest.slice(at + trimmed(words).length);
        }
        return null;
      },
    },
    {
      name: 'turn_added',
      broken({ request, words }) {
        const strange = quotationsIn(request).find((quotation) => !words.some((turn) => occurs(quotation, turn)));
        return strange === undefined ? null : `${WHAT} quotes '${strange}', which nobody says.`;
      },
    },
    {
      name: 'speaker_traits',
      broken({ request, turns, traits = [] }) {
        const heard = [...new Set(turns.map(({ speaker }) => speaker))];
        const bare = heard.find((speaker) => {
          const phrase = traits.find((one) => one.speaker === speaker)?.phrase ?? '';
          return wordsOf(phrase).length < 2 || !plain(request).toLowerCase().includes(plain(phrase).toLowerCase());
        });
        return bare === undefined
          ? null
          : `${WHAT} must describe the voice of ${bare} in a phrase of two words or more.`;
      },
    },
    of(({ request }) => request, noMarkdown(WHAT)),
    of(({ request }) => request, noJargon(WHAT)),
  ],
  'role-play': [
    {
      name: 'placeholder_end',
      broken({ request }) {
        const after = request.split('[TEXT]')[1] ?? '';
        return after.trim().length <= 30
          ? null
          : `After [TEXT] come ${after.trim().length} characters; at most 30 are accepted.`;
      },
    },
    {
      name: 'third_person',
      broken({ request }) {
        const word = /\b(?:he|she|him|her|hers|his|himself|herself)\b/i.exec(request)?.[0];
        return word === undefined
          ? null
          : `${WHAT} says "${word}"; the persona speaks of itself or is spoken to, never of.`;
      },
    },
  ],
  'intent-to-speech': [
    {
      name: 'words_leaked',
      broken({ request, words }) {
        const share = leakedShare(words.join(' '), request);
        return share < 0.4
          ? null
          : `${WHAT} gives away ${Math.round(100 * share)}% of the words to be spoken; below 40% is accepted.`;
      },
    },
  ],
  singing: [],
};

export function speechRequestRules(group: Group): readonly Rule<SpeechRequestCase>[] {
  return [...COMMON, ...OF_GROUP[group]];
}

/** Names of all rules that a group has, for tables and tests. */
export function speechRequestRuleNames(group: Group): string[] {
  return speechRequestRules(group).map(({ name }) => name);
}

export function noMarkdown(what: string): Rule<string> {
  return {
    name: 'markdown',
    broken: (text) =>
      /\*\*|__|^#{1,6}\s|^\s*[-*]\s|`/m.test(text) ? `${what} is written in Markdown; write plain sentences.` : null,
  };
}

/** The request without its placeholder and without the words to be spoken. */
function besidesWords(request: string, words: readonly string[]): string {
  let rest = plain(request).replace(/\[(?:TEXT|LYRICS)\]/g, ' ');
  for (const turn of words) rest = rest.replace(trimmed(turn), ' ');
  return rest;
}

/** Capitals inside a sentence that are nobody's name. */
const NO_NAMES =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?$|^(?:January|February|March|April|May|June|July|August|September|October|November|December)$|^(?:God|Christmas|Easter|Earth|Internet|Mum|Mom|Dad|Grandma|Grandpa)$|(?:ish|ican|ian|ese)$/;

/** A name that a persona gives itself: after words that announce one, or a capital inside a sentence. Places count too. */
export function nameIn(persona: string): string | undefined {
  const announced = /\b(?:named|called|name is|name's|I am|I'm|You are|You're|call me)\s+(\p{Lu}\p{Ll}+)/gu;
  const inside = /(?<=[\p{L}\p{N},;] )(\p{Lu}\p{Ll}{2,})/gu;
  return [...persona.matchAll(announced), ...persona.matchAll(inside)]
    .map((match) => match[1] as string)
    .find((name) => !NO_NAMES.test(name));
}
