import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamDecoder, Tokenizer, type TokenizerJson } from '../../src/text/index.js';
import { referenceIds, referenceTexts, smallTokenizer, trained, trickyTexts } from './oracle.js';

type Json = Record<string, unknown>;

const qwen = smallTokenizer();
/** Its tokens: 2 control tokens, 256 bytes, 87 merges. */
const SIZE = 345;

function variant(change: (json: TokenizerJson & { model: Json }) => void): TokenizerJson {
  const json = structuredClone(qwen);
  change(json);
  return json;
}

const added = { single_word: false, lstrip: false, rstrip: false };

describe('against Hugging Face tokenizers', () => {
  const variants: [string, TokenizerJson][] = [
    ['Qwen: NFC, split pattern, byte level', qwen],
    [
      'GPT-2: byte level with its own pattern and a leading space',
      variant((json) => {
        json.normalizer = null as unknown as object;
        json.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
      }),
    ],
    [
      'Llama 3: inverted split, whole pieces first, merges as strings',
      variant((json) => {
        const pattern = {
          Regex: "(?i:'s|'t|'ll)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+",
        };
        const split = { type: 'Split', pattern, behavior: 'Removed', invert: true };
        json.pre_tokenizer = { type: 'Sequence', pretokenizers: [split, { ...json.decoder, use_regex: false }] };
        json.model.ignore_merges = true;
        json.model.merges = trained.merges.map((pair) => pair.join(' ')) as unknown as [string, string][];
      }),
    ],
    [
      'added words beside control tokens',
      variant((json) => {
        json.added_tokens.push(
          { id: SIZE, content: '<think>', special: false, normalized: false, ...added },
          { id: SIZE + 1, content: 'the rain', special: false, normalized: true, ...added },
          { id: SIZE + 2, content: '<think>\n\n', special: false, normalized: false, ...added },
        );
      }),
    ],
  ];

  it.each(variants)('%s', async (_, json) => {
    const texts = [...trained.texts, ...trickyTexts(800, 7)];
    const tokenizer = Tokenizer.fromJson(json);
    const ids = texts.map((text) => [...tokenizer.encode(text, { addedTokens: 'all' })]);
    expect(ids).toEqual(await referenceIds(json, texts));
    const shuffled = ids.map((list) => list.map((id, i) => (i % 3 === 0 ? (id * 7 + i) % SIZE : id)));
    expect(shuffled.map((list) => tokenizer.decode(list))).toEqual(await referenceTexts(json, shuffled));
  });
});

describe('encode and decode', () => {
  const tokenizer = Tokenizer.fromJson(qwen);

  it('gives any text back, up to normalisation', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.normalize('NFC'));
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it('keeps control tokens in a text as plain text unless told otherwise', () => {
    const text = 'rain<|end|>';
    expect(tokenizer.encode(text)).not.toContain(1);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    const parsed = tokenizer.encode(text, { addedTokens: 'all' });
    expect(parsed.at(-1)).toBe(1);
    expect(tokenizer.decode(parsed)).toBe('rain');
    expect(tokenizer.decode(parsed, { special: true })).toBe(text);
  });

  it('replaces lone surrogates, keeps a byte order mark and skips ids without a token', () => {
    expect(tokenizer.decode(tokenizer.encode('a\ud800b'))).toBe('a\ufffdb');
    expect(tokenizer.decode(tokenizer.encode('\ufeffa'))).toBe('\ufeffa');
    expect(tokenizer.decode([100_000, ...tokenizer.encode('a')])).toBe('a');
    expect(tokenizer.encode('')).toHaveLength(0);
  });

  it('reports its size and its tokens', () => {
    expect(tokenizer.vocabSize).toBe(SIZE);
    expect(tokenizer.idOf('<|end|>')).toBe(1);
    expect(tokenizer.isSpecial(1)).toBe(true);
    expect(tokenizer.isSpecial(2)).toBe(false);
    expect(tokenizer.idOf('no such token')).toBeUndefined();
  });

  it.each([['a'], [' '], ['\n'], ['ab'], ['.'], ['🙂'], [' .']])('handles 100,000 repetitions of %j', (unit) => {
    const text = unit.repeat(100_000);
    expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
  });
});

describe('StreamDecoder', () => {
  const tokenizer = Tokenizer.fromJson(qwen);
  const bytes = (...values: number[]): number[] =>
    values.map((value) => [...Array(SIZE).keys()].find((id) => tokenizer.tokenBytes(id)?.join() === String(value))!);

  it('holds incomplete characters back', () => {
    const stream = new StreamDecoder(tokenizer);
    const pieces = bytes(0x61, 0xf0, 0x9f, 0x99, 0x82, 0x62).map((id) => stream.push(id));
    expect(pieces).toEqual(['a', '', '', '', '🙂', 'b']);
    expect(stream.end()).toBe('');
  });

  it('gives U+FFFD for a character that never ends', () => {
    const stream = new StreamDecoder(tokenizer);
    expect(bytes(0xf0, 0x9f).map((id) => stream.push(id))).toEqual(['', '']);
    expect(stream.end()).toBe('\ufffd');
    expect(stream.push(bytes(0x61)[0])).toBe('a');
  });

  it('adds up to what decode gives, whatever the ids', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(SIZE + 5), { maxLength: 60 }), (ids) => {
        const stream = new StreamDecoder(tokenizer);
        const text = ids.map((id) => stream.push(id)).join('') + stream.end();
        const all = ids.flatMap((id) => (id < 2 ? [] : [...(tokenizer.tokenBytes(id) ?? [])]));
        expect(text).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(all)));
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});

describe('a damaged tokenizer.json', () => {
  const cases: [string, unknown, RegExp][] = [
    ['no object', [], /its content is no JSON object/],
    ['no model', {}, /model is no JSON object/],
    ['another model', { model: { type: 'Unigram' } }, /model type is "Unigram"/],
    ['vocabulary without a byte', variant((json) => delete json.model.vocab.Ġ), /lacks "Ġ", byte 32/],
    ['a merge of unknown tokens', variant((json) => json.model.merges.push(['qq', 'zz'])), /a merge needs "qq"/],
    ['a merge that is no pair', variant((json) => json.model.merges.push(['q'] as never)), /merge 87 is no pair/],
    ['an id that is no number', variant((json) => (json.model.vocab.a = 'x' as never)), /token "a" has no id/],
    ['dropout', variant((json) => (json.model.dropout = 0.1)), /model.dropout is 0.1/],
    ['another normalizer', variant((json) => (json.normalizer = { type: 'Lowercase' })), /normalizer "Lowercase"/],
    ['another pre-tokenizer', variant((json) => (json.pre_tokenizer = { type: 'Metaspace' })), /"Metaspace"/],
    ['another decoder', variant((json) => (json.decoder = { type: 'WordPiece' })), /its decoder is not byte-level/],
    [
      'a pattern without an equivalent',
      variant((json) => {
        const split = { type: 'Split', pattern: { Regex: 'a++(' }, behavior: 'Isolated', invert: false };
        json.pre_tokenizer = { type: 'Sequence', pretokenizers: [split, json.decoder] };
      }),
      /split pattern "a\+\+\(" is not supported/,
    ],
  ];

  it.each(cases)('%s', (_, json, message) => {
    expect(() => Tokenizer.fromJson(json, 'm/tokenizer.json')).toThrow(
      expect.objectContaining({ name: 'BagpiperError', message: expect.stringMatching(message) as string }),
    );
    expect(() => Tokenizer.fromJson(json, 'm/tokenizer.json')).toThrow(/^m\/tokenizer\.json/);
  });
});
