/** What the flags of `bagpiper data filter` say about limits. */
import { readFileSync } from 'node:fs';
import { type Direction, defaultSettings, type FilterSettings, withSettings } from '../../data/filter/index.js';
import type { JsonObject } from '../../data/types.js';
import { BagpiperError, messageOf } from '../../errors.js';

export interface LimitFlags {
  config?: string;
  tokens?: string;
  duration?: string;
  wordLength?: string;
  maxCharRun?: number;
  maxWordRun?: number;
  maxRepetition?: number;
  minUnique?: number;
  maxUppercase?: number;
  minEnglish?: number;
  maxWer?: number;
  similarity?: number;
  minAgreement?: number;
  lenient?: boolean;
  /** false: switched off */
  language?: boolean;
  transcript?: boolean;
  duplicates?: boolean;
  topK?: boolean;
  require?: string[];
  for?: string;
  seed?: number;
}

/** Defaults, then the config file, then flags. @throws BagpiperError for values that make no sense */
export function settingsOf(flags: LimitFlags): FilterSettings {
  const direction = flags.for ?? 'default';
  if (!['default', 'understanding', 'generation'].includes(direction)) {
    throw new BagpiperError(`--for is "${direction}"; understanding and generation are accepted.`);
  }
  let settings = defaultSettings(direction as Direction | 'default');
  if (flags.config !== undefined) settings = withSettings(settings, readJson(flags.config), flags.config);
  const { surface } = settings;
  for (const [flag, name] of [
    ['tokens', 'tokens'],
    ['duration', 'duration'],
    ['wordLength', 'averageWordLength'],
  ] as const) {
    const range = flags[flag];
    if (range !== undefined) surface[name] = rangeOf(`--${flag === 'wordLength' ? 'word-length' : flag}`, range);
  }
  for (const [name, value] of [
    ['charRun', checked('--max-char-run', flags.maxCharRun)],
    ['wordRun', checked('--max-word-run', flags.maxWordRun)],
    ['ngramRepetition', checked('--max-repetition', flags.maxRepetition, 1)],
    ['uniqueWordRatio', checked('--min-unique', flags.minUnique, 1)],
    ['uppercaseRatio', checked('--max-uppercase', flags.maxUppercase, 1)],
  ] as const) {
    if (value !== undefined) surface[name] = value;
  }
  const off = {
    language: flags.language,
    transcript: flags.transcript,
    duplicates: flags.duplicates,
    topK: flags.topK,
  };
  for (const [name, value] of Object.entries(off)) if (value === false) settings[name as keyof typeof off] = false;
  refine(settings, flags);
  return settings;
}

function refine(settings: FilterSettings, flags: LimitFlags): void {
  const { language, transcript, duplicates, topK } = settings;
  const english = checked('--min-english', flags.minEnglish, 1);
  // A window can ask no more than the whole.
  if (language && english !== undefined) {
    settings.language = { ...language, english, englishWorst: Math.min(language.englishWorst, english) };
  }
  const wordErrorRate = checked('--max-wer', flags.maxWer);
  if (transcript && wordErrorRate !== undefined) settings.transcript = { ...transcript, wordErrorRate };
  const similarity = checked('--similarity', flags.similarity, 1);
  if (duplicates && similarity !== undefined) settings.duplicates = { ...duplicates, similarity };
  if (topK && flags.seed !== undefined) settings.topK = { ...topK, seed: flags.seed };
  settings.agreement = checked('--min-agreement', flags.minAgreement, 5) ?? settings.agreement;
  settings.lenient ||= flags.lenient === true;
  for (const text of flags.require ?? []) {
    const [, field, value] = /^(\w+)=(.+)$/.exec(text) ?? [];
    if (field === undefined) {
      throw new BagpiperError(`--require is "${text}"; field=value is accepted, as in audio_type=speech.`);
    }
    const number = Number(value);
    settings.require[field] =
      value === 'true' ? true : value === 'false' ? false : Number.isNaN(number) ? value : number;
  }
}

function readJson(path: string): JsonObject {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as JsonObject;
  } catch (error) {
    throw new BagpiperError(`${path} cannot be read as JSON: ${messageOf(error)}.`);
  }
}

function rangeOf(flag: string, text: string): { min: number; max: number } {
  const [, low, high] = /^([\d.]+):([\d.]+)$/.exec(text) ?? [];
  const [min, max] = [Number(low), Number(high)];
  if (min <= max) return { min, max };
  throw new BagpiperError(`${flag} is "${text}"; two numbers with a colon between are accepted, the smaller first.`);
}

function checked(flag: string, value: number | undefined, most = Number.POSITIVE_INFINITY): number | undefined {
  if (value === undefined || (value >= 0 && value <= most)) return value;
  const range = most === Number.POSITIVE_INFINITY ? '0 or more' : `0 to ${most}`;
  throw new BagpiperError(`${flag} is ${value}; ${range} is accepted.`);
}
