import { describe, expect, it } from 'vitest';
import {
  copiedShare,
  foreignLetter,
  itemOf,
  leakedShare,
  occurs,
  quotationsIn,
  sentenceCount,
  spokenIn,
  withoutQuotations,
  wordsOf,
} from '../../../src/data/simulate/text.js';

describe('quotations', () => {
  it.each([
    [`He says "Stop it." and leaves.`, ['Stop it.']],
    ['He says “It’s late,” twice.', ["It's late,"]],
    [`I want 'No, we won’t get older now.' sung`, ["No, we won't get older now."]],
    [`the dogs' bowl and the cat's`, []],
    [`tell 'em I said 'cause we are late`, []],
    [`"one" and 'two' and “three”`, ['one', 'two', 'three']],
    [`rock 'n' roll`, []],
    ['an open " alone', []],
  ])('%s', (text, found) => expect(quotationsIn(text)).toEqual(found));

  it('counts words around them', () => {
    expect(wordsOf(withoutQuotations(`Say 'one two three' now, please - ok?`))).toEqual([
      'Say',
      'now,',
      'please',
      'ok?',
    ]);
  });
});

describe('spoken words of a caption', () => {
  it('are announced, or long; not terms, and not passages quoted again', () => {
    const caption = `It resembles a "glitch" or "scream." A man says, "Hi." Then: "We are all going home now." The emphasis lies on "going home."`;
    expect(spokenIn(caption)).toEqual(['Hi.', 'We are all going home now.']);
  });

  it('are not announced by an earlier sentence', () => {
    expect(spokenIn('A man speaks. A synthesizer makes a "wobble" that grows.')).toEqual([]);
  });
});

describe('exact words', () => {
  it.each([
    ['It’s late.', `she said "It's late" and left`, true],
    ["It's late", 'It is late', false],
    ['late', 'the latest', false],
    ['late', 'latest, and late again', true],
    ['Late', 'late', false],
    ['...', 'anything', false],
    ['We came, we saw', 'We came we saw', false],
  ])('%s in %s: %s', (quotation, text, is) => expect(occurs(quotation, text)).toBe(is));
});

describe('other measures', () => {
  it('finds letters of other alphabets, and no marks', () => {
    expect(foreignLetter('Café Ångström, ½ 20°C — naïve… №')).toBeUndefined();
    expect(foreignLetter('Cafe да')).toBe('д');
    expect(foreignLetter('音')).toBe('音');
  });

  it('shares of passages and of telling words', () => {
    expect(copiedShare('a b c d', 'x A b, c y', 3)).toBe(0.5);
    expect(copiedShare('a b', 'a b', 3)).toBe(0);
    // last, train, leaves, nine: two of four; "the" and "at" tell nothing
    expect(leakedShare('the last train leaves at nine', 'the train at nine!')).toBe(0.5);
    expect(leakedShare('it is', 'it is')).toBe(0);
  });

  it('items of a list as models copy them', () => {
    expect(itemOf(['a cook', 'a "judge"'], '- A cook.')).toBe('a cook');
    expect(itemOf(['a cook', 'a "judge"'], 'a “judge”')).toBe('a "judge"');
    expect(itemOf(['a cook'], 'a cook in a ship')).toBe('a cook in a ship');
  });

  it.each([
    ['One. Two! Three?', 3],
    ['It lasts 2.5 s at most. Dr. Who says so.', 2],
    ['He said "No." Then... nothing.', 2],
    ['no end', 0],
  ])('sentences of %s', (text, count) => expect(sentenceCount(text)).toBe(count));
});
