import { describe, expect, it } from 'vitest';
import { editDistance } from '../../../src/train/nano/edit-distance.js';

describe('editDistance', () => {
  it.each<[string, string, number]>([
    ['', '', 0],
    ['abc', '', 3],
    ['', 'ab', 2],
    ['kitten', 'sitting', 3],
    ['flaw', 'lawn', 2],
  ])('of %j and %j', (a, b, distance) => {
    expect(editDistance([...a], [...b])).toBe(distance);
  });
});
