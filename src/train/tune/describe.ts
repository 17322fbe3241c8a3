/** The settings of a run for those who look at it: `run.json`. Paths count from the run's folder, so that it may be shown to others. */
import { mkdirSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { BagpiperError, messageOf } from '../../errors.js';
import { type RunDescription, writeDescription } from '../description.js';
import type { DataSource } from '../records/types.js';
import type { TuneSettings } from './settings.js';

/**
 * Makes the run's folder, with `run.json`.
 *
 * @throws BagpiperError where it cannot be made or written
 */
export function beginRun(settings: TuneSettings): void {
  try {
    mkdirSync(settings.out, { recursive: true });
  } catch (error) {
    throw new BagpiperError(`${settings.out} cannot be made: ${messageOf(error)}. Name another folder in "out".`);
  }
  writeDescription(settings.out, describeSettings(settings));
}

export function describeSettings(settings: TuneSettings): RunDescription {
  const { out, start, sizes, seed, threads, packs, rows, codecSoftmax, valid, validEvery, auditions } = settings;
  const near = (path: string): string => relative(out, path).split(sep).join('/') || '.';
  const sources = (list: readonly DataSource[]): string[] =>
    list.map(({ task, path, factor }) => `${task}:${near(path)}${factor === 1 ? '' : `:${factor}`}`);
  const { every, describe, ask, render } = auditions;
  return {
    stages: settings.stages.map(({ name, data, schedule, clip, weightDecay, freeze, audioCfg }) => ({
      name,
      steps: schedule.steps,
      settings: {
        data: sources(data),
        rate: schedule.peak,
        warmup: schedule.warmup,
        floor: schedule.floor,
        clip,
        weight_decay: weightDecay,
        ...(freeze.length > 0 && { freeze }),
        ...(audioCfg !== null && { audio_cfg: audioCfg }),
      },
    })),
    settings: {
      start: start === undefined ? 'nano' : /[\\/].*[\\/]/.test(start) ? near(start) : start,
      ...(sizes && { sizes }),
      packs,
      rows,
      codec_softmax: codecSoftmax,
      seed,
      ...(threads !== undefined && { threads }),
      ...(valid.length > 0 && { valid: sources(valid), valid_every: validEvery }),
      ...(every > 0 && {
        samples: {
          every,
          describe: describe.map(near),
          ask: ask.map(({ audio, question }) => `${near(audio)}: ${question}`),
          render,
        },
      }),
    },
  };
}
