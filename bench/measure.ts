/** What a benchmark gives, and how often something is timed. */

/** One line of the table. */
export interface Row {
  name: string;
  unit: string;
  /** median, smallest and largest of `runs` values */
  value: number;
  min: number;
  max: number;
  runs: number;
  /** what the value is compared with, and value / that */
  baseline?: { name: string; ratio: number };
  /** what the project wants, and whether the median does so */
  target?: { text: string; met: boolean };
  /** what keeps it from being better */
  limit?: string;
}

/** What every benchmark is told. */
export interface BenchOptions {
  /** model folder */
  model: string;
  /** whether that model was made of random numbers */
  random: boolean;
  threads: number;
  /** times that each thing is measured */
  runs: number;
  /** told before each part, for stderr */
  progress: (message: string) => void;
}

/** A benchmark under the name that the command line gives it. */
export interface Bench {
  about: string;
  run: (options: BenchOptions) => Promise<{ rows: Row[]; notes: string[] }>;
}

export interface RowExtras {
  baseline?: { name: string; value: number };
  target?: { text: string; met: (median: number) => boolean };
  limit?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function row(name: string, unit: string, values: readonly number[], extras: RowExtras = {}): Row {
  const { baseline, target, limit } = extras;
  const value = median(values);
  return {
    name,
    unit,
    value,
    min: Math.min(...values),
    max: Math.max(...values),
    runs: values.length,
    ...(baseline ? { baseline: { name: baseline.name, ratio: value / baseline.value } } : {}),
    ...(target ? { target: { text: target.text, met: target.met(value) } } : {}),
    ...(limit === undefined ? {} : { limit }),
  };
}

/** Seconds since an earlier `performance.now()`. */
export const secondsSince = (start: number): number => (performance.now() - start) / 1000;

/** What something took: by the clock, and of all threads' processor time, which other programs hardly change. */
export interface Seconds {
  clock: number;
  processor: number;
}

export async function measured(work: () => Promise<unknown>): Promise<Seconds> {
  const start = performance.now();
  const used = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(used);
  return { clock: secondsSince(start), processor: (user + system) / 1e6 };
}
