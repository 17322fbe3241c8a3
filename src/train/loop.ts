/**
 * A training run: steps, schedule, log, progress, checkpoints. Batches are a function of the step alone, so a run that
 * was killed continues with exactly the losses it would have had.
 */
import { appendFileSync, existsSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Value } from '../runtime/index.js';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import { learningRate, type ScheduleOptions } from './schedule.js';
import type { Trainer } from './trainer.js';

export interface StepBatch {
  inputs: Readonly<Record<string, Value>>;
  /** what is counted for the speed: tokens or frames */
  tokens: number;
}

export interface RunOptions {
  /** folder for `checkpoint.safetensors`, `log.jsonl`; made when missing */
  out: string;
  name: string;
  schedule: ScheduleOptions;
  /** global gradient norm bound */
  clip: number;
  /** whatever defines the run besides code and data: a checkpoint made under other settings is refused */
  settings: unknown;
  /** minutes between checkpoints */
  checkpointMinutes?: number;
  signal?: AbortSignal;
  /** called after steps, for validation; what it returns is logged */
  onStep?: (step: number) => Promise<Record<string, number> | undefined>;
  /** stop after so many minutes of this process, with a checkpoint (the schedule is not changed) */
  maxMinutes?: number;
}

export interface RunResult {
  /** steps done in all */
  step: number;
  finished: boolean;
}

/** Runs until `schedule.steps` are done, the signal fires or the time is up; always leaves a checkpoint. */
export async function train(
  trainer: Trainer,
  batch: (step: number) => Promise<StepBatch>,
  options: RunOptions,
): Promise<RunResult> {
  const { out, schedule, clip, signal } = options;
  mkdirSync(out, { recursive: true });
  const checkpointPath = join(out, 'checkpoint.safetensors');
  const logPath = join(out, 'log.jsonl');
  const settings = JSON.stringify(options.settings);
  const saved = loadCheckpoint(checkpointPath, trainer.parameters, trainer.optimizer, settings);
  let step = saved?.step ?? 0;
  // Lines after the checkpoint belong to steps that are done again.
  if (saved && existsSync(logPath)) truncateSync(logPath, saved.logBytes);
  else writeFileSync(logPath, '');

  const started = Date.now();
  const every = (options.checkpointMinutes ?? 3) * 60_000;
  const firstStep = step;
  let tokens = 0;
  let lastSave = started;
  const save = async () => {
    const logBytes = statSync(logPath).size;
    await saveCheckpoint(checkpointPath, trainer.parameters, trainer.optimizer, { step, settings, logBytes });
    lastSave = Date.now();
  };
  while (step < schedule.steps) {
    if (signal?.aborted || Date.now() - started > (options.maxMinutes ?? Number.POSITIVE_INFINITY) * 60_000) break;
    const next = await batch(step);
    const rate = learningRate(step, schedule);
    const done = await trainer.step(next.inputs, rate, clip);
    tokens += next.tokens;
    step++;
    const extra = (await options.onStep?.(step)) ?? {};
    const line = { step, ...done.values, rate, norm: done.norm, ...(done.applied ? {} : { skipped: true }), ...extra };
    appendFileSync(logPath, `${JSON.stringify(line)}\n`);
    const seconds = (Date.now() - started) / 1000;
    progress(
      options.name,
      step,
      schedule.steps,
      done.values.loss,
      tokens / seconds,
      (step - firstStep) / seconds || 1e-9,
    );
    if (Date.now() - lastSave > every) await save();
  }
  await save();
  return { step, finished: step >= schedule.steps };
}

/** One line on stderr: redrawn in place on a terminal, now and then elsewhere. */
function progress(
  name: string,
  step: number,
  steps: number,
  loss: number,
  speed: number,
  stepsPerSecond: number,
): void {
  const left = Math.round((steps - step) / stepsPerSecond);
  const clock = `${Math.floor(left / 3600)}:${String(Math.floor(left / 60) % 60).padStart(2, '0')}:${String(left % 60).padStart(2, '0')}`;
  const text = `${name}: step ${step}/${steps}, loss ${loss.toFixed(4)}, ${Math.round(speed)} tokens/s, ${clock} left`;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}${step === steps ? '\n' : ''}`);
  else if (step % 50 === 0 || step === steps) process.stderr.write(`${text}\n`);
}
