import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scanner } from '../../../src/data/filter/scan.js';
import {
  type Captioned,
  recordReason,
  SURFACE_LIMITS,
  sizeReason,
  textReason,
} from '../../../src/data/filter/surface.js';
import { realLabels } from './captions.js';

const scanner = new Scanner();
const words = (n: number): string[] => Array.from({ length: n }, (_, i) => `word${i}`);
const reason = (text: string): string | undefined => textReason(scanner.measure(text), SURFACE_LIMITS)?.kind;

// Written as code points: the linter takes control characters in expressions for slips.
const PYTHON_SPACE = new RegExp(`[\\s${String.fromCharCode(0x1c)}-${String.fromCharCode(0x1f, 0x85)}]+`);

/** The same by the book: Python's split, sets, and loops over code points. */
function plainMeasures(text: string) {
  const characters = [...text];
  const parts = text.split(PYTHON_SPACE).filter((word) => word !== '');
  const longest = <T>(items: readonly T[]): number => {
    let [best, run] = [0, 0];
    for (const [i, item] of items.entries()) {
      run = i > 0 && items[i - 1] === item ? run + 1 : 1;
      best = Math.max(best, run);
    }
    return best;
  };
  const ngrams = parts.slice(4).map((_, i) => parts.slice(i, i + 5).join(' '));
  const letters = characters.filter((c) => /\p{L}/u.test(c));
  const total = parts.reduce((sum, word) => sum + [...word].length, 0);
  return {
    characters: characters.length,
    words: parts.length,
    charRun: longest(characters),
    wordRun: longest(parts.map((word) => word.toLowerCase())),
    ngramRepetition: ngrams.length === 0 ? 0 : 1 - new Set(ngrams).size / ngrams.length,
    uniqueWordRatio: parts.length === 0 ? 1 : new Set(parts.map((word) => word.toLowerCase())).size / parts.length,
    averageWordLength: parts.length === 0 ? 0 : total / parts.length,
    uppercaseRatio: letters.length === 0 ? 0 : letters.filter((c) => /\p{Lu}/u.test(c)).length / letters.length,
  };
}

describe('measures of a caption', () => {
  it('are those of a plain computation, for any text', () => {
    const letters = fc.constantFrom(...'aabbAB .,"\u00e9\u00c9\n\t\u{1f600}\u00a0'.split(''), '\u{1f600}');
    const any = fc.oneof(fc.string({ unit: letters, maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 60 }));
    fc.assert(
      fc.property(any, (text) => {
        // Letters whose lower case has another length are not folded, and U+FEFF is no white space in Python.
        fc.pre(!/[\u0130\ufeff]|\p{Lt}/u.test(text) && !/[\u{10000}-\u{10fff}\u{16e40}-\u{1e943}]/u.test(text));
        expect(scanner.measure(text)).toMatchObject(plainMeasures(text));
      }),
      { numRuns: 100, seed: 4 },
    );
  });

  it('lie where those of real captions were found to lie', () => {
    for (const { caption } of [...realLabels(), ...realLabels('understanding')]) {
      const m = scanner.measure(caption);
      expect(m).toMatchObject(plainMeasures(caption));
      expect(m.charRun).toBeLessThanOrEqual(3);
      expect(m.ngramRepetition).toBeLessThanOrEqual(0.008);
      expect(m.uniqueWordRatio).toBeGreaterThanOrEqual(0.49);
      expect(m.averageWordLength).toBeGreaterThanOrEqual(5.2);
      expect(m.uppercaseRatio).toBeLessThanOrEqual(0.019);
    }
  });

  it('are right for texts longer than any before', () => {
    const long = words(50_000).join(' ');
    expect(scanner.measure(long)).toMatchObject({ words: 50_000, uniqueWordRatio: 1, ngramRepetition: 0 });
  });
});

