import { describe, expect, it } from 'vitest';
import { BagpiperError } from '../src/errors.js';
import { Options } from '../src/program.js';

const read = (...argv: string[]) =>
  Options.read(argv, { text: ['out', 'count', 'share'], flags: ['plan'], words: true });

describe('Options', () => {
  it('read texts, flags and words, in any order', () => {
    const options = read('first', '--out', 'a b', '--plan', 'second', '--count=3');
    expect(options.words).toEqual(['first', 'second']);
    expect([options.text('out'), options.text('share')]).toEqual(['a b', undefined]);
    expect([options.has('plan'), options.has('help'), read('-h').has('help')]).toEqual([true, false, true]);
    expect(options.given).toEqual(['out', 'count']);
    expect(options.number('count', 7)).toBe(3);
  });

  it('give the preset, whatever it is, where a number was not given', () => {
    expect(read().number('count', 0)).toBe(0);
    expect(read().number('count', undefined)).toBeUndefined();
  });

  it.each([
    ['0', {}, 'give a whole number from 1 on.'],
    ['1.5', {}, 'give a whole number from 1 on.'],
    ['1e7', {}, 'give a whole number from 1 on.'],
    ['', {}, 'give a whole number from 1 on.'],
    [' ', { least: 0 }, 'give a whole number from 0 on.'],
    ['Infinity', { fractions: true, least: 0 }, 'give a number from 0 on.'],
    ['0', { fractions: true, least: 0, above: true }, 'give a number above 0.'],
    ['9', { most: 8 }, 'give a whole number from 1 to 8.'],
    ['many', { most: 8, least: 0, above: true, fractions: true }, 'give a number above 0 to 8.'],
  ])('refuse the number "%s" of %o', (text, range, hint) => {
    expect(() => read(`--count=${text}`).number('count', 1, range)).toThrow(
      new BagpiperError(`--count is "${text}"; ${hint}`),
    );
  });

  it('take the ends of a range', () => {
    expect(read('--count', '1').number('count', 5, { most: 8 })).toBe(1);
    expect(read('--count', '8').number('count', 5, { most: 8 })).toBe(8);
    expect(read('--share', '1e-3').number('share', 5, { least: 0, above: true, fractions: true })).toBe(0.001);
  });

  it.each([
    [['--speed', '2'], /^Unknown option '--speed'.*; see --help$/],
    [['--out'], /^Option '--out <value>' argument missing; see --help$/],
    [['--plan=yes'], /^Option '--plan' does not take an argument; see --help$/],
  ])('refuse %o', (argv, message) => {
    expect(() => read(...argv)).toThrow(message);
    expect(() => read(...argv)).toThrow(BagpiperError);
  });

  it('refuse words where none are taken', () => {
    expect(() => Options.read(['word'], { text: [] })).toThrow(/^Unexpected argument 'word'.*; see --help$/);
  });
});
