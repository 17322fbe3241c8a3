/** Rules that texts of more than one step share. Each takes the name of what it speaks of, for its message. */
import type { Rule } from './rules.js';
import { foreignLetter, occurs, quotationsIn, spokenIn, trimmed, withoutQuotations, wordsOf } from './text.js';

/** Words outside quoted speech, both limits included (data workflow of the ESPnet recipe). */
export function words(name: string, what: string, low: number, high: number): Rule<string> {
  return {
    name,
    broken(text) {
      const count = wordsOf(withoutQuotations(text)).length;
      if (count >= low && count <= high) return null;
      return `${what} has ${count} words besides quoted speech; ${low} to ${high} are accepted.`;
    },
  };
}

export function characters(name: string, what: string, low: number, high: number): Rule<string> {
  return {
    name,
    broken(text) {
      if (text.length >= low && text.length <= high) return null;
      return `${what} has ${text.length} characters; ${low} to ${high} are accepted.`;
    },
  };
}

export function latinOnly(what: string): Rule<string> {
  return {
    name: 'non_latin',
    broken(text) {
      const letter = foreignLetter(text);
      return letter === undefined ? null : `${what} holds "${letter}"; only Latin letters are accepted.`;
    },
  };
}

export function noTags(what: string): Rule<string> {
  return {
    name: 'tags',
    broken: (text) => (/<\s*\/?\s*think/i.test(text) ? `${what} holds a <think> tag; write it without tags.` : null),
  };
}

/** No words that only sound engineers use. */
export function noJargon(what: string): Rule<string> {
  return {
    name: 'jargon',
    broken(text) {
      const term = JARGON.exec(withoutQuotations(text))?.[0];
      return term === undefined
        ? null
        : `${what} says "${term}"; say it as people do who know nothing of sound engineering.`;
    },
  };
}

const JARGON =
  /\b(?:\d+(?:\.\d+)?\s?(?:k?hz|db|kbps|kbit\/s)|k?hz|hertz|decibels?|db|lufs|rms|eq(?:ed|ing)?|equali[sz]\w*|(?:low|high|band)[- ]?pass(?:ed)?|(?:bit|sample|sampling)[- ](?:rate|depth)|bit-?crush\w*|spectr(?:um|al\w*|ogram\w*)|frequenc(?:y|ies)|formants?|fundamental pitch|signal-to-noise|noise floor|dynamic range|sidechain\w*|compressor|limiter|transients?|stereo (?:field|image|width)|panned|panning|waveforms?|codec|clipping|phoneme\w*|prosod\w*|f0|adsr|gated reverb|convolution|sibilan\w*|plosives?|room tone|close-miked)\b/i;

/** A text and the caption that it must agree with. */
export interface Claim {
  text: string;
  caption: string;
}

/** What the caption quotes as spoken or sung stands in the text, letter for letter. */
export function keepsQuotes(what: string): Rule<Claim> {
  return {
    name: 'quote_missing',
    broken({ text, caption }) {
      const lost = spokenIn(caption).find((quotation) => !occurs(quotation, text));
      return lost === undefined
        ? null
        : `${what} must hold the words '${trimmed(lost)}' exactly as the caption quotes them.`;
    },
  };
}

/** What the text quotes was really quoted by the caption: one of its quotations, a part of one, or several in a row. */
export function claimsOnlyQuotes(what: string): Rule<Claim> {
  return {
    name: 'quote_changed',
    broken({ text, caption }) {
      const quoted = quotationsIn(caption);
      const strange = quotationsIn(text).find((claim) => trimmed(claim) !== '' && !isQuoted(trimmed(claim), quoted));
      return strange === undefined
        ? null
        : `${what} quotes '${trimmed(strange)}', which the caption does not; quote its words exactly or none.`;
    },
  };
}

/** Whether a claim is a part of one quotation, or several in their order with any punctuation between. */
function isQuoted(claim: string, quoted: readonly string[]): boolean {
  if (quoted.some((quotation) => occurs(claim, quotation))) return true;
  return quoted.some((quotation, at) => {
    const head = trimmed(quotation);
    if (head === '' || !claim.startsWith(head)) return false;
    const rest = trimmed(claim.slice(head.length));
    // A longer word that only begins like the quotation leaves a letter in front.
    if (/^[\p{L}\p{N}]/u.test(claim.slice(head.length))) return false;
    return rest !== '' && isQuoted(rest, quoted.slice(at + 1));
  });
}