describe('surface rules', () => {
  it('let a value equal to its limit pass and the next one not', () => {
    expect(reason(`hm${'.'.repeat(5)} ${words(20).join(' ')}`)).toBeUndefined();
    expect(reason(`hm${'.'.repeat(6)} ${words(20).join(' ')}`)).toBe('char_repetition');
    expect(reason(`so So SO ${words(20).join(' ')}`)).toBeUndefined();
    expect(reason(`so So SO so ${words(20).join(' ')}`)).toBe('word_repetition');
  });

  it('count repeated 5-grams in their cases', () => {
    // 14 words have 10 5-grams. Five words said again make one repetition of ten.
    const ten = [...words(5), 'x', ...words(5), 'y', 'z', 'w'];
    expect(reason(ten.join(' '))).toBeUndefined();
    const eleven = [...words(6), ...words(6), 'y', 'z'];
    expect(reason(eleven.join(' '))).toBe('ngram_repetition');
    expect(reason([...words(6), ...words(6).map((w) => w.toUpperCase()), 'y', 'z'].join(' '))).toBeUndefined();
  });

  it('know poor vocabulary, odd words and shouting', () => {
    // One 5-gram of unlike neighbours: four words of one letter in all orders.
    const poor = 'ab cd ef ab ef cd cd ab ef ef'.split(' ');
    expect(reason(poor.join(' '))).toBeUndefined();
    expect(reason([...poor, 'cd'].join(' '))).toBe('unique_word_ratio_low');
    expect(reason('a b c d e f g h i j')).toBe('avg_word_length_low');
    expect(reason('ab cd ef')).toBeUndefined();
    expect(reason('abcdefghijklmnop bcdefghijklmnopq')).toBe('avg_word_length_high');
    expect(reason('HALf QUIet')).toBe('uppercase_ratio_high');
    expect(reason('HALF quie')).toBeUndefined();
  });

  it('refuse the scripts of the list, and those alone', () => {
    for (const sign of [
      '\u0436',
      '\u05d0',
      '\u0639',
      '\u0905',
      '\u0995',
      '\u0e01',
      '\ud55c',
      '\u3042',
      '\u4e2d',
      '\uff01',
    ]) {
      expect(reason(`A voice says ${sign} twice.`)).toBe('non_latin');
    }
    for (const sign of ['\u00e9', '\u03b1', '\u2014', '\u{1f600}', '\u10d0']) {
      expect(reason(`A voice says ${sign} twice.`)).toBeUndefined();
    }
  });

  it('name the first rule that is broken, in the official order', () => {
    const all = `\u4e2d ${'a'.repeat(6)} ${'no '.repeat(40)}`;
    expect(reason(all)).toBe('non_latin');
    expect(reason(all.slice(2))).toBe('char_repetition');
    expect(reason('no '.repeat(40))).toBe('word_repetition');
    expect(reason('no yes '.repeat(40))).toBe('ngram_repetition');
  });
});

describe('rules of a record', () => {
  const good: Captioned = { id: 'a', caption: 'x', duration: 10, tokens: 300, finishReason: 'stop' };

  it('want a finished caption and all fields', () => {
    expect(recordReason(good)).toBeUndefined();
    expect(recordReason({ ...good, finishReason: 'length' })?.kind).toBe('finish_reason');
    expect(recordReason({ id: '', caption: ' ', finishReason: 'stop' })).toEqual({
      kind: 'missing_fields',
      message: 'id, duration, usage.completion_tokens, caption are missing.',
    });
    expect(recordReason({ id: 'a', caption: 'x' })?.kind).toBe('finish_reason');
    expect(recordReason({ id: 'a', caption: 'x' }, true)).toBeUndefined();
    expect(recordReason({ ...good, finishReason: 'length' }, true)?.kind).toBe('finish_reason');
  });

  it('let sizes at the limits pass', () => {
    const kind = (changes: Partial<Captioned>): string | undefined =>
      sizeReason({ ...good, ...changes }, SURFACE_LIMITS)?.kind;
    expect([{ tokens: 200 }, { tokens: 800 }, { duration: 2 }, { duration: 30 }].map(kind)).toEqual(
      Array(4).fill(undefined),
    );
    expect([{ tokens: 199 }, { tokens: 801 }, { duration: 1.99 }, { duration: 30.04 }].map(kind)).toEqual([
      'tokens_low',
      'tokens_high',
      'duration_low',
      'duration_high',
    ]);
  });
});
