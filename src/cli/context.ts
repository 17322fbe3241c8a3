/** What a command's code gets to work with. */
import type { Io, Screen } from './screen.js';

export interface Context {
  io: Io;
  screen: Screen;
  /** fires on Ctrl-C */
  signal: AbortSignal;
  version: string;
  /** makes the exit code at least this one, for commands that go on after a failure */
  fail: (code: number) => void;
  /** says that a signal asked for an orderly end, and this is it: exit code 0 */
  ended?: () => void;
}

/** Runs a command's code. */
export type Start = (run: (context: Context) => Promise<void>, flags: object) => Promise<void>;
