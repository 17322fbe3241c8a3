/** How a command can end other than well, and the exit codes (docs/cli.md). */
import { BagpiperError, messageOf, ServerError } from '../errors.js';
import type { Screen } from './screen.js';

export const EXIT = { ok: 0, failed: 1, badInput: 2, server: 3, interrupted: 130 } as const;

/** A check that failed, or a result that did not come about although the input was right: exit code 1, no stack trace. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** Says what went wrong, in one line, and gives the exit code for it. */
export function report(error: unknown, screen: Screen, signal: AbortSignal): number {
  screen.endText();
  screen.clearProgress();
  if (signal.aborted) {
    screen.note('Interrupted.');
    return EXIT.interrupted;
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  // The reader of a pipe left early, as `head` does: nobody is there who would want to know.
  if (code === 'EPIPE') return EXIT.ok;
  if (screen.verbose && error instanceof Error && error.stack) screen.trace(error.stack);
  if (error instanceof BagpiperError) {
    screen.error(error.message);
    return error instanceof ServerError ? EXIT.server : EXIT.badInput;
  }
  if (code === 'ENOSPC') {
    screen.error('The result cannot be written: the disk is full; free some space or write elsewhere.');
    return EXIT.badInput;
  }
  if (error instanceof CheckFailed) screen.error(error.message);
  else screen.error(`this is a defect of the program: ${messageOf(error)}; run again with --verbose and report it.`);
  return EXIT.failed;
}
