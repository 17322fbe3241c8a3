import { describe, expect, it } from 'vitest';
import { likeness } from '../../src/tasks/likeness.js';

describe('likeness', () => {
  // python3 -c "import sacrebleu; print(sacrebleu.CHRF().sentence_score(text, [reference]).score / 100)", sacreBLEU 2.6.0
  it.each([
    ['A dog barks twice in a large hall.', 'A dog barks in a hall.', 0.5844567938176094],
    ['Rain.', 'A slow piano plays far away.', 0.04123711340206185],
    ['the cat sat', 'the cat sat', 1],
    ['abc', 'abd', 0.3888888888888889],
    ['A woman says: "Hello there." Music plays.', 'Music plays while a woman says: "Hello there!"', 0.7297360320074718],
    ['ab', 'abcdefgh', 0.2340425531914894],
  ])('is chrF: %s against %s', (text, reference, score) => {
    expect(likeness(text, reference)).toBeCloseTo(score, 12);
  });

  it('is 0 where one of the two says nothing, and counts a character outside the basic plane as one', () => {
    expect([likeness('', 'Rain.'), likeness('Rain.', ''), likeness('', ''), likeness(' ', ' ')]).toEqual([0, 0, 0, 0]);
    expect(likeness('\u{1F436}b', '\u{1F436}c')).toBeCloseTo(likeness('ab', 'ac'), 12);
  });
});
