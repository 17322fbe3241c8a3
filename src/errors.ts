/**
 * The one error type that users are meant to read. A `BagpiperError` says in one sentence what was given, what is
 * accepted and what to do; the command line prints its message alone and exits with 2. Anything else that is thrown
 * is a defect of the program, not of the input.
 */
export class BagpiperError extends Error {
  override readonly name = 'BagpiperError';
}

/** The message of anything that may be thrown, in one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim();
}
