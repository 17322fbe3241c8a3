/** Tokenizers and texts that the tests share, and Hugging Face's own implementation to compare with. */
import { readFileSync } from 'node:fs';
import { Tokenizer as Reference } from 'tokenizers';
import { Random } from '../../src/random.js';
import { type TokenizerJson, trainBpe } from '../../src/text/index.js';

export const trained = JSON.parse(readFileSync(new URL('../fixtures/text/trained.json', import.meta.url), 'utf8')) as {
  vocabSize: number;
  specials: string[];
  texts: string[];
  merges: [string, string][];
  vocab: Record<string, number>;
};

/** A small tokenizer with Qwen's settings: 345 tokens, two of them control tokens. */
export function smallTokenizer(): TokenizerJson {
  return trainBpe(trained.texts, trained);
}

/** What Hugging Face's tokenizer makes of texts; control tokens in the text are recognised. */
export async function referenceIds(json: unknown, texts: readonly string[]): Promise<number[][]> {
  const reference = Reference.fromString(JSON.stringify(json));
  const ids: number[][] = [];
  for (const text of texts) ids.push((await reference.encode(text, null, { addSpecialTokens: false })).getIds());
  return ids;
}

/** What Hugging Face's tokenizer makes of ids. */
export async function referenceTexts(json: unknown, ids: readonly number[][]): Promise<string[]> {
  const reference = Reference.fromString(JSON.stringify(json));
  const texts: string[] = [];
  for (const list of ids) texts.push(await reference.decode(list, true));
  return texts;
}

const ALPHABETS = [
  'abcdefghijklmnopqrstuvwxyz',
  'ABCXYZ 0123456789',
  ' \t\n\r\u0085\u00a0\ufeff\u2028\u200b\u3000',
  "'s'S't'LL've'\u017f'K'\u212a",
  'éñüÅ\u212ba\u0301e\u0308½²Ⅷ٣',
  '日本語你好',
  '🙂👩‍👩‍👧🇩🇪',
  '\u0000\u0001\u007f\u0080',
  '!?.,;:-_()[]{}"\'#<|>',
  'ǅßſŉﬁ',
].map((text) => [...text]);

const CHUNKS = [' the', ' rain', "don't", '  ', '\n\n', '<|end|>', '<think>', 'aaaa', '12345', '\r\n'];

/** Seeded texts full of what tokenizers stumble over. All characters are old enough for every Unicode library. */
export function trickyTexts(count: number, seed: number): string[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const parts = Array.from({ length: random.int(40) }, () =>
      random.chance(0.2) ? random.pick(CHUNKS) : random.pick(random.pick(ALPHABETS)),
    );
    return parts.join('');
  });
}
