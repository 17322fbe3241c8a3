/** What can be set about any server: the key, and how often and after which waits it is tried again. */
import { BagpiperError } from '../errors.js';

export interface RetryOptions {
  /** how often a request is tried again after a failure that may pass; trying the next server comes on top */
  times: number;
  /** seconds before the first new try; doubled each time, half of it at random */
  wait: number;
  /** longest wait in seconds, also where a server asks for more (`Retry-After`): then it counts as failed */
  longest: number;
}

/** Seconds after which a connection counts as silent. */
export interface SilenceOptions {
  /** until connected, TLS included */
  connect: number;
  /** between two pieces of an answer */
  idle: number;
}

export const RETRY: RetryOptions = { times: 3, wait: 0.5, longest: 60 };

/**
 * The key that is sent to servers: the one given, else the environment's BAGPIPER_API_KEY, else OPENAI_API_KEY.
 *
 * @throws BagpiperError for one that cannot be sent; it is never shown
 */
export function apiKeyFrom(given?: string): string | undefined {
  const apiKey = (given ?? (process.env.BAGPIPER_API_KEY || process.env.OPENAI_API_KEY))?.trim() || undefined;
  if (apiKey === undefined || /^[\x21-\x7e]+$/.test(apiKey)) return apiKey;
  throw new BagpiperError('The API key holds blanks or characters that cannot be sent; copy it again.');
}

/** @throws BagpiperError for values that make no sense */
export function checkRetry(retry: RetryOptions): void {
  checkSetting('The wait before a new try', retry.wait, retry.wait >= 0);
  checkSetting('The longest wait before a new try', retry.longest, retry.longest >= 0);
  checkSetting('The number of new tries', retry.times, Number.isInteger(retry.times) && retry.times >= 0);
}

/** @throws BagpiperError for values that make no sense */
export function checkTimeouts(timeouts: object): void {
  for (const [name, seconds] of Object.entries(timeouts)) checkSetting(`The time-out "${name}"`, seconds, seconds > 0);
}

/** @throws BagpiperError where `value` does not fit */
export function checkSetting(what: string, value: number, fits: boolean): void {
  if (fits && value < 2_000_000) return;
  throw new BagpiperError(`${what} is ${value}; a positive number (seconds below 2,000,000, or a count) is accepted.`);
}

/** The values that are there: an option that is undefined does not replace a default. */
export function given<T extends object>(values: T | undefined): Partial<T> {
  const chosen = Object.entries(values ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(chosen) as Partial<T>;
}
