import { describe, expect, it } from 'vitest';
import { GPT2_PATTERN, Tokenizer, trainBpe } from '../../src/text/index.js';
import { trained } from './oracle.js';

describe('trainBpe', () => {
  it('learns the merges that Hugging Face learns from the same texts', () => {
    const { model } = trainBpe(trained.texts, trained);
    expect(model.merges).toEqual(trained.merges);
    expect(model.vocab).toEqual(trained.vocab);
  });

  it('joins the most frequent pair first', () => {
    const { model } = trainBpe(['abab abab xy'], { vocabSize: 258 });
    expect(model.merges).toEqual([
      ['a', 'b'],
      ['ab', 'ab'],
    ]);
  });

  it('stops where no pair is frequent enough', () => {
    expect(trainBpe(['abc'], { vocabSize: 300 }).model.merges).toEqual([]);
    expect(trainBpe(['abc'], { vocabSize: 300, minCount: 1 }).model.merges).toHaveLength(2);
    expect(trainBpe([], { vocabSize: 300 }).model.merges).toEqual([]);
  });

  it('puts control tokens first and splits by the given pattern', () => {
    const json = trainBpe(['hello hello'], { vocabSize: 300, specials: ['<|pad|>'], pattern: GPT2_PATTERN });
    const tokenizer = Tokenizer.fromJson(json);
    expect(tokenizer.idOf('<|pad|>')).toBe(0);
    expect(tokenizer.encode('hello hello')).toHaveLength(3); // "hello", " " and "hello": " hello" was seen once
  });

  it('gets through one very long repetitive word', () => {
    const text = 'ab'.repeat(20_000);
    const tokenizer = Tokenizer.fromJson(trainBpe([text], { vocabSize: 270 }));
    expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
  });

  it('refuses a vocabulary without room for the bytes, and a token twice', () => {
    expect(() => trainBpe([], { vocabSize: 256, specials: ['<a>'] })).toThrow(/need 257/);
    expect(() => trainBpe([], { vocabSize: 300, specials: ['<a>', '<a>'] })).toThrow(/twice/);
  });
});
