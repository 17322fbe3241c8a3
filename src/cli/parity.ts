/** `bagpiper parity FOLDER`: our numbers against upstream's, one line a tensor. */
import { checkFolder, type ParityLine } from '../engine/parity.js';
import { BagpiperError } from '../errors.js';
import type { Context } from './context.js';
import { EXIT } from './failure.js';
import { deviceOf } from './options.js';

export async function parity(
  folder: string,
  flags: { json?: boolean; device?: string },
  context: Context,
): Promise<void> {
  const { screen } = context;
  const device = deviceOf(flags.device ?? 'cpu');
  screen.progress('Comparing ...');
  const lines = await checkFolder(folder, { device });
  if (lines.length === 0) {
    throw new BagpiperError(`${folder}: there is nothing to compare; reference files beside config.json are expected.`);
  }
  for (const line of lines) await screen.result(flags.json ? JSON.stringify(line) : text(line, context));
  const required = lines.filter((line) => line.required);
  const failed = required.filter((line) => !line.ok);
  screen.note(`${required.length - failed.length} of ${required.length} required lines hold`);
  if (failed.length > 0) context.fail(EXIT.failed);
}

function text({ name, error, tolerance, ok, required }: ParityLine, { screen }: Context): string {
  const verdict = ok
    ? screen.style('green', 'ok  ')
    : screen.style(required ? 'red' : 'yellow', required ? 'FAIL' : 'note');
  const measured = typeof error === 'number' ? `max abs error ${short(error)} (tolerance ${short(tolerance)})` : error;
  return `${verdict}  ${name}  ${measured}${required ? '' : '  not required'}`;
}

const short = (x: number): string => (x === 0 || Number.isInteger(x) ? String(x) : x.toExponential(2));
