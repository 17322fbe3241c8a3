/** What can be set about servers, and the defaults. */
import { BagpiperError } from '../../errors.js';

/**
 * `bagpiper`: the ESPnet fork of vLLM with a Bagpiper model, which makes sound through `vllm_xargs`; `openai`: any other
 * server that takes sound in chat completions.
 */
export type ServerKind = 'bagpiper' | 'openai';

/** Seconds after which a server counts as silent. */
export interface Timeouts {
  /** until connected, TLS included */
  connect: number;
  /** until it has said what it runs */
  opening: number;
  /** until an answer that is streamed begins */
  firstByte: number;
  /** until an answer that comes in one piece begins: everything is made by then, so this bounds a rendering */
  answer: number;
  /** between two pieces of an answer */
  idle: number;
}

export interface RetryOptions {
  /** how often a request is tried again after a failure that may pass; trying the next server comes on top */
  times: number;
  /** seconds before the first new try; doubled each time, half of it at random */
  wait: number;
  /** longest wait in seconds, also where a server asks for more (`Retry-After`): then it counts as failed */
  longest: number;
}

export interface RemoteOptions {
  /** key for the server; default: the environment's BAGPIPER_API_KEY, else OPENAI_API_KEY */
  apiKey?: string;
  /** the model's name at the server; default: the one that the server lists */
  serverModel?: string;
  /** default: `bagpiper` where the model's name says so */
  serverKind?: ServerKind;
  timeouts?: Partial<Timeouts>;
  retry?: Partial<RetryOptions>;
  /** how often a request for sound is made while the server answers with text alone; default 2 */
  soundTries?: number;
  /** ends the opening; the reason is then thrown */
  signal?: AbortSignal;
}

/** {@link RemoteOptions} with everything decided. */
export interface Settings {
  apiKey: string | undefined;
  serverModel: string | undefined;
  serverKind: ServerKind | undefined;
  timeouts: Timeouts;
  retry: RetryOptions;
  soundTries: number;
}

const TIMEOUTS: Timeouts = { connect: 10, opening: 20, firstByte: 120, answer: 1800, idle: 60 };
const RETRY: RetryOptions = { times: 3, wait: 0.5, longest: 60 };

/** @throws BagpiperError for a setting that makes no sense; a key is never shown */
export function remoteSettings(options: RemoteOptions): Settings {
  const { serverModel, serverKind, soundTries = 2 } = options;
  const apiKey = (options.apiKey ?? (process.env.BAGPIPER_API_KEY || process.env.OPENAI_API_KEY))?.trim() || undefined;
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new BagpiperError('The API key holds blanks or characters that cannot be sent; copy it again.');
  }
  if (serverKind !== undefined && serverKind !== 'bagpiper' && serverKind !== 'openai') {
    throw new BagpiperError(`The kind of server is "${serverKind}"; "bagpiper" and "openai" are accepted.`);
  }
  if (serverModel !== undefined && serverModel.trim() === '') {
    throw new BagpiperError(
      "The model's name at the server is empty; write it as the server lists it, or leave it out.",
    );
  }
  const timeouts = { ...TIMEOUTS, ...given(options.timeouts) };
  const retry = { ...RETRY, ...given(options.retry) };
  for (const [name, seconds] of Object.entries(timeouts)) check(`The time-out "${name}"`, seconds, seconds > 0);
  check('The wait before a new try', retry.wait, retry.wait >= 0);
  check('The longest wait before a new try', retry.longest, retry.longest >= 0);
  check('The number of new tries', retry.times, Number.isInteger(retry.times) && retry.times >= 0);
  check('The number of tries for sound', soundTries, Number.isInteger(soundTries) && soundTries >= 1);
  return { apiKey, serverModel, serverKind, timeouts, retry, soundTries };
}

function given<T extends object>(values: T | undefined): Partial<T> {
  const chosen = Object.entries(values ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(chosen) as Partial<T>;
}

function check(what: string, value: number, fits: boolean): void {
  if (fits && value < 2_000_000) return;
  throw new BagpiperError(`${what} is ${value}; a positive number (seconds below 2,000,000, or a count) is accepted.`);
}
