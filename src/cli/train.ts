/** `bagpiper train --config FILE`: trains or fine-tunes a model on records. */
import { relative } from 'node:path';
import { BagpiperError } from '../errors.js';
import type { TuneSettings } from '../train/tune/index.js';
import type { Page } from '../train/view/index.js';
import type { Context } from './context.js';
import { CheckFailed } from './failure.js';
import { pageAddress } from './page-address.js';

export interface TrainFlags {
  config?: string;
  maxMinutes?: number;
  /** true without a value */
  page?: string | true;
  json?: boolean;
}

/** Prints the model folder. Stopped early, it says so and ends with code 1 (time) or 130 (Ctrl-C). */
export async function train(flags: TrainFlags, context: Context): Promise<void> {
  const { config, maxMinutes, page: pageFlag, json } = flags;
  const { io, screen, signal } = context;
  if (!config) throw new BagpiperError('train needs --config with a YAML or JSON file; see docs/training.md.');
  if (maxMinutes !== undefined && !(maxMinutes > 0)) {
    throw new BagpiperError(`--max-minutes is ${maxMinutes}; a number above 0 is accepted.`);
  }
  const [{ readTuneSettings, tune }, { LiveView }] = await Promise.all([
    import('../train/tune/index.js'),
    import('../train/view/index.js'),
  ]);
  const settings = readTuneSettings(config);
  const page = pageFlag === undefined ? undefined : await openPage(settings, pageFlag, context);
  const live = new LiveView(io.stderr, {
    env: io.env,
    paint: (style, text) => screen.paint(style, text),
    quiet: screen.quiet,
  });
  try {
    const result = await tune(settings, {
      signal,
      ...(maxMinutes === undefined ? {} : { maxMinutes }),
      onProgress: (text) => {
        live.park();
        screen.progress(text);
      },
      warn: (text) => live.aside(() => screen.warn(text)),
      onStage: (stage) => {
        screen.clearProgress();
        live.stage(stage);
      },
      onStep: (progress) => live.step(progress),
      onHeard: (audition) => live.heard(audition),
    });
    live.close();
    screen.clearProgress();
    signal.throwIfAborted();
    if (!result.finished) {
      throw new CheckFailed(`stopped at step ${result.step} of ${result.stage}; the same command goes on from there.`);
    }
    const out = relative('', result.out) || '.';
    await screen.result(json ? JSON.stringify(result) : out);
    screen.note(`Try it: bagpiper describe SOUND --model ${out}`);
    if (page) screen.note(`The curves again: bagpiper curves ${out}`);
  } finally {
    live.close();
    await page?.close();
  }
}

/** @throws BagpiperError where the port cannot be had: before anything else is begun */
async function openPage(settings: TuneSettings, flag: string | true, { screen }: Context): Promise<Page> {
  const address = pageAddress('--page', flag === true ? undefined : flag);
  const [{ servePageBeside }, { beginRun }] = await Promise.all([
    import('../train/view/index.js'),
    import('../train/tune/index.js'),
  ]);
  beginRun(settings);
  const page = await servePageBeside({ folder: settings.out, ...address }, (why) =>
    screen.warn(`The page has ended (${why}); the training goes on. "bagpiper curves" shows it too.`),
  );
  screen.announce(`Curves: ${page.url}`);
  return page;
}
