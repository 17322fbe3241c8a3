import { describe, expect, it } from 'vitest';
import { lettered, listChoices, namedChoice } from '../../src/text/index.js';

describe('choices', () => {
  it('are listed with their letters', () => {
    expect(listChoices(['rain', 'wind', 'a siren'])).toBe('(A) rain (B) wind (C) a siren');
    expect(lettered(['rain', 'wind'], 'wind')).toBe('(B) wind');
  });
});

describe('the choice that an answer names', () => {
  const people = ['a man', 'a young man', 'a woman', 'a girl'];
  const kinds = ['speech only', 'speech, music and sound effects', 'music and sound effects', 'music only'];
  const times = ['at about 0.5 seconds', 'at about 5 seconds', 'right at the start', 'at about 1 second'];

  it('finds the one choice that is named', () => {
    expect(namedChoice('A man', people)).toBe(0);
    expect(namedChoice('It is a young man.', people)).toBe(1);
    expect(namedChoice('Speech, music and sound effects.', kinds)).toBe(1);
    expect(namedChoice('at about 5 seconds', times)).toBe(1);
    expect(namedChoice('At about 0.5 seconds.', times)).toBe(0);
  });

  it('reads letters, but not the article', () => {
    expect(namedChoice('(C)', people)).toBe(2);
    expect(namedChoice('D', people)).toBe(3);
    expect(namedChoice('B. a young man', people)).toBe(1);
    expect(namedChoice('A girl', people)).toBe(3);
    expect(namedChoice('A dog', people)).toBe(null);
  });

  it('takes nothing, several choices and contradictions for no answer', () => {
    expect(namedChoice('', people)).toBe(null);
    expect(namedChoice('a man or a woman', people)).toBe(null);
    expect(namedChoice('(A) a woman', people)).toBe(null);
    expect(namedChoice('a robot', people)).toBe(null);
  });

  it('knows a choice by all of its signs where it is the whole answer', () => {
    expect(namedChoice('C', ['C#', 'C'])).toBe(1);
    expect(namedChoice('C#', ['C', 'C#'])).toBe(1);
    expect(namedChoice('雨', ['風', '雨'])).toBe(1);
    expect(namedChoice('聞こえるのは 雨 です', ['風', '雨'])).toBe(1);
  });
});
