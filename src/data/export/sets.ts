/** The data sets of an export for ESPnet. */
import type { Split } from './split.js';

export type SetKind = 'captions' | 'dialogues' | 'tts';

/** Counts of one data set: of a kind of record and a split. */
export interface SetReport {
  kind: SetKind;
  split: Split;
  manifest: string;
  samples: number;
  /** seconds of sound */
  seconds: number;
  /** by task: rows in all, and samples that are longer than a batch, which upstream drops */
  tasks: Record<string, { rows: number; tooLong: number }>;
}
