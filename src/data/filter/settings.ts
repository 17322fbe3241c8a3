/** All limits of the filters, with the official ones as defaults, and how a user's own are read. */
import { BagpiperError } from '../../errors.js';
import { isObject } from '../../json.js';
import type { JsonObject, SoundKind } from '../types.js';
import { DUPLICATE_LIMITS, type DuplicateLimits } from './duplicates.js';
import { LANGUAGE_LIMITS, type LanguageLimits } from './language.js';
import { SURFACE_LIMITS, type SurfaceLimits } from './surface.js';
import { TRANSCRIPT_LIMITS, type TranscriptLimits } from './transcript.js';

/** false switches a filter off. */
export interface FilterSettings {
  surface: SurfaceLimits;
  /** do not judge what is not known (duration, tokens, reason to end) */
  lenient: boolean;
  language: LanguageLimits | false;
  transcript: TranscriptLimits | false;
  duplicates: DuplicateLimits | false;
  /** what a record must have to be scored: numbers with a fraction above their limit, whole ones at it or above, words and flags equal */
  require: Record<string, number | string | boolean>;
  /** lowest agreement of caption and audio, 1 to 5, where a judge that hears gave one */
  agreement: number;
  weights: Record<string, number>;
  topK: TopKSettings | false;
}

export interface TopKSettings {
  /** of the Gumbel noise that is added to scores */
  temperature: number;
  /** share that is let go, by kind of sound */
  discard: Record<SoundKind, number>;
  seed: number;
}

export type Direction = 'understanding' | 'generation';

/** Stage 4 as the official sets were drawn, and the script's own defaults. */
export const TOP_K: Record<Direction | 'default', TopKSettings> = {
  default: { temperature: 0.1, discard: { speech: 0.2, music: 0.2, sound: 0.2 }, seed: 42 },
  understanding: { temperature: 0.3, discard: { speech: 0.42, music: 0.2, sound: 0.2 }, seed: 42 },
  generation: { temperature: 0.1, discard: { speech: 0.28, music: 0.2, sound: 0.2 }, seed: 42 },
};

/** Stage 3: three judgements share 0.2; MOS counts for speech only, aesthetics for all but speech. */
export const WEIGHTS: Readonly<Record<string, number>> = {
  intelligibility_score: 0.2 / 3,
  complexity_score: 0.2 / 3,
  diversity_score: 0.2 / 3,
  mos_mean: 0.2,
  clap_similarity: 1,
  aesthetics_mean: 0.1,
};

export function defaultSettings(direction: Direction | 'default' = 'default'): FilterSettings {
  return structuredClone({
    surface: SURFACE_LIMITS,
    lenient: false,
    language: LANGUAGE_LIMITS,
    transcript: TRANSCRIPT_LIMITS,
    duplicates: DUPLICATE_LIMITS,
    require: { is_pure_english: true },
    agreement: 3,
    weights: { ...WEIGHTS },
    topK: TOP_K[direction],
  });
}

/** Objects whose keys are the user's. */
const OPEN = new Set(['require', 'weights']);
/** What may be switched off. */
const SWITCHES = new Set(['language', 'transcript', 'duplicates', 'topK']);

/**
 * Default settings with those of a JSON file laid over them.
 * @param from for messages
 * @throws BagpiperError naming the setting that does not exist or has a wrong value
 */
export function withSettings(base: FilterSettings, given: unknown, from: string): FilterSettings {
  if (!isObject(given)) throw new BagpiperError(`${from} must hold a JSON object of settings; docs/data-filters.md.`);
  return merged(base as unknown as JsonObject, given, '', from) as unknown as FilterSettings;
}

function merged(base: JsonObject, given: JsonObject, path: string, from: string): JsonObject {
  const result: JsonObject = { ...base };
  for (const [key, value] of Object.entries(given)) {
    const name = path === '' ? key : `${path}.${key}`;
    const known = base[key];
    if (OPEN.has(path)) {
      const fits = path === 'weights' ? Number.isFinite(value) : ['number', 'string', 'boolean'].includes(typeof value);
      if (!fits) throw wrong(name, value, path === 'weights' ? 'a number' : 'a number, text, true or false', from);
      result[key] = value;
    } else if (known === undefined || !Object.hasOwn(base, key)) {
      const accepted = Object.keys(base).join(', ');
      throw new BagpiperError(`${from}: there is no setting "${name}"; accepted here are ${accepted}.`);
    } else if (value === false && SWITCHES.has(name)) {
      result[key] = false;
    } else if (isObject(known)) {
      if (!isObject(value)) throw wrong(name, value, SWITCHES.has(name) ? 'an object or false' : 'an object', from);
      result[key] = merged(known, value, name, from);
    } else {
      const fits =
        typeof value === typeof known && (typeof value !== 'number' || (Number.isFinite(value) && value >= 0));
      if (!fits) throw wrong(name, value, typeof known === 'number' ? 'a number from 0' : 'true or false', from);
      result[key] = value;
    }
  }
  return result;
}

function wrong(name: string, value: unknown, accepted: string, from: string): BagpiperError {
  return new BagpiperError(`${from}: "${name}" is ${JSON.stringify(value)}; ${accepted} is accepted.`);
}
