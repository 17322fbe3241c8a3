/**
 * The one error type that users are meant to read. A `BagpiperError` says in one sentence what was given, what is
 * accepted and what to do; the command line prints its message alone and exits with 2. Anything else that is thrown
 * is a defect of the program, not of the input.
 */
export class BagpiperError extends Error {
  override readonly name: string = 'BagpiperError';
}

/**
 * A server failed, the input did not: it cannot be reached, is overloaded, broke off, or answered nonsense. The same again
 * may succeed later; the command line exits with 3.
 */
export class ServerError extends BagpiperError {
  override readonly name = 'ServerError';
}

/** The message of anything that may be thrown, in one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim();
}
