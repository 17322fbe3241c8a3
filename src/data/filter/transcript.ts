/**
 * Do a caption's quotations agree with what was said? Both sides are brought to the same words (numbers spelt, fillers and
 * abbreviations evened out), words that the caption quotes again are dropped, and what remains is compared as word error
 * rate.
 */
import { alignWords, differences, spokenWords } from '../../text/index.js';
import type { Reason } from '../types.js';

export interface TranscriptLimits {
  /** differing words / words of the reference, at most */
  wordErrorRate: number;
  /** words of the reference below which one is not compared */
  words: number;
}

export const TRANSCRIPT_LIMITS: TranscriptLimits = { wordErrorRate: 0.3, words: 3 };

export interface Agreement {
  /** differing words / words of the reference */
  wordErrorRate: number;
  reference: string[];
  quoted: string[];
}

export function transcriptReason(caption: string, transcript: string, limits: TranscriptLimits): Reason | undefined {
  const { wordErrorRate, reference, quoted } = transcriptAgreement(caption, transcript);
  if (reference.length < limits.words || wordErrorRate <= limits.wordErrorRate) return undefined;
  const said = `"${excerpt(reference)}" was said`;
  const message =
    quoted.length === 0
      ? `${said}, and the caption quotes nothing.`
      : `${said}, and the caption quotes "${excerpt(quoted)}": word error rate ${wordErrorRate.toFixed(2)}; ${limits.wordErrorRate} is let pass.`;
  return { kind: 'transcript_mismatch', message };
}

export function transcriptAgreement(caption: string, transcript: string): Agreement {
  const reference = normalizedWords(transcript);
  const quoted = firstQuoted(quotations(caption).map(normalizedWords));
  const errors = differences(alignWords(reference, quoted));
  return { wordErrorRate: errors / Math.max(1, reference.length), reference, quoted };
}

/** The texts in double quotation marks, straight or curly, in their order. A mark that is never closed ends with its paragraph. */
export function quotations(text: string): string[] {
  const found: string[] = [];
  for (const paragraph of text.split(/\n\s*\n/)) {
    for (const [, curly, straight] of paragraph.matchAll(/\u201c([^\u201d]*)(?:\u201d|$)|"([^"]*)(?:"|$)/g)) {
      const quoted = curly ?? straight;
      if (quoted.trim() !== '') found.push(quoted);
    }
  }
  return found;
}

/** The words of all quotations but those that lie within what was quoted before: captions come back to single words. */
function firstQuoted(quotes: readonly string[][]): string[] {
  const all: string[] = [];
  for (const words of quotes) {
    if (words.length > 0 && !` ${all.join(' ')} `.includes(` ${words.join(' ')} `)) all.push(...words);
  }
  return all;
}

const FILLERS = new Set(['um', 'uh', 'uhm', 'umm', 'er', 'erm', 'hm', 'hmm', 'mhm', 'ah', 'eh']);

const SPELT: Readonly<Record<string, string>> = {
  mr: 'mister',
  mrs: 'missus',
  dr: 'doctor',
  st: 'saint',
  ok: 'okay',
  gonna: 'going to',
  wanna: 'want to',
  gotta: 'got to',
  "'cause": 'because',
  cuz: 'because',
  "can't": 'can not',
  cannot: 'can not',
  "won't": 'will not',
  "let's": 'let us',
};

const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/^(.+)n't$/, '$1 not'],
  [/^(.+)'re$/, '$1 are'],
  [/^(.+)'ve$/, '$1 have'],
  [/^(.+)'ll$/, '$1 will'],
  [/^(.+)'m$/, '$1 am'],
  [/^(it|he|she|that|there|what|who|where|here|how)'s$/, '$1 is'],
];

/** Words as they are compared: spelt out, without fillers, short forms and punctuation. */
export function normalizedWords(text: string): string[] {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/(\d),(?=\d{3}\b)/g, '$1')
    .replace(/%/g, ' percent ')
    .replace(/&/g, ' and ');
  return spokenWords(plain).flatMap((word) => {
    if (FILLERS.has(word)) return [];
    if (/^\d+$/.test(word)) return numberWords(word);
    if (Object.hasOwn(SPELT, word)) return SPELT[word].split(' ');
    for (const [pattern, spelt] of ENDINGS) if (pattern.test(word)) return word.replace(pattern, spelt).split(' ');
    return [word];
  });
}

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** A whole number as it is read, up to 999,999; of longer ones the digits. Years are not known from other numbers. */
function numberWords(digits: string): string[] {
  const n = Number(digits);
  if (digits.length > 6 || (digits.length > 1 && digits.startsWith('0')))
    return [...digits].map((d) => ONES[Number(d)]);
  if (n < 20) return [ONES[n]];
  if (n < 100) return [TENS[Math.floor(n / 10)], ...(n % 10 === 0 ? [] : [ONES[n % 10]])];
  const [unit, name] = n < 1000 ? [100, 'hundred'] : [1000, 'thousand'];
  const rest = n % unit;
  return [...numberWords(String(Math.floor(n / unit))), name, ...(rest === 0 ? [] : numberWords(String(rest)))];
}

function excerpt(words: readonly string[]): string {
  const text = words.slice(0, 15).join(' ');
  return words.length > 15 ? `${text} ...` : text;
}
