/** The counts that are written as stats.json: upstream's fields first, then the funnel. */
import type { Decided } from './request.js';
import { STEPS, type Step } from './tally.js';

export interface FilterStats {
  total: number;
  survived: number;
  deleted: number;
  /** 4 decimals */
  survival_rate: number;
  deleted_by_reason: Record<string, number>;
  /** in the order of the workflow: how many came in, and how many were removed for what */
  funnel: { step: Step; in: number; removed: number; reasons: Record<string, number> }[];
  /** of what survived: hours of sound, tokens of captions (stage 6 counts in millions and billions) */
  hours: number;
  caption_tokens: number;
  /** lengths of whole rows, where side files told them */
  text_to_audio_tokens?: number;
  audio_to_text_tokens?: number;
  survived_by_kind?: Record<string, number>;
}

/** Sums over what survived. */
export interface Sums {
  seconds: number;
  tokens: number;
  textToAudio: number;
  audioToText: number;
  kinds: Record<string, number>;
}

export function statsOf({ verdicts, scored }: Decided, sums: Sums): FilterStats {
  const counts = verdicts.counts();
  const total = verdicts.size;
  const deleted = counts.reduce((sum, { count }) => sum + count, 0);
  let left = total;
  const funnel = STEPS.flatMap((step) => {
    const here = counts.filter((entry) => entry.step === step);
    const removed = here.reduce((sum, { count }) => sum + count, 0);
    const line = { step, in: left, removed, reasons: Object.fromEntries(here.map(({ kind, count }) => [kind, count])) };
    left -= removed;
    return removed > 0 || step === 'surface' ? [line] : [];
  });
  return {
    total,
    survived: total - deleted,
    deleted,
    survival_rate: total === 0 ? 0 : Math.round(((total - deleted) / total) * 1e4) / 1e4,
    deleted_by_reason: Object.fromEntries(counts.map(({ kind, count }) => [kind, count])),
    funnel,
    hours: Math.round((sums.seconds / 3600) * 1e4) / 1e4,
    caption_tokens: sums.tokens,
    ...(scored && {
      text_to_audio_tokens: sums.textToAudio,
      audio_to_text_tokens: sums.audioToText,
      survived_by_kind: sums.kinds,
    }),
  };
}
