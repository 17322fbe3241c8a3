/**
 * English or not, by function words: English prose holds some 40% of them, other languages' texts hardly a tenth. Quoted
 * speech may be of any language and does not count. Measured against the Universal Declaration of Human Rights in 505 other
 * languages: docs/data-filters.md.
 */
import type { Reason } from '../types.js';
import { type Measures, WINDOW } from './scan.js';

export interface LanguageLimits {
  /** share of English function words outside of quotations, at least */
  english: number;
  /** the same of every window of 60 words: one paragraph in another language is enough to fail */
  englishWorst: number;
  /** captions with fewer words outside of quotations are not judged */
  words: number;
}

export const LANGUAGE_LIMITS: LanguageLimits = { english: 0.25, englishWorst: 0.12, words: 20 };

export function languageReason(m: Measures, limits: LanguageLimits): Reason | undefined {
  if (m.plainWords < limits.words) return undefined;
  const percent = (share: number): string => `${(share * 100).toFixed(0)}%`;
  if (m.english < limits.english) {
    const message = `${percent(m.english)} of its words outside of quotations are English function words; ${percent(limits.english)} are needed.`;
    return { kind: 'not_english', message };
  }
  if (m.englishWorst < limits.englishWorst) {
    const message = `In ${WINDOW} words of it ${percent(m.englishWorst)} are English function words; ${percent(limits.englishWorst)} are needed.`;
    return { kind: 'not_english', message };
  }
  return undefined;
}
