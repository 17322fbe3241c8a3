/** Generation, step 1: a persona that fits the clip asks for it twice, outright and by a scene. */
import type { AudioReference, Keyed } from '../types.js';
import { ask, structured } from './ask.js';
import { of, type Rule } from './rules.js';
import { object, text } from './shape.js';
import { bareWords, copiedShare, itemOf, spokenIn, withoutQuotations } from './text.js';
import { claimsOnlyQuotes, keepsQuotes, latinOnly, noJargon, noTags, words } from './text-rules.js';
import { exampleId, randomFor, type Source, type Step, type Tools } from './types.js';

/** `realistic` says which sounds are wanted; `imaginary` tells a scene, and the sound has to be inferred. */
export const LEVELS = ['realistic', 'imaginary'] as const;
export type Level = (typeof LEVELS)[number];

/** The requests for a clip. The id is the clip's. */
export interface Requests extends Keyed, Record<Level, string> {
  dataset: string;
  audio: AudioReference;
  caption: string;
  persona: string;
}

/** One of them. The id is the example's: dataset_idx_level. */
export interface LevelRequest extends Keyed {
  /** the clip's id */
  source: string;
  dataset: string;
  audio: AudioReference;
  caption: string;
  persona: string;
  level: Level;
  request: string;
}

/** What the rules of requests look at. */
export interface RequestCase extends Record<Level, string> {
  caption: string;
}

const REALISTIC = 'The realistic request';
const IMAGINARY = 'The imaginary request';

function textRules(level: Level, what: string): Rule<RequestCase>[] {
  const request = (value: RequestCase): string => value[level];
  const claim = (value: RequestCase) => ({ text: value[level], caption: value.caption });
  return [
    of(request, words('request_length', what, 15, 80)),
    of(request, latinOnly(what)),
    of(request, noTags(what)),
    of(request, noJargon(what)),
    of(claim, keepsQuotes(what)),
    of(claim, claimsOnlyQuotes(what)),
    { name: 'request_copies_caption', broken: (value) => copies(what, value[level], value.caption) },
  ];
}

/** Rules of the realistic request alone: a record of that level can be checked by them without its twin. */
export const REALISTIC_RULES: readonly Rule<RequestCase>[] = [
  ...textRules('realistic', REALISTIC),
  {
    name: 'realistic_vague',
    broken({ realistic, caption }) {
      const known = new Set(contentWords(caption));
      const shared = new Set(contentWords(realistic).filter((word) => known.has(word)));
      return shared.size >= 3
        ? null
        : `${REALISTIC} hardly names what is heard; say which sounds, voices or music are wanted.`;
    },
  },
];

export const IMAGINARY_RULES: readonly Rule<RequestCase>[] = [
  ...textRules('imaginary', IMAGINARY),
  {
    name: 'imaginary_names_audio',
    broken({ imaginary }) {
      const named = AUDIO_WORDS.exec(withoutQuotations(imaginary))?.[0];
      return named === undefined
        ? null
        : `${IMAGINARY} says "${named}"; tell a scene, a feeling or an idea and name no audio.`;
    },
  },
];

export const REQUEST_RULES: readonly Rule<RequestCase>[] = [
  ...REALISTIC_RULES,
  ...IMAGINARY_RULES,
  {
    name: 'requests_alike',
    broken({ realistic, imaginary }) {
      const a = new Set(bareWords(withoutQuotations(realistic)));
      const b = new Set(bareWords(withoutQuotations(imaginary)));
      const both = [...a].filter((word) => b.has(word)).length;
      return both / Math.max(1, a.size + b.size - both) <= 0.6
        ? null
        : 'The two requests say nearly the same; the imaginary one must come from a scene of its own.';
    },
  },
];

const AUDIO_WORDS =
  /\b(?:audio|sounds?|sounding|sound ?(?:effect|track|scape)s?|soundtracks?|soundscapes?|recordings?|recorded|clips?|tracks?|noises?|music|musical|songs?|melod(?:y|ies)|tunes?|instrumental|hear|hears|hearing|heard|listen|listens|listening|voice-?overs?|microphones?|mic|acoustics?|playback|sfx|loop)\b/i;

/** How many of a caption's words in a row a request may share, besides quoted speech. */
const PASSAGE = 10;

function copies(what: string, request: string, caption: string): string | null {
  return copiedShare(withoutQuotations(request), withoutQuotations(caption), PASSAGE) === 0
    ? null
    : `${what} copies ${PASSAGE} or more words in a row from the caption; ask for it in words of your own.`;
}

function contentWords(value: string): string[] {
  return bareWords(withoutQuotations(value))
    .filter((word) => word.length > 3)
    .map((word) => word.slice(0, 6));
}

const PERSONA = object({ persona: text('one persona of the list, copied exactly') });
const PAIR = object({
  realistic: text('names the sounds, voices or music that are wanted'),
  imaginary: text('a scene, feeling or idea; names no audio'),
});

/** A persona of the list, exactly. */
export function personaRule(personas: readonly string[]): Rule<{ persona: string }> {
  return {
    name: 'persona_unknown',
    broken: ({ persona }) =>
      personas.includes(persona) ? null : `The persona "${persona}" is not in the list; copy one of the list exactly.`,
  };
}

/** Two questions a clip: the persona, then its requests. */
export function requestsStep(tools: Tools): Step<Source, Requests> {
  const chosen = structured('persona', PERSONA);
  const pair = structured('requests', PAIR);
  return async (source, context) => {
    const { id, dataset, audio, caption } = source;
    const personas = randomFor(tools, id, 'personas').shuffle(tools.prompts.list('personas'));
    const { persona } = await ask(
      tools,
      {
        prompt: 'generation-persona',
        values: { caption, personas: personas.map((one) => `- ${one}`).join('\n') },
        temperature: 0.7,
        maxTokens: 512,
        schema: chosen.schema,
        read: (reply) => ({ persona: itemOf(personas, chosen.read(reply).persona) }),
        rules: [personaRule(personas)],
      },
      context,
    );
    const requests = await ask(
      tools,
      {
        prompt: 'generation-requests',
        values: { caption, persona, spoken: spokenList(caption) },
        temperature: 0.7,
        maxTokens: 512,
        schema: pair.schema,
        read: (reply) => ({ ...pair.read(reply), caption }),
        rules: REQUEST_RULES,
      },
      context,
    );
    return { id, dataset, audio, caption, persona, realistic: requests.realistic, imaginary: requests.imaginary };
  };
}

/** The spoken words of a caption for a prompt, one quotation a line. */
export function spokenList(caption: string): string {
  const spoken = spokenIn(caption);
  return spoken.length === 0 ? '(nothing is spoken or sung)' : spoken.map((one) => `- ${one}`).join('\n');
}

/** The requests of a clip one by one, as the next step takes them. */
export function levelRequests(requests: Requests, levels: readonly Level[] = LEVELS): LevelRequest[] {
  const { id: source, dataset, audio, caption, persona } = requests;
  return levels.map((level) => ({
    id: exampleId({ id: source, dataset }, level),
    source,
    dataset,
    audio,
    caption,
    persona,
    level,
    request: requests[level],
  }));
}
