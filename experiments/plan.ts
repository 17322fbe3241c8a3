/**
 * What is run for each experiment: training runs with their stages, and measurements of the shipped model. Pure: from names,
 * seeds and minutes to a list in which every run comes after the one it starts from.
 */
import type { ScheduleOptions } from '../src/train/index.js';
import type { SampleKind } from './samples.js';
import type { SizeName } from './sizes.js';

export const EXPERIMENTS = ['caption-then-process', 'joint', 'rich-captions', 'guidance', 'warmup', 'scaling'] as const;
export type ExperimentName = (typeof EXPERIMENTS)[number];

/** How often each kind of sample comes for every scene in a pass over the corpus. */
export type Mixture = Readonly<Partial<Record<SampleKind, number>>>;

export interface Stage {
  name: 'warmup' | 'main';
  mixture: Mixture;
  schedule: ScheduleOptions;
  /** leave the decoder's layers as they are */
  frozenLayers: boolean;
}

/** What is measured after a training run, besides held-out losses. */
export type Measure = 'captions' | 'questions' | 'renderings';

export interface TrainingRun {
  kind: 'training';
  id: string;
  experiments: ExperimentName[];
  seed: number;
  size: SizeName;
  /** run whose parameters it starts from; left out: from nothing */
  from?: string;
  stages: Stage[];
  /** kinds of samples whose held-out loss is followed */
  held: SampleKind[];
  measures: Measure[];
  /** whether it answers and renders without a caption */
  direct: boolean;
  minutes: number;
}

/** The shipped model's renderings under one guidance scale, or (`scale` 0) the recordings behind the requests. */
export interface GuidanceRun {
  kind: 'guidance';
  id: string;
  experiments: ExperimentName[];
  seed: number;
  scale: number;
  minutes: number;
}

/** What the measures give for the recordings themselves, and the shipped model's held-out losses. */
export interface ReferenceRun {
  kind: 'reference';
  id: string;
  experiments: ExperimentName[];
  seed: 0;
  minutes: number;
}

export type Run = TrainingRun | GuidanceRun | ReferenceRun;

export interface PlanOptions {
  /** seeds 1 to this */
  seeds: number;
  /** length of a training run on the reference machine */
  minutes: number;
}

export const GUIDANCE_SCALES = [1, 1.5, 2, 3, 4, 5] as const;

/** Parts of `minutes` that the scaling runs of each size last. */
export const LENGTHS = [1 / 8, 1 / 4, 1 / 2, 1] as const;

/** Steps a minute on two idle cores of an AMD EPYC (Zen 4): what turns minutes into steps, on any machine alike. */
export const STEPS_PER_MINUTE: Readonly<Record<SizeName, number>> = { small: 480, middle: 260, large: 105 };

/** Highest learning rates. */
const PEAK: Readonly<Record<SizeName, number>> = { small: 2.5e-3, middle: 2e-3, large: 1.5e-3 };
const TUNE_PEAK = 1e-3;

/** Minutes on the same machine that measures take. */
const MEASURE_MINUTES: Readonly<Record<Measure, number>> = { captions: 0.2, questions: 0.7, renderings: 0.9 };
const GUIDANCE_MINUTES = 0.9;
const REFERENCE_MINUTES = 2;

const BOTH: Mixture = { caption: 1, sound: 0.6 };
const STARTS = {
  both: {
    mixture: BOTH,
    held: ['caption', 'sound'],
    for: ['caption-then-process', 'joint', 'rich-captions', 'warmup'],
  },
  hearing: { mixture: { caption: 1 }, held: ['caption'], for: ['joint'] },
  making: { mixture: { sound: 1 }, held: ['sound'], for: ['joint'] },
  labels: { mixture: { label: 1, labelSound: 0.6 }, held: ['label', 'labelSound'], for: ['rich-captions'] },
  cold: { mixture: BOTH, held: ['caption', 'sound'], for: ['warmup'] },
} as const satisfies Record<string, { mixture: Mixture; held: readonly SampleKind[]; for: readonly ExperimentName[] }>;
export type Start = keyof typeof STARTS;

export const pretrainId = (start: Start, seed: number): string => `pretrain-${start}-seed${seed}`;
export const tuneId = (way: 'process' | 'direct', start: Start, seed: number): string =>
  `tune-${way}-after-${start}-seed${seed}`;
export const guidanceId = (scale: number, seed: number): string => `guidance-${scale}-seed${seed}`;
export const REFERENCE = 'reference';

/** The runs of some experiments, seed after seed, each once. */
export function planRuns(names: readonly ExperimentName[], options: PlanOptions): Run[] {
  const wanted = (run: Run): boolean => run.experiments.some((name) => names.includes(name));
  const all: Run[] = [reference()];
  for (let seed = 1; seed <= options.seeds; seed++) all.push(...seedRuns(seed, options.minutes));
  return all.filter(wanted);
}

