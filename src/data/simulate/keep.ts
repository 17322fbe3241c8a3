/** What is kept of judged dialogues, and the recipe's summaries of judging and filtering. No model is asked. */
import type { Dialogue, JsonObject, Reason } from '../types.js';
import { flatScores, type Judged, PASS, partOf, type Threshold } from './judge.js';
import { GROUP_RULES } from './tts-groups.js';

/** Thresholds by level, kind of question or group (data workflow of the ESPnet recipe; what has no row takes PASS). */
export const THRESHOLDS: Readonly<Record<string, Threshold>> = {
  realistic: { min: 3, mean: 3.5 },
  imaginary: { min: 2, mean: 3.5 },
  ...Object.fromEntries(Object.entries(GROUP_RULES).map(([group, { threshold }]) => [group, threshold])),
};

export function thresholdFor(part: string, thresholds: Readonly<Record<string, Threshold>> = THRESHOLDS): Threshold {
  return thresholds[part] ?? PASS;
}

/** Why a dialogue is not kept, or null. */
export function rejection(judged: Judged | undefined, { min, mean }: Threshold): Reason | null {
  if (judged === undefined)
    return { kind: 'missing_judge_results', message: 'There is no judgement of this dialogue.' };
  const { low, average } = measure(judged, min);
  if (low.length > 0) {
    return {
      kind: 'min_score',
      message: `Scores below ${min}: ${low.map(([name, score]) => `${name} ${score}`).join(', ')}.`,
    };
  }
  if (average < mean) {
    return { kind: 'avg_score', message: `The mean score is ${average.toFixed(2)}; ${mean} is needed.` };
  }
  return null;
}

function measure({ scores }: Judged, min: number): { low: [string, number][]; average: number } {
  const all = [...flatScores(scores)];
  return {
    low: all.filter(([, score]) => score < min),
    average: all.reduce((sum, [, score]) => sum + score, 0) / Math.max(1, all.length),
  };
}

/** In how much of the role-play examples one name may occur, and how many are always allowed. */
const NAME_SHARE = 0.005;
const NAME_LEAST = 3;

/**
 * Names in role-play personas that occur too often: the first ones stay, in the order of the dialogues.
 * Fill it with all dialogues before asking.
 */
export class NameLimit {
  private readonly ids = new Map<string, string[]>();
  private total = 0;
  private over: Set<string> | undefined;

  add({ id, metadata }: Dialogue): void {
    if (metadata.group !== 'role-play') return;
    this.total++;
    this.over = undefined;
    if (typeof metadata.name !== 'string') return;
    const ids = this.ids.get(metadata.name);
    if (ids) ids.push(id);
    else this.ids.set(metadata.name, [id]);
  }

  rejection({ id, metadata }: Dialogue): Reason | null {
    const most = Math.max(NAME_LEAST, Math.floor(this.total * NAME_SHARE));
    this.over ??= new Set([...this.ids.values()].flatMap((ids) => ids.slice(most)));
    if (!this.over.has(id)) return null;
    return { kind: 'name_too_often', message: `The name ${metadata.name} occurs in more than ${most} personas.` };
  }
}

interface Tally {
  judged: number;
  passed: number;
  sums: Map<string, { sum: number; count: number }>;
  failures: Map<string, number>;
  input: number;
  kept: number;
  missing: number;
  byMin: number;
  byMean: number;
  byOther: Map<string, number>;
  byDimension: Map<string, number>;
}

/** Counts judgements and decisions by part, and writes the summaries: field names are upstream's. */
export class Statistics {
  private readonly parts = new Map<string, Tally>();

  constructor(private readonly thresholds: Readonly<Record<string, Threshold>> = THRESHOLDS) {}

  /** @param reason why the dialogue is not kept, as decided */
  add(dialogue: Dialogue, judged: Judged | undefined, reason: Reason | null): void {
    const part = partOf(dialogue);
    const tally = this.tally(part);
    tally.input++;
    if (reason === null) tally.kept++;
    if (judged === undefined) {
      tally.missing++;
      return;
    }
    tally.judged++;
    if (judged.overall_pass) tally.passed++;
    for (const [name, score] of flatScores(judged.scores)) {
      const sum = tally.sums.get(name) ?? { sum: 0, count: 0 };
      tally.sums.set(name, { sum: sum.sum + score, count: sum.count + 1 });
      if (score < PASS.min) count(tally.failures, name);
    }
    const { min, mean } = thresholdFor(part, this.thresholds);
    const { low, average } = measure(judged, min);
    if (low.length > 0) tally.byMin++;
    if (average < mean) tally.byMean++;
    for (const [name] of low) count(tally.byDimension, name);
    if (reason && reason.kind !== 'min_score' && reason.kind !== 'avg_score') count(tally.byOther, reason.kind);
  }

  /** Names of the parts, sorted. */
  get names(): string[] {
    return [...this.parts.keys()].sort();
  }

  /** Of the judge: `summary_{part}.json`. */
  judgeSummary(part: string): JsonObject {
    const { judged, passed, sums, failures } = this.tally(part);
    const averages = [...sums].map(([name, { sum, count }]) => [name, round(sum / count, 2)] as const);
    return {
      total_samples: judged,
      passed_samples: passed,
      pass_rate: rate(passed, judged),
      avg_scores: Object.fromEntries(averages),
      failure_breakdown: sorted(failures),
    };
  }

  /** Of all parts: `summary_all.json`. */
  judgeSummaryAll(): JsonObject {
    const by_level = Object.fromEntries(this.names.map((part) => [part, this.judgeSummary(part)]));
    const total = this.sum(({ judged }) => judged);
    const passed = this.sum((tally) => tally.passed);
    return { by_level, total_samples: total, passed_samples: passed, overall_pass_rate: rate(passed, total) };
  }

  /** Of the filter: `filter_{part}.json`. */
  filterSummary(part: string): JsonObject {
    const tally = this.tally(part);
    const { min, mean } = thresholdFor(part, this.thresholds);
    return {
      total_input: tally.input,
      total_passed: tally.kept,
      total_rejected: tally.input - tally.kept,
      missing_judge_results: tally.missing,
      pass_rate: rate(tally.kept, tally.input),
      thresholds: { min_score: min, avg_score: mean },
      rejection_breakdown: {
        by_min_score: tally.byMin,
        by_avg_score: tally.byMean,
        by_dimension: sorted(tally.byDimension),
        ...sorted(tally.byOther),
      },
    };
  }

  private tally(part: string): Tally {
    let tally = this.parts.get(part);
    if (!tally) {
      tally = {
        judged: 0,
        passed: 0,
        sums: new Map(),
        failures: new Map(),
        input: 0,
        kept: 0,
        missing: 0,
        byMin: 0,
        byMean: 0,
        byOther: new Map(),
        byDimension: new Map(),
      };
      this.parts.set(part, tally);
    }
    return tally;
  }

  private sum(of: (tally: Tally) => number): number {
    return [...this.parts.values()].reduce((sum, tally) => sum + of(tally), 0);
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function sorted(counts: Map<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function rate(part: number, whole: number): number {
  return whole === 0 ? 0 : round(part / whole, 4);
}
