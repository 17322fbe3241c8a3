/** `bagpiper prepare MODEL`: compiled graphs beside the weights. On stdout goes their folder. */
import { prepareModel } from '../tasks/bagpiper.js';
import { sizeText } from '../weights/hub/index.js';
import type { Context } from './context.js';

export async function prepare(
  model: string | undefined,
  flags: { json?: boolean },
  { screen, signal }: Context,
): Promise<void> {
  screen.progress('Compiling (an 8B model takes some minutes) ...');
  const began = performance.now();
  try {
    const prepared = await prepareModel(model, { signal });
    screen.clearProgress();
    screen.note(`${sizeText(prepared.bytes)} in ${((performance.now() - began) / 1000).toFixed(0)} s.`);
    await screen.result(flags.json ? JSON.stringify(prepared) : prepared.folder);
  } finally {
    screen.clearProgress();
  }
}
