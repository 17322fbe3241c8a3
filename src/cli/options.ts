/** Options that several commands share, and how their values are read. */
import type { Command } from 'commander';
import { isAddress } from '../endpoints/index.js';
import type { RemoteOptions } from '../engine/index.js';
import { BagpiperError } from '../errors.js';
import { checkDevice, type DeviceChoice } from '../runtime/device.js';
import type { LoadOptions } from '../tasks/bagpiper.js';
import type { VerbOptions } from '../tasks/types.js';
import type { Context } from './context.js';

/** Options that say how to speak to a server. */
export interface ServerFlags {
  serverModel?: string;
  apiKey?: string;
  timeout?: number;
}

/** Options of every command that runs a model. */
export interface ModelFlags extends ServerFlags {
  model?: string;
  system?: string;
  threads?: number;
  device?: string;
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

/** Command lines that follow a command's help. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
}

export function withOutputFlags(command: Command): Command {
  return command
    .option('--json', 'one JSON object a result')
    .option('-q, --quiet', 'no progress and no warnings')
    .option('-v, --verbose', 'details, and stack traces of errors');
}

export function withServerFlags(command: Command): Command {
  return command
    .option('--server-model <name>', "of a server: the model's name there (default: the one it lists)")
    .option('--api-key <key>', 'of a server (default: BAGPIPER_API_KEY, else OPENAI_API_KEY)')
    .option('--timeout <s>', 'of a server: longest silence in seconds', numberOf('--timeout'));
}

/** @param made what temperature, top-k and guidance act on: the text or the sound */
export function withModelFlags(command: Command, made: 'text' | 'sound'): Command {
  const guidance = made === 'sound' ? 'classifier-free guidance, 1 (none) to 20' : 'acts on sound only: no effect here';
  return withServerFlags(
    withOutputFlags(command)
      .option('-m, --model <dir>', 'model folder, or address of a server (default: the small model of this package)')
      .option('-s, --seed <n>', 'whole number; equal seeds give equal results (default: 0)', numberOf('--seed'))
      .option('--temperature <t>', `of the ${made}; 0 takes the likeliest`, numberOf('--temperature'))
      .option('--top-k <k>', `of the ${made}: how many of the likeliest are drawn from`, numberOf('--top-k'))
      .option('--guidance <g>', guidance, numberOf('--guidance'))
      .option('--system <text>', 'what the model is told first, "" for nothing (default: as it was trained)')
      .option('--threads <n>', 'threads (default: one a core)', numberOf('--threads'))
      .option('--device <d>', 'cpu, webgpu, cuda, or auto: a GPU where one works (default: cpu)'),
  );
}

/** The verb's options among a command's. */
export function verbOptions(flags: ModelFlags, signal: AbortSignal): VerbOptions {
  const { seed = 0, temperature, topK, guidance, system } = flags;
  return {
    seed,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topK === undefined ? {} : { topK }),
    ...(guidance === undefined ? {} : { guidance }),
    ...(system === undefined ? {} : { system }),
    signal,
  };
}

/** @throws BagpiperError for a number of threads that makes no sense */
export function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= 1024)) return;
  throw new BagpiperError(`--threads is ${threads}; a whole number from 1 to 1024 is accepted.`);
}

/** @throws BagpiperError for a name that is no device */
export function deviceOf(name: string): DeviceChoice {
  checkDevice(name);
  return name;
}

/** How to load the model that the flags name. @throws BagpiperError for a time-out that makes no sense */
export function loadOptions(flags: ModelFlags, context: Context): LoadOptions {
  const { model = '', threads, device } = flags;
  if (isAddress(model)) return serverOptions(flags, context);
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(device === undefined ? {} : { device: deviceOf(device) }),
  };
}

/** How to speak to a server. @throws BagpiperError for a time-out that makes no sense */
export function serverOptions({ serverModel, apiKey, timeout }: ServerFlags, { io, signal }: Context): RemoteOptions {
  if (timeout !== undefined && !(timeout > 0 && timeout <= 1_000_000)) {
    throw new BagpiperError(`--timeout is ${timeout}; seconds above 0, up to 1,000,000, are accepted.`);
  }
  const key = apiKey ?? (io.env.BAGPIPER_API_KEY || io.env.OPENAI_API_KEY);
  return {
    signal,
    ...(serverModel === undefined ? {} : { serverModel }),
    ...(key === undefined ? {} : { apiKey: key }),
    ...(timeout === undefined
      ? {}
      : { timeouts: { opening: timeout, firstByte: timeout, answer: timeout, idle: timeout } }),
  };
}
