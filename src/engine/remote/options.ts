/** What can be set about servers, and the defaults. */
import {
  apiKeyFrom,
  checkRetry,
  checkSetting,
  checkTimeouts,
  given,
  RETRY,
  type RetryOptions,
  type SilenceOptions,
} from '../../endpoints/index.js';
import { BagpiperError } from '../../errors.js';

export type { RetryOptions };

/**
 * `bagpiper`: the ESPnet fork of vLLM with a Bagpiper model, which makes sound through `vllm_xargs`; `openai`: any other
 * server that takes sound in chat completions.
 */
export type ServerKind = 'bagpiper' | 'openai';

/** Seconds after which a server counts as silent. */
export interface Timeouts extends SilenceOptions {
  /** until it has said what it runs */
  opening: number;
  /** until an answer that is streamed begins */
  firstByte: number;
  /** until an answer that comes in one piece begins: everything is made by then, so this bounds a rendering */
  answer: number;
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

/** @throws BagpiperError for a setting that makes no sense; a key is never shown */
export function remoteSettings(options: RemoteOptions): Settings {
  const { serverModel, serverKind, soundTries = 2 } = options;
  const apiKey = apiKeyFrom(options.apiKey);
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
  checkTimeouts(timeouts);
  checkRetry(retry);
  checkSetting('The number of tries for sound', soundTries, Number.isInteger(soundTries) && soundTries >= 1);
  return { apiKey, serverModel, serverKind, timeouts, retry, soundTries };
}
