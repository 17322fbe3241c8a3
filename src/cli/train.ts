/** `bagpiper train --config FILE`: trains or fine-tunes a model on records. */
import { relative } from 'node:path';
import { BagpiperError } from '../errors.js';
import type { Context } from './context.js';
import { CheckFailed } from './failure.js';

export interface TrainFlags {
  config?: string;
  maxMinutes?: number;
  json?: boolean;
}

/** Prints the model folder. Stopped early, it says so and ends with code 1 (time) or 130 (Ctrl-C). */
export async function train({ config, maxMinutes, json }: TrainFlags, context: Context): Promise<void> {
  const { screen, signal } = context;
  if (!config) throw new BagpiperError('train needs --config with a YAML or JSON file; see docs/training.md.');
  if (maxMinutes !== undefined && !(maxMinutes > 0)) {
    throw new BagpiperError(`--max-minutes is ${maxMinutes}; a number above 0 is accepted.`);
  }
  const { readTuneSettings, tune } = await import('../train/tune/index.js');
  const settings = readTuneSettings(config);
  const result = await tune(settings, {
    signal,
    ...(maxMinutes === undefined ? {} : { maxMinutes }),
    onProgress: (text) => screen.progress(text),
    warn: (text) => screen.warn(text),
  });
  screen.clearProgress();
  signal.throwIfAborted();
  if (!result.finished) {
    throw new CheckFailed(`stopped at step ${result.step} of ${result.stage}; the same command goes on from there.`);
  }
  if (json) await screen.result(JSON.stringify(result));
  else await screen.result(relative('', result.out) || '.');
  screen.note(`Try it: bagpiper describe SOUND --model ${relative('', result.out) || '.'}`);
}
