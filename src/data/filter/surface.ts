/**
 * Stage 1 of the official workflow, the surface rules: which of them a caption breaks first. Limits and order are those of
 * the ESPnet recipe egs2/bagpiper/speechlm1; comparisons are strict, so a value equal to its limit passes.
 */
import type { Reason } from '../types.js';
import { nonLatinScript } from './characters.js';
import type { Measures } from './scan.js';

export interface SurfaceLimits {
  /** longest run of one character */
  charRun: number;
  /** longest run of one word */
  wordRun: number;
  /** 1 - unique / all 5-grams */
  ngramRepetition: number;
  /** unique / all words, at least */
  uniqueWordRatio: number;
  /** characters a word */
  averageWordLength: { min: number; max: number };
  /** upper-case letters / letters */
  uppercaseRatio: number;
  /** completion tokens */
  tokens: { min: number; max: number };
  /** seconds */
  duration: { min: number; max: number };
}

/** As the recipe calls its script; the script's own defaults for tokens are 100 to 1,024, an older wrapper's for seconds 0 to 30. */
export const SURFACE_LIMITS: SurfaceLimits = {
  charRun: 5,
  wordRun: 3,
  ngramRepetition: 0.1,
  uniqueWordRatio: 0.3,
  averageWordLength: { min: 2, max: 15 },
  uppercaseRatio: 0.5,
  tokens: { min: 200, max: 800 },
  duration: { min: 2, max: 30 },
};

/** What is known of a caption beside its text. */
export interface Captioned {
  id: string;
  caption: string;
  /** seconds */
  duration?: number;
  /** completion tokens */
  tokens?: number;
  finishReason?: string;
}

/**
 * The rule that a label without text of its own breaks: unfinished, or a field missing.
 * @param lenient what is not known is not judged: for captions that come without duration, tokens or reason to end
 */
export function recordReason(label: Captioned, lenient = false): Reason | undefined {
  const { finishReason, duration, tokens, caption } = label;
  if (finishReason !== 'stop' && !(lenient && finishReason === undefined)) {
    const given = finishReason === undefined ? 'none is given' : `it is "${finishReason}"`;
    return { kind: 'finish_reason', message: `The caption has to end by "stop"; ${given}.` };
  }
  const missing = [
    ...(label.id === '' ? ['id'] : []),
    ...(lenient || duration !== undefined ? [] : ['duration']),
    ...(lenient || tokens !== undefined ? [] : ['usage.completion_tokens']),
    ...(caption.trim() === '' ? ['caption'] : []),
  ];
  if (missing.length === 0) return undefined;
  return { kind: 'missing_fields', message: `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing.` };
}

/** The first rule that a finished caption's text breaks. @param m of the caption's text */
export function textReason(m: Measures, limits: SurfaceLimits): Reason | undefined {
  if (m.nonLatin !== 0) {
    const sign = String.fromCharCode(m.nonLatin);
    return { kind: 'non_latin', message: `It holds "${sign}" (${nonLatinScript(m.nonLatin)}).` };
  }
  if (m.charRun > limits.charRun) {
    const message = `${JSON.stringify(m.charRunOf)} stands ${m.charRun} times in a row; ${limits.charRun} are let pass.`;
    return { kind: 'char_repetition', message };
  }
  if (m.wordRun > limits.wordRun) {
    const message = `"${m.wordRunOf}" stands ${m.wordRun} times in a row; ${limits.wordRun} are let pass.`;
    return { kind: 'word_repetition', message };
  }
  if (m.ngramRepetition > limits.ngramRepetition) {
    const [value, limit] = [percent(m.ngramRepetition), percent(limits.ngramRepetition)];
    return { kind: 'ngram_repetition', message: `${value} of its 5-grams are repetitions; ${limit} are let pass.` };
  }
  if (m.uniqueWordRatio < limits.uniqueWordRatio) {
    const [value, limit] = [percent(m.uniqueWordRatio), percent(limits.uniqueWordRatio)];
    return { kind: 'unique_word_ratio_low', message: `${value} of its words are different; ${limit} are needed.` };
  }
  const { min, max } = limits.averageWordLength;
  const length = outside('avg_word_length', m.averageWordLength, limits.averageWordLength);
  if (length) {
    const message = `Its words are ${m.averageWordLength.toFixed(1)} characters long; ${min} to ${max} are let pass.`;
    return { kind: length, message };
  }
  if (m.uppercaseRatio > limits.uppercaseRatio) {
    const [value, limit] = [percent(m.uppercaseRatio), percent(limits.uppercaseRatio)];
    return { kind: 'uppercase_ratio_high', message: `${value} of its letters are capitals; ${limit} are let pass.` };
  }
  return undefined;
}

/** The rule that a caption breaks by its length in tokens or its clip's in seconds. */
export function sizeReason({ tokens, duration }: Captioned, limits: SurfaceLimits): Reason | undefined {
  const long = tokens === undefined ? undefined : outside('tokens', tokens, limits.tokens);
  if (long) {
    const { min, max } = limits.tokens;
    return { kind: long, message: `It took ${tokens} tokens; ${min} to ${max} are let pass.` };
  }
  const lasting = duration === undefined ? undefined : outside('duration', duration, limits.duration);
  if (!lasting) return undefined;
  const { min, max } = limits.duration;
  return { kind: lasting, message: `Its clip lasts ${duration!.toFixed(2)} s; ${min} to ${max} s are let pass.` };
}

function outside(name: string, value: number, { min, max }: { min: number; max: number }): string | undefined {
  if (value < min) return `${name}_low`;
  return value > max ? `${name}_high` : undefined;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
