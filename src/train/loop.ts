/**
 * A training run: steps, schedule, log, progress, checkpoints, plot. Batches are a function of the step alone, so a run
 * that was killed continues with exactly the losses it would have had.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeLeftovers } from '../files.js';
import type { Value } from '../runtime/index.js';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import { RunLog } from './log.js';
import { writePlot } from './plot.js';
import { endProgress, type Progress, showProgress } from './progress.js';
import { learningRate, type ScheduleOptions } from './schedule.js';
import type { Trainer, TrainStep } from './trainer.js';

export interface StepBatch<Inputs = Readonly<Record<string, Value>>> {
  inputs: Inputs;
  /** what is counted for the speed: tokens or frames; where it stands only after the step, the step tells it */
  tokens?: number;
}

/** What makes the steps: a trainer, or its replicas. */
export interface Learner<Inputs> extends Pick<Trainer, 'parameters' | 'optimizer'> {
  step(inputs: Inputs, rate: number, clip: number): Promise<TrainStep & { tokens?: number }>;
}

export interface RunOptions {
  /** folder for `checkpoint.safetensors`, `log.jsonl`, `loss.svg`; made when missing; of this run alone */
  out: string;
  name: string;
  schedule: ScheduleOptions;
  /** global gradient norm bound */
  clip: number;
  /** whatever defines the run besides code and data, as JSON: a checkpoint made under other settings is refused */
  settings: unknown;
  /** minutes between checkpoints */
  checkpointMinutes?: number;
  signal?: AbortSignal;
  /** called after steps, for validation; what it returns is logged (`held_loss` is drawn in the plot) */
  onStep?: (step: number) => Promise<Record<string, number> | undefined>;
  /** stop after so many minutes of this process, with a checkpoint (the schedule is not changed) */
  maxMinutes?: number;
  /** draw `loss.svg`; default true. Without the plotting packages a run goes on without a picture. */
  plot?: boolean;
  /** hears how far the run is, once a step is in the log; default: a line on stderr */
  onProgress?: (progress: Progress) => void;
  /** hears what the user should know; default: a line on stderr */
  warn?: (text: string) => void;
}

export interface RunResult {
  /** steps done in all */
  step: number;
  finished: boolean;
}

/** Minutes between two drawings of the plot: it is for people, who look now and then. */
const PLOT_MINUTES = 3;

/**
 * Runs until `schedule.steps` are done, the signal fires or the time is up; always leaves a checkpoint. Continues from
 * the checkpoint in `out` where there is one.
 *
 * @throws BagpiperError where that checkpoint is of another run or damaged, or the disk is full
 */
export async function train<Inputs = Readonly<Record<string, Value>>>(
  trainer: Learner<Inputs>,
  batch: (step: number) => Promise<StepBatch<Inputs>>,
  options: RunOptions,
): Promise<RunResult> {
  const { out, schedule, clip, signal, name, onProgress = showProgress } = options;
  mkdirSync(out, { recursive: true });
  const [checkpointPath, logPath, plotPath] = ['checkpoint.safetensors', 'log.jsonl', 'loss.svg'].map((file) =>
    join(out, file),
  );
  removeLeftovers(checkpointPath);
  removeLeftovers(plotPath);
  const settings = JSON.stringify(options.settings ?? null);
  const saved = loadCheckpoint(checkpointPath, trainer.parameters, trainer.optimizer, settings);
  const log = RunLog.open(logPath, saved?.logBytes ?? 0);
  const clock = new Clock(options);
  let step = saved?.step ?? 0;
  let done = 0;
  let tokens = 0;
  const save = async (last: boolean) => {
    saveCheckpoint(checkpointPath, trainer.parameters, trainer.optimizer, { step, settings, logBytes: log.flush() });
    if (options.plot !== false && clock.plotDue(last)) await writePlot(logPath, plotPath, name, options.warn);
    clock.saved();
  };
  try {
    while (step < schedule.steps && !signal?.aborted && !clock.timeIsUp()) {
      const rate = learningRate(step, schedule);
      const next = await batch(step);
      const made = await trainer.step(next.inputs, rate, clip);
      const { values, norm, applied } = made;
      const count = made.tokens ?? next.tokens ?? 0;
      tokens += count;
      step++;
      done++;
      const extra = (await options.onStep?.(step)) ?? {};
      const skipped = applied ? {} : { skipped: true as const };
      log.append({ step, loss: values.loss, ...values, rate, norm, tokens: count, ...skipped, ...extra });
      onProgress({ name, step, steps: schedule.steps, loss: values.loss, done, tokens, seconds: clock.seconds() });
      if (clock.saveDue()) await save(false);
    }
    if (done > 0 && onProgress === showProgress) endProgress();
    await save(true);
  } finally {
    log.close();
  }
  return { step, finished: step >= schedule.steps };
}

/** When to save, draw and stop. Nothing that is computed depends on it. */
class Clock {
  private readonly started = Date.now();
  private lastSave = this.started;
  private lastPlot = 0;

  constructor(private readonly options: RunOptions) {}

  seconds(): number {
    return (Date.now() - this.started) / 1000;
  }

  timeIsUp(): boolean {
    return this.seconds() > (this.options.maxMinutes ?? Number.POSITIVE_INFINITY) * 60;
  }

  saveDue(): boolean {
    return Date.now() - this.lastSave >= (this.options.checkpointMinutes ?? 3) * 60_000;
  }

  saved(): void {
    this.lastSave = Date.now();
  }

  plotDue(last: boolean): boolean {
    if (!last && Date.now() - this.lastPlot < PLOT_MINUTES * 60_000) return false;
    this.lastPlot = Date.now();
    return true;
  }
}