function seedRuns(seed: number, minutes: number): Run[] {
  const runs: Run[] = (Object.keys(STARTS) as Start[]).map((start) => pretrain(start, seed, minutes));
  runs.push(tune('process', 'both', ['caption-then-process', 'joint', 'rich-captions'], seed, minutes));
  runs.push(tune('direct', 'both', ['caption-then-process'], seed, minutes));
  for (const start of ['hearing', 'making'] as const) runs.push(tune('process', start, ['joint'], seed, minutes));
  runs.push(tune('process', 'labels', ['rich-captions'], seed, minutes));
  for (const scale of GUIDANCE_SCALES) {
    const id = guidanceId(scale, seed);
    runs.push({ kind: 'guidance', id, experiments: ['guidance'], seed, scale, minutes: GUIDANCE_MINUTES });
  }
  for (const part of LENGTHS) {
    for (const size of ['small', 'middle', 'large'] as const) runs.push(scaling(size, part, seed, minutes));
  }
  return runs;
}

function reference(): ReferenceRun {
  const experiments: ExperimentName[] = ['caption-then-process', 'joint', 'rich-captions', 'guidance', 'scaling'];
  return { kind: 'reference', id: REFERENCE, experiments, seed: 0, minutes: REFERENCE_MINUTES };
}

const stepsOf = (size: SizeName, minutes: number): number => Math.max(2, Math.round(STEPS_PER_MINUTE[size] * minutes));

/** Everything is trained, under a cosine. */
function mainStage(mixture: Mixture, peak: number, steps: number): Stage {
  const schedule = { peak, warmup: Math.ceil(Math.min(40, steps / 10)), steps, floor: 0.05 };
  return { name: 'main', mixture, schedule, frozenLayers: false };
}

/** Embeddings, head, adaptor and final norm alone, at one rate: the first part of a run. */
function warmupStage(mixture: Mixture, steps: number): Stage {
  const schedule = { peak: 1e-3, warmup: Math.ceil(steps / 3), steps, floor: 1 };
  return { name: 'warmup', mixture, schedule, frozenLayers: true };
}

function pretrain(start: Start, seed: number, minutes: number): TrainingRun {
  const { mixture, held, for: experiments } = STARTS[start];
  const steps = stepsOf('middle', minutes);
  const first = start === 'cold' ? 0 : Math.ceil(steps * 0.06);
  const captions = start === 'both' || start === 'hearing' || start === 'cold';
  const warm = first > 0 ? [warmupStage(mixture, first)] : [];
  return training(pretrainId(start, seed), [...experiments], seed, 'middle', {
    stages: [...warm, mainStage(mixture, PEAK.middle, steps - first)],
    held: [...held],
    measures: captions ? ['captions'] : [],
  });
}

function tune(
  way: 'process' | 'direct',
  start: Start,
  experiments: ExperimentName[],
  seed: number,
  minutes: number,
): TrainingRun {
  const direct = way === 'direct';
  const mixture: Mixture = direct ? { askDirect: 1, renderDirect: 0.4 } : { ask: 1, render: 0.4 };
  return training(tuneId(way, start, seed), experiments, seed, 'middle', {
    from: pretrainId(start, seed),
    stages: [mainStage(mixture, TUNE_PEAK, stepsOf('middle', minutes))],
    held: direct ? ['askDirect', 'renderDirect'] : ['ask', 'render'],
    measures: ['questions', 'renderings'],
    direct,
  });
}

function scaling(size: SizeName, part: number, seed: number, minutes: number): TrainingRun {
  const steps = stepsOf(size, minutes * part);
  return training(`scaling-${size}-${steps}steps-seed${seed}`, ['scaling'], seed, size, {
    stages: [mainStage(BOTH, PEAK[size], steps)],
    held: ['caption', 'sound'],
    measures: [],
  });
}

type Rest = Pick<TrainingRun, 'stages' | 'held' | 'measures'> & Partial<Pick<TrainingRun, 'from' | 'direct'>>;

function training(id: string, experiments: ExperimentName[], seed: number, size: SizeName, rest: Rest): TrainingRun {
  const steps = rest.stages.reduce((sum, { schedule }) => sum + schedule.steps, 0);
  const after = rest.measures.reduce((sum, measure) => sum + MEASURE_MINUTES[measure], 0.1);
  const minutes = steps / STEPS_PER_MINUTE[size] + after;
  return { kind: 'training', id, experiments, seed, size, direct: false, ...rest, minutes };
}

/** What decides a run's outcome besides code and data: stored with its result, and compared when it is found again. */
export function settingsOf(run: Run): unknown {
  const { experiments: _, minutes: __, ...settings } = run;
  return settings;
}

/** The plan as a table: id, size, steps, minutes, and whether its result is there. */
export function planText(runs: readonly Run[], done: (run: Run) => boolean): string {
  const lines = runs.map((run) => {
    const steps = run.kind === 'training' ? run.stages.reduce((sum, { schedule }) => sum + schedule.steps, 0) : 0;
    const what = run.kind === 'training' ? `${run.size}, ${steps} steps` : 'shipped model';
    return `| ${run.id} | ${what} | ${run.minutes.toFixed(1)} | ${done(run) ? 'done' : ''} |`;
  });
  const sum = (some: readonly Run[]): number => some.reduce((total, { minutes }) => total + minutes, 0);
  const left = sum(runs.filter((run) => !done(run)));
  return [
    '| run | what | minutes | |',
    '| --- | --- | ---: | --- |',
    ...lines,
    '',
    `${runs.length} runs of ${sum(runs).toFixed(0)} minutes on two idle cores; ${left.toFixed(0)} minutes are left.`,
  ].join('\n');
}
