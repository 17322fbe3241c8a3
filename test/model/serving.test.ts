import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BagpiperConfig } from '../../src/model/config.js';
import { buildRows } from '../../src/model/index.js';
import type { Message, Role } from '../../src/model/messages.js';
import { type Files, isServed, servingFiles, textTokenizer } from '../../src/model/serving.js';
import { Tokenizer } from '../../src/text/index.js';
import { referenceIds, referenceTexts, smallTokenizer, trickyTexts } from '../text/oracle.js';
import { goldenConfig } from './golden.js';

/** Written by Jinja2; see scripts/golden/chat_template.py. */
const CHAT = JSON.parse(readFileSync(new URL('../fixtures/text/chat-template.json', import.meta.url), 'utf8')) as {
  template: string;
  cases: { messages: [Role, string][]; prompt: boolean; text: string }[];
};

/** Qwen's kinds of added tokens: control tokens, and words such as `<think>`. */
const ADDED = ['<|endoftext|>', '<|im_start|>', '<think>', '</think>'];
const BPE = smallTokenizer();
const size = Object.keys(BPE.model.vocab).length;
const own = {
  ...BPE,
  added_tokens: ADDED.map((content, i) => ({
    ...{ id: size + i, content, special: content.startsWith('<|') },
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
  })),
};
const end = 256 + size + 40;
const config: BagpiperConfig = goldenConfig({
  ...{ text_token_end: end, codec_base_offset: end, vocab_size: end + 8 * 33, text_zero_is_pad: false },
});
const texts = [...trickyTexts(60, 5), '<think>\nIt rains.\n</think>', 'a <|endoftext|> b'];

let files: Files;
let served: { added_tokens: { id: number }[]; model: { vocab: Record<string, number> } };
const json = (name: string) => JSON.parse(files.get(name)!);

beforeAll(() => {
  files = servingFiles(own, config, 'tokenizer.json');
  served = json('tokenizer.json');
});

describe('servingFiles', () => {
  it('give the ids of the model: those of the tokenizer, moved', async () => {
    const [before, after] = await Promise.all([referenceIds(own, texts), referenceIds(served, texts)]);
    expect(after).toEqual(before.map((ids) => ids.map((id) => id + 256)));
    expect(await referenceTexts(served, after)).toEqual(await referenceTexts(own, before));
  });

  it('name every id of the model once', () => {
    const { vocab } = served.model;
    expect(vocab).toMatchObject({
      ...{ '<|pad|>': 0, '<|bos|>': 1, '<|eos|>': 2, '<|eot|>': 3, '<|system|>': 4, '<|user|>': 5, '<|assistant|>': 6 },
      ...{ '<|text|>': 7, '<|audio|>': 8, '<|image|>': 9, '<|video|>': 10, '<|toolcall|>': 11 },
      ...{ '<|unused_12|>': 12, '<|unused_255|>': 255 },
      ...{ '<codec_layer0_pad>': end, '<codec_layer0_code0>': end + 1, '<codec_layer1_pad>': end + 33 },
      '<codec_layer7_code31>': config.vocab_size - 1,
    });
    const ids = Object.values(vocab);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(256 + size + ADDED.length + 8 * 33);
  });

  it('declare reserved ids and codes, and nothing else, where transformers looks for control tokens', () => {
    const about = json('tokenizer_config.json');
    const expected = Array.from({ length: config.vocab_size }, (_, id) => id).filter((id) => id < 256 || id >= end);
    expect(Object.keys(about.added_tokens_decoder).map(Number)).toEqual(expected);
    for (const [id, { content, special }] of Object.entries<{ content: string; special: boolean }>(
      about.added_tokens_decoder,
    )) {
      expect([content, served.model.vocab[content], special]).toEqual([content, Number(id), true]);
    }
    expect(about).toMatchObject({
      ...{ model_type: 'bagpiper', tokenizer_class: 'PreTrainedTokenizerFast', text_offset: 256, num_streams: 8 },
      ...{ codec_base_offset: end, codec_layer_size: 33, vocab_size: config.vocab_size, chat_template: CHAT.template },
      ...{ bos_token: '<|bos|>', eos_token: '<|eos|>', pad_token: '<|pad|>' },
    });
    expect(json('vocab.json')).toEqual(
      Object.fromEntries(Object.entries(BPE.model.vocab).map(([name, id]) => [name, id + 256])),
    );
    expect(json('added_tokens.json')).toEqual(Object.fromEntries(ADDED.map((name, i) => [name, 256 + size + i])));
    expect(json('generation_config.json')).toEqual({ bos_token_id: 1, eos_token_id: 2, pad_token_id: 0 });
    expect(files.get('merges.txt')!.split('\n').slice(1, -1)).toEqual(BPE.model.merges.map((pair) => pair.join(' ')));
  });

  it('refuse a tokenizer that is too large, or has a name of the model', () => {
    const more = (name: string, id: number) => ({
      ...own,
      model: { ...own.model, vocab: { ...own.model.vocab, [name]: id } },
    });
    expect(() => servingFiles(more('x', end - 256), config, 'T')).toThrow(
      /T gives "x" the id \d+ but the model has room/,
    );
    expect(() => servingFiles(more('<|user|>', size + 9), config, 'T')).toThrow(/T has a token <\|user\|>/);
  });
});

