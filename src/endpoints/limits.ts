/** What servers say in headers about when they may be asked again. */

/** A header's value; null where it is missing. */
export type Header = (name: string) => string | null;

/** Seconds that a server which has just refused wants to be left alone; undefined where it does not say. */
export function waitOf(status: number, header: Header, now = Date.now()): number | undefined {
  const milliseconds = numberOf(header('retry-after-ms'));
  if (milliseconds !== undefined) return milliseconds / 1000;
  const told = secondsOf(header('retry-after'), now);
  if (told !== undefined || status !== 429) return told;
  const pause = pauseOf(header, 1);
  return pause > 0 ? pause : undefined;
}

/** A `Retry-After` header (RFC 9110, 10.2.3): seconds or a date. @param now milliseconds since 1970 */
export function secondsOf(retryAfter: string | null, now = Date.now()): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = numberOf(retryAfter);
  if (seconds !== undefined) return seconds;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

/**
 * Seconds until one more request fits into what a server allows, by OpenAI's headers
 * `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`. What is used up comes back evenly until the reset.
 *
 * @param tokens that the request takes
 */
export function pauseOf(header: Header, tokens: number): number {
  const pause = (what: string, need: number): number => {
    const remaining = numberOf(header(`x-ratelimit-remaining-${what}`));
    const reset = durationOf(header(`x-ratelimit-reset-${what}`));
    if (remaining === undefined || reset === undefined || remaining >= need) return 0;
    const limit = numberOf(header(`x-ratelimit-limit-${what}`));
    if (limit === undefined || limit <= remaining) return reset;
    return Math.min(reset, (reset * (need - remaining)) / (limit - remaining));
  };
  return Math.max(pause('requests', 1), pause('tokens', tokens));
}

/** Seconds of "1s", "6m0s", "1h2m3.5s", "120ms", or a plain number; undefined for other texts, as for moments in time. */
export function durationOf(text: string | null): number | undefined {
  const plain = numberOf(text);
  if (plain !== undefined) return plain < 1_000_000 ? plain : undefined;
  const parts = text?.trim().match(/^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/);
  if (!parts || parts[0] === '') return undefined;
  const [hours, minutes, seconds, milliseconds] = parts.slice(1).map((part = '0') => Number(part));
  return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000;
}

function numberOf(text: string | null): number | undefined {
  return text !== null && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
