/** What headers say about when to ask again. */
import { describe, expect, it } from 'vitest';
import { durationOf, pauseOf, secondsOf, waitOf } from '../../src/endpoints/index.js';

const header =
  (values: Record<string, string>) =>
  (name: string): string | null =>
    values[name] ?? null;

describe('Retry-After', () => {
  it.each([
    ['120', 120],
    [' 0.5 ', 0.5],
    ['Wed, 21 Oct 2015 07:28:30 GMT', 30],
    ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
    ['soon', undefined],
    [null, undefined],
  ])('%s', (text, seconds) => {
    expect(secondsOf(text, Date.UTC(2015, 9, 21, 7, 28, 0))).toBe(seconds);
  });

  it('comes before the reset, and milliseconds before it', () => {
    const reset = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '9s' };
    expect(waitOf(429, header(reset))).toBe(9);
    expect(waitOf(503, header(reset))).toBeUndefined();
    expect(waitOf(429, header({ ...reset, 'retry-after': '2' }))).toBe(2);
    expect(waitOf(503, header({ 'retry-after': '2', 'retry-after-ms': '1500' }))).toBe(1.5);
    expect(waitOf(429, header({}))).toBeUndefined();
  });
});

describe('durations', () => {
  it.each([
    ['1s', 1],
    ['6m0s', 360],
    ['1h2m3.5s', 3723.5],
    ['120ms', 0.12],
    ['1m', 60],
    ['7', 7],
    ['1760000000', undefined],
    ['', undefined],
    ['later', undefined],
    [null, undefined],
  ])('%s', (text, seconds) => {
    expect(durationOf(text)).toBe(seconds);
  });
});

describe('a pause', () => {
  it('is as long as the missing part takes to come back', () => {
    const tokens = {
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '100',
      'x-ratelimit-reset-tokens': '54s',
    };
    // 900 tokens in 54 s: 200 more take 12 s.
    expect(pauseOf(header(tokens), 300)).toBe(12);
    expect(pauseOf(header(tokens), 100)).toBe(0);
    expect(pauseOf(header(tokens), 5000)).toBe(54);
    const { 'x-ratelimit-limit-tokens': _, ...unlimited } = tokens;
    expect(pauseOf(header(unlimited), 300)).toBe(54);
    expect(pauseOf(header({}), 300)).toBe(0);
  });
});