describe('the chat template', () => {
  it('is the one that Jinja2 was asked about', () => {
    expect(files.get('chat_template.jinja')).toBe(CHAT.template);
  });

  it.each(CHAT.cases)('lays $messages out as the model was trained on them', ({ messages, prompt, text }) => {
    const rows: Message[] = messages.map(([role, content]) =>
      content === '<|audio|>' && role === 'user'
        ? { role, modality: 'audio', frames: 3 }
        : { role, modality: 'text', textIds: Int32Array.of() },
    );
    const names = new Map(Object.entries(served.model.vocab).map(([name, id]) => [id, name]));
    const grid = buildRows(rows, config, { mode: 'train' });
    const spoken = [...messages.values()].map(([, content]) => content).filter((content) => content !== '<|audio|>');
    let expected = '';
    for (let t = 0; t < grid.length; t++) {
      const id = grid.ids[t * config.num_stream];
      // The vectors of a sound, which vLLM takes in by itself.
      if (id === 0) continue;
      expected += names.get(id);
      if (id === config.text_token_id) expected += spoken.shift();
    }
    expect(text).toBe(expected + (prompt ? '<|assistant|>' : ''));
  });
});

describe('textTokenizer', () => {
  it('takes moved ids back, exactly', () => {
    expect(isServed(own, config)).toBe(false);
    expect(isServed(served, config)).toBe(true);
    expect(textTokenizer(own, config)).toBe(own);
    const back = Tokenizer.fromJson(textTokenizer(served, config));
    const before = Tokenizer.fromJson(own);
    for (const text of texts) expect([...back.encode(text)]).toEqual([...before.encode(text)]);
    expect((textTokenizer(served, config) as typeof own).added_tokens).toEqual(own.added_tokens);
  });

  it('takes back those of ESPnet’s script too, which declares no added tokens', () => {
    const foreign = { ...served, added_tokens: [] };
    const back = Tokenizer.fromJson(textTokenizer(foreign, config));
    const before = Tokenizer.fromJson(own);
    expect(back.vocabSize).toBe(size + ADDED.length);
    for (const text of texts) expect([...back.encode(text)]).toEqual([...before.encode(text)]);
    expect(ADDED.map((name) => back.isSpecial(back.idOf(name)!))).toEqual([true, true, false, false]);
  });

  it('leaves alone what is no tokenizer', () => {
    for (const odd of [null, 3, {}, { model: null }, { model: { vocab: [] } }])
      expect(textTokenizer(odd, config)).toBe(odd);
  });
});
