/** `bagpiper data import VARIANT RUN FILE...`: dialogues that others wrote, as results of a run's stage. */
import { BagpiperError } from '../../errors.js';
import type { Context } from '../context.js';
import { countsLine, progressLine } from './progress.js';

/** Prints a line with the counts. */
export async function dataImport(
  variant: string,
  folder: string,
  files: readonly string[],
  { json }: { json?: boolean },
  { screen, signal }: Context,
): Promise<void> {
  const [{ VARIANTS }, { DialogueImport, dialogueRows }, { Run, runStage }] = await Promise.all([
    import('../../data/simulate/flow.js'),
    import('../../data/export/index.js'),
    import('../../data/run/index.js'),
  ]);
  const known = VARIANTS.find((name) => name === variant);
  if (!known) throw new BagpiperError(`${variant} is no kind of dialogue; accepted are ${VARIANTS.join(', ')}.`);
  const stage = new DialogueImport(known, files);
  const run = await Run.open(folder, { create: true });
  try {
    const outcome = await runStage(run, stage, dialogueRows(files), {
      signal,
      identity: { by: 'import' },
      onProgress: (progress) => screen.progress(progressLine(progress)),
      warn: (text) => screen.warn(text),
    });
    screen.clearProgress();
    await screen.result(json ? JSON.stringify(outcome) : countsLine(stage.spec.stage, outcome.counts));
  } finally {
    screen.clearProgress();
    await run.close();
  }
}
