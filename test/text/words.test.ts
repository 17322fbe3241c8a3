import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { addErrors, alignWords, differences, spokenWords } from '../../src/text/index.js';

const align = (said: string, heard: string) => {
  const { substitutions, insertions, deletions } = alignWords(spokenWords(said), spokenWords(heard));
  return [substitutions, insertions, deletions];
};

describe('word errors', () => {
  it('counts substitutions, insertions and deletions of the best alignment', () => {
    expect(align('the cat sat', 'The cat sat!')).toEqual([0, 0, 0]);
    expect(align('the cat sat on the mat', 'the cat sit on mat')).toEqual([1, 0, 1]);
    expect(align('a b c d', 'b c d e')).toEqual([0, 1, 1]);
    expect(align('one two', '')).toEqual([0, 0, 2]);
    expect(align('', 'one two three')).toEqual([0, 3, 0]);
    expect(align("don't go", 'do not go')).toEqual([1, 1, 0]);
  });

  it('keeps apostrophes inside words and drops other signs', () => {
    expect(spokenWords('"It\u2019s five o\'clock," he said.')).toEqual(["it's", 'five', "o'clock", 'he', 'said']);
  });

  it('agrees with edit distances computed by definition on random words', () => {
    const random = new Random('words');
    const distance = (a: string[], b: string[]): number => {
      if (a.length === 0 || b.length === 0) return a.length + b.length;
      const [x, y] = [a.slice(1), b.slice(1)];
      return Math.min(distance(x, y) + (a[0] === b[0] ? 0 : 1), distance(x, b) + 1, distance(a, y) + 1);
    };
    for (let i = 0; i < 60; i++) {
      const [a, b] = [0, 0].map(() => Array.from({ length: random.int(6) }, () => random.pick(['a', 'b', 'c'])));
      const errors = alignWords(a, b);
      expect(differences(errors)).toBe(distance(a, b));
      expect(a.length + errors.insertions - errors.deletions).toBe(b.length);
    }
  });

  it('adds up over texts', () => {
    const sum = addErrors([alignWords(['a', 'b'], ['a']), alignWords(['c'], ['d', 'e'])]);
    expect(sum).toEqual({ reference: 3, substitutions: 1, insertions: 1, deletions: 1 });
  });
});
