/**
 * cli/: the command line. `main` is what bin/bagpiper.js calls; commands.ts lists the commands, and each has a file of its
 * own that is imported when it runs, so that `--help` and `info` are there at once.
 */
import { readFileSync } from 'node:fs';
import type { CommanderError } from 'commander';
import { BagpiperError } from '../errors.js';
import { buildProgram } from './commands.js';
import type { Start } from './context.js';
import { EXIT, report } from './failure.js';
import { type Io, Screen, type ScreenOptions } from './screen.js';

/** The version in package.json. */
export function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Runs a command line and gives the exit code. @param signal ends the work early; the exit code is then 130 */
export async function run(argv: readonly string[], io: Io, signal: AbortSignal): Promise<number> {
  let screen = new Screen(io, { verbose: argv.includes('--verbose') || argv.includes('-v') });
  let code: number = EXIT.ok;
  const start: Start = async (work, flags) => {
    screen = new Screen(io, flags as ScreenOptions);
    const fail = (exit: number): void => {
      code = Math.max(code, exit);
    };
    let orderly = false;
    const ended = (): void => {
      orderly = true;
    };
    await work({ io, screen, signal, version: version(), fail, ended });
    if (signal.aborted && !orderly) throw signal.reason;
  };
  const program = buildProgram(version(), start);
  for (const command of [program, ...program.commands.flatMap((command) => [command, ...command.commands])]) {
    command.exitOverride().configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: () => {} });
  }
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    const wrong = commandLineError(error);
    return wrong === 0 ? EXIT.ok : report(wrong ?? error, screen, signal);
  }
}

/** What commander found wrong, as an error for the user; 0 where it only showed help or the version. */
function commandLineError(error: unknown): BagpiperError | 0 | undefined {
  const { code, exitCode, message } = error as CommanderError;
  if (typeof code !== 'string' || !code.startsWith('commander.')) return undefined;
  if (exitCode === 0) return 0;
  const said = message.replace(/^error: /, '').replace(/\s+/g, ' ');
  return new BagpiperError(`${said}; see "bagpiper --help".`);
}

/** The entry of bin/bagpiper.js: runs the command line on this process and sets its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const { stdin, stdout, stderr, env } = process;
  const interrupt = new AbortController();
  let first = 0;
  const stop = (signal: NodeJS.Signals): void => {
    // The second time the user means it; npm passes on a signal that the terminal has sent already, so not at once. And not
    // by process.exit, which crashes while ONNX Runtime is at work in the worker.
    if (interrupt.signal.aborted && performance.now() - first > 1000) process.kill(process.pid, 'SIGKILL');
    if (interrupt.signal.aborted) return;
    first = performance.now();
    interrupt.abort(new Error(`stopped by ${signal}`));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  // Failed writes are seen where they happen; without a listener they would end the process with a stack trace.
  for (const stream of [stdout, stderr]) stream.on('error', () => {});
  const code = await run(argv, { stdin, stdout, stderr, env }, interrupt.signal);
  process.exitCode = code;
  process.off('SIGINT', stop).off('SIGTERM', stop);
  // A pipe that nobody ends must not hold the process.
  stdin.unref?.();
}
