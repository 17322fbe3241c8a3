/** What filters removed: counts, examples, and how measures are distributed before and after. */
import type { Reason } from '../types.js';
import type { Measures } from './scan.js';
import type { Captioned } from './surface.js';
import { Column } from './tables.js';

/** A measure that is shown as a histogram. */
interface Measured {
  name: string;
  /** width of a bucket */
  bucket: number;
  of: (label: Captioned, m: Measures) => number | undefined;
}

export const MEASURED: readonly Measured[] = [
  { name: 'tokens', bucket: 20, of: ({ tokens }) => tokens },
  { name: 'duration', bucket: 0.5, of: ({ duration }) => duration },
  { name: 'words', bucket: 20, of: (_, { words }) => words },
  { name: 'characters', bucket: 100, of: (_, { characters }) => characters },
  { name: 'unique_word_ratio', bucket: 0.02, of: (_, { uniqueWordRatio }) => uniqueWordRatio },
  { name: 'ngram_repetition', bucket: 0.01, of: (_, { ngramRepetition }) => ngramRepetition },
  { name: 'avg_word_length', bucket: 0.1, of: (_, { averageWordLength }) => averageWordLength },
  { name: 'uppercase_ratio', bucket: 0.01, of: (_, { uppercaseRatio }) => uppercaseRatio },
  { name: 'english', bucket: 0.02, of: (_, { english }) => english },
];

/** Highest bucket, which takes all that lies above; and the mark of what is not known. */
const LAST = 254;
const UNKNOWN = 255;

export interface Histogram {
  bucket: number;
  /** records by bucket: the one at i holds values in [i * bucket, (i + 1) * bucket) */
  all: number[];
  kept: number[];
}

/** Buckets of every record, a byte a measure, so that what was kept can be counted at the end. */
export class Distributions {
  private readonly columns = MEASURED.map(() => new Column(new Uint8Array(1024)));

  add(label: Captioned, m: Measures | undefined): void {
    for (const [i, { bucket, of }] of MEASURED.entries()) {
      const value = m && of(label, m);
      // Room for what binary fractions lose: 0.3 / 0.1 is less than 3.
      const at = value === undefined ? UNKNOWN : Math.min(LAST, Math.max(0, Math.floor(value / bucket + 1e-9)));
      this.columns[i].push(at);
    }
  }

  histograms(isKept: (index: number) => boolean): Record<string, Histogram> {
    const result: Record<string, Histogram> = {};
    for (const [i, { name, bucket }] of MEASURED.entries()) {
      const [all, kept] = [new Array<number>(LAST + 1).fill(0), new Array<number>(LAST + 1).fill(0)];
      const places = this.columns[i].view();
      for (let r = 0; r < places.length; r++) {
        if (places[r] === UNKNOWN) continue;
        all[places[r]]++;
        if (isKept(r)) kept[places[r]]++;
      }
      const length = all.findLastIndex((count) => count > 0) + 1;
      result[name] = { bucket, all: all.slice(0, length), kept: kept.slice(0, length) };
    }
    return result;
  }
}

/** Steps of the workflow, in their order. */
export const STEPS = ['surface', 'language', 'transcript', 'blacklist', 'duplicates', 'semantic', 'top-k'] as const;
export type Step = (typeof STEPS)[number];

/** Verdicts on all records, a byte each: 0 for kept ones. */
export class Verdicts {
  private readonly codes = new Column(new Uint8Array(1024));
  private readonly kinds: { kind: string; step: Step }[] = [];

  get size(): number {
    return this.codes.size;
  }

  set(index: number, reason: Pick<Reason, 'kind'> | undefined, step: Step): void {
    this.codes.set(index, reason ? this.codeOf(reason.kind, step) : 0);
  }

  isKept(index: number): boolean {
    return this.codes.get(index) === 0;
  }

  reason(index: number): { kind: string; step: Step } | undefined {
    return this.kinds[this.codes.get(index) - 1];
  }

  /** How many were removed for what, in the order of the steps and then of the numbers. */
  counts(): { kind: string; step: Step; count: number }[] {
    const counts = new Array<number>(this.kinds.length).fill(0);
    for (const code of this.codes.view()) if (code > 0) counts[code - 1]++;
    return this.kinds
      .map(({ kind, step }, i) => ({ kind, step, count: counts[i] }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => STEPS.indexOf(a.step) - STEPS.indexOf(b.step) || b.count - a.count || (a.kind < b.kind ? -1 : 1));
  }

  private codeOf(kind: string, step: Step): number {
    const known = this.kinds.findIndex((entry) => entry.kind === kind && entry.step === step);
    return known >= 0 ? known + 1 : this.kinds.push({ kind, step });
  }
}
