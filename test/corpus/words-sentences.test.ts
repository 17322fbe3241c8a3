import { describe, expect, it } from 'vitest';
import type { Mood } from '../../src/corpus/scene.js';
import { LEXICON, planSentence } from '../../src/corpus/words/sentences.js';
import { Random } from '../../src/random.js';

const MOODS: Mood[] = ['neutral', 'happy', 'sad', 'angry', 'calm', 'excited'];

describe('planSentence', () => {
  it('makes 2 to 9 lexicon words in plain form and a capitalised, punctuated sentence of the same words', () => {
    const random = new Random('sentences');
    const lexicon = new Set(LEXICON);
    for (let i = 0; i < 6000; i++) {
      const { words, sentence } = planSentence(random, MOODS[i % 6] as Mood);
      const list = words.split(' ');
      expect(list.length).toBeGreaterThanOrEqual(2);
      expect(list.length).toBeLessThanOrEqual(9);
      for (const word of list) expect(lexicon.has(word), word).toBe(true);
      expect(words).toMatch(/^[a-z' ]+$/);
      expect(sentence).toMatch(/^[A-Z][A-Za-z' ]*[.?!]$/);
      expect(sentence.slice(0, -1).toLowerCase()).toBe(words);
      expect(sentence).not.toMatch(/\ba [aeiou]|\bi\b/);
    }
  });

  it('rarely repeats itself, so that unseen sentences are unseen', () => {
    const random = new Random('variety');
    const seen = new Set<string>();
    for (let i = 0; i < 20000; i++) seen.add(planSentence(random, MOODS[i % 6] as Mood).words);
    expect(seen.size).toBeGreaterThan(16000);
  });

  it('keeps the lexicon small and is repeatable by seed', () => {
    expect(LEXICON.length).toBeGreaterThan(300);
    expect(LEXICON.length).toBeLessThan(700);
    expect(planSentence(new Random(5), 'sad')).toEqual(planSentence(new Random(5), 'sad'));
  });
});
