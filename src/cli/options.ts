/** Options that several commands share, and how their values are read. */
import type { Command } from 'commander';
import { BagpiperError } from '../errors.js';
import type { VerbOptions } from '../tasks/types.js';

/** Options of every command that runs a model. */
export interface ModelFlags {
  model?: string;
  threads?: number;
  seed?: number;
  temperature?: number;
  topK?: number;
  guidance?: number;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** A number from the command line; what it may be is checked where it is used. */
export function numberOf(name: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) throw new BagpiperError(`${name} is "${text}"; a number is accepted.`);
    return value;
  };
}

export function withOutputFlags(command: Command): Command {
  return command
    .option('--json', 'one JSON object a result')
    .option('-q, --quiet', 'no progress and no warnings')
    .option('-v, --verbose', 'details, and stack traces of errors');
}

/** @param made what temperature, top-k and guidance act on: the text or the sound */
export function withModelFlags(command: Command, made: 'text' | 'sound'): Command {
  const guidance = made === 'sound' ? 'classifier-free guidance, 1 (none) to 20' : 'acts on sound only: no effect here';
  return withOutputFlags(
    command
      .option('-m, --model <dir>', 'model folder (default: the small model of this package)')
      .option('-s, --seed <n>', 'whole number; equal seeds give equal results (default: 0)', numberOf('--seed'))
      .option('--temperature <t>', `of the ${made}; 0 takes the likeliest`, numberOf('--temperature'))
      .option('--top-k <k>', `of the ${made}: how many of the likeliest are drawn from`, numberOf('--top-k'))
      .option('--guidance <g>', guidance, numberOf('--guidance'))
      .option('--threads <n>', 'threads (default: one a core)', numberOf('--threads')),
  );
}

/** The verb's options among a command's. */
export function verbOptions(flags: ModelFlags, signal: AbortSignal): VerbOptions {
  const { seed = 0, temperature, topK, guidance } = flags;
  return {
    seed,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topK === undefined ? {} : { topK }),
    ...(guidance === undefined ? {} : { guidance }),
    signal,
  };
}

/** @throws BagpiperError for a number of threads that makes no sense */
export function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= 1024)) return;
  throw new BagpiperError(`--threads is ${threads}; a whole number from 1 to 1024 is accepted.`);
}
