/** `bagpiper describe FILE...`: a rich caption of each file. */
import { BagpiperError } from '../errors.js';
import type { Context } from './context.js';
import { report } from './failure.js';
import { soundInput } from './input.js';
import { checkFlags, follow, withModel } from './model.js';
import { type ModelFlags, verbOptions } from './options.js';
import { jsonLine } from './results.js';

/** Several files: each caption follows a line with the file's name, and one that fails does not stop the others. */
export async function describe(files: readonly string[], flags: ModelFlags, context: Context): Promise<void> {
  const { screen, signal } = context;
  checkFlags(flags, context);
  if (flags.guidance !== undefined) screen.warn('--guidance acts on sound only; describe makes text.');
  const several = files.length > 1;
  const sounds: { file: string; source: string | Uint8Array }[] = [];
  for (const file of files) {
    await attempt(several, context, async () => {
      sounds.push({ file, source: await soundInput(file, context) });
    });
  }
  if (sounds.length === 0) return;
  await withModel(flags, context, async (bagpiper) => {
    for (const { file, source } of sounds) {
      if (several && screen.live) await screen.result(screen.style('bold', `==> ${file} <==`));
      await attempt(several, context, async () => {
        const reply = bagpiper.describe(source, verbOptions(flags, signal));
        const parts = await follow(reply, bagpiper, screen, flags.json ? [] : ['caption']);
        if (flags.json) await screen.result(jsonLine({ file, caption: parts.caption }, parts, bagpiper.info));
        else if (!screen.live) await screen.result((several ? `==> ${file} <==\n` : '') + parts.caption);
      });
    }
  });
}

/** @param several report what is wrong with the input and go on; the exit code tells */
async function attempt(several: boolean, context: Context, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!several || context.signal.aborted || !(error instanceof BagpiperError)) throw error;
    context.fail(report(error, context.screen, context.signal));
  }
}
