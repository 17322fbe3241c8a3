/**
 * The tokenizer as ESPnet's fork of vLLM wants it: one vocabulary of all ids of the model, that is reserved names, text (its
 * ids moved by `text_token_offset`) and codes, and the chat template that makes conversations of them. Here, in contrast, a
 * tokenizer knows text alone and counts from 0; a folder of either kind can be opened. Names, files and fields:
 * espnet/vllm, examples/espnet/convert/bootstrap_assets.py.
 */
import { BagpiperError } from '../errors.js';
import { type BagpiperConfig, SPECIAL_ID_FIELDS } from './config.js';
import type { JsonObject } from './config-reader.js';

/** Files by name, with their content. */
export type Files = Map<string, string>;

interface AddedToken {
  id: number;
  content: string;
  [field: string]: unknown;
}

/** What of a tokenizer.json is looked at here; the rest passes through. */
interface TokenizerFile {
  added_tokens?: AddedToken[];
  model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
  [field: string]: unknown;
}

const FIRST_CODE = '<codec_layer0_pad>';
/** Qwen's control tokens; its other added tokens, such as `<think>`, are words. */
const CONTROL = /^<\|.*\|>$/;
const FLAGS = { single_word: false, lstrip: false, rstrip: false, normalized: false };

/**
 * Conversations as the model was trained on them (docs/model.md). vLLM writes `<|audio|>` into the content of a message
 * where a sound is, and takes the sound's vectors in behind it.
 */
const CHAT_TEMPLATE = `{{- '<|bos|>' -}}
{%- for message in messages -%}
{{- '<|' + message.role + '|>' -}}
{%- if '<|audio|>' not in message.content -%}{{- '<|text|>' -}}{%- endif -%}
{{- message.content -}}
{%- if not loop.last and messages[loop.index].role == message.role -%}{{- '<|eot|>' -}}
{%- else -%}{{- '<|eos|>' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
`;

/** Whether a parsed tokenizer.json has the ids of the model instead of its own. */
export function isServed(json: unknown, config: BagpiperConfig): boolean {
  const vocab = (json as Partial<TokenizerFile> | null)?.model?.vocab;
  if (typeof vocab !== 'object' || vocab === null) return false;
  return Object.hasOwn(vocab, FIRST_CODE) && vocab[FIRST_CODE] === config.codec_base_offset;
}

/** A parsed tokenizer.json with text alone, counted from 0, whichever kind it is. */
export function textTokenizer(json: unknown, config: BagpiperConfig): unknown {
  if (!isServed(json, config)) return json;
  const file = json as TokenizerFile;
  const { text_token_offset: offset, text_token_end: end } = config;
  const text = Object.entries(file.model.vocab).filter(([, id]) => id >= offset && id < end);
  let added = (file.added_tokens ?? []).filter(({ id }) => id >= offset && id < end);
  if (added.length === 0) {
    // ESPnet's script declares none: they are those that no merge makes.
    const made = new Set(
      file.model.merges.map((pair) => (typeof pair === 'string' ? pair.replace(' ', '') : pair.join(''))),
    );
    added = text
      .filter(([content]) => content.length > 1 && !made.has(content))
      .map(([content, id]) => ({ id, content, ...FLAGS, special: CONTROL.test(content) }));
  }
  const names = new Set(added.map(({ content }) => content));
  const own = text.filter(([content]) => !names.has(content)).map(([content, id]) => [content, id - offset] as const);
  return {
    ...file,
    added_tokens: added.map((token) => ({ ...token, id: token.id - offset })).sort((a, b) => a.id - b.id),
    model: { ...file.model, vocab: Object.fromEntries(own) },
  };
}

/**
 * The files by which vLLM makes ids of conversations, and of ids texts.
 *
 * @param json a parsed tokenizer.json of text alone, checked by {@link Tokenizer}
 * @param where names it in messages
 * @throws BagpiperError where it has more tokens than the model has text ids, or a name that the model has besides
 */
export function servingFiles(json: unknown, config: BagpiperConfig, where: string): Files {
  const file = json as TokenizerFile;
  const { text_token_offset: offset, text_token_end: end } = config;
  const words = Object.entries(file.model.vocab).map(([name, id]) => [name, id + offset] as const);
  const added = (file.added_tokens ?? []).map((token) => ({ ...token, id: token.id + offset }));
  const addedIds = added.map(({ content, id }) => [content, id] as const).sort((a, b) => a[1] - b[1]);
  const others = [...reservedNames(config), ...codeNames(config)];
  const vocab = new Map<string, number>([...words, ...addedIds]);
  for (const [name, id] of vocab) {
    if (id < end) continue;
    throw new BagpiperError(
      `${where} gives ${JSON.stringify(name)} the id ${id - offset} but the model has room for ${end - offset} tokens; they belong to different models.`,
    );
  }
  for (const [name, id] of others) {
    if (vocab.has(name))
      throw new BagpiperError(`${where} has a token ${name}, which is the name of an id of the model.`);
    vocab.set(name, id);
  }
  const merges = file.model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' ')));
  const { bos_token_id, eos_token_id, pad_token_id } = config;
  return new Map([
    [
      'tokenizer.json',
      line({ ...file, added_tokens: added, model: { ...file.model, vocab: Object.fromEntries(vocab) } }),
    ],
    ['tokenizer_config.json', pretty(tokenizerConfig(config, others))],
    ['vocab.json', line(Object.fromEntries(words))],
    ['merges.txt', `#version: 0.2\n${merges.join('\n')}\n`],
    ['added_tokens.json', pretty(Object.fromEntries(addedIds))],
    [
      'special_tokens_map.json',
      pretty({ bos_token: control('bos'), eos_token: control('eos'), pad_token: control('pad') }),
    ],
    ['generation_config.json', pretty({ bos_token_id, eos_token_id, pad_token_id })],
    ['chat_template.jinja', CHAT_TEMPLATE],
  ]);
}

function tokenizerConfig(config: BagpiperConfig, names: readonly (readonly [string, number])[]): JsonObject {
  const { text_token_offset, codec_base_offset, codec_layer_size, num_stream, vocab_size } = config;
  return {
    model_type: 'bagpiper',
    tokenizer_class: 'PreTrainedTokenizerFast',
    text_offset: text_token_offset,
    codec_base_offset,
    codec_layer_size,
    num_streams: num_stream,
    vocab_size,
    bos_token: '<|bos|>',
    eos_token: '<|eos|>',
    pad_token: '<|pad|>',
    unk_token: null,
    clean_up_tokenization_spaces: false,
    added_tokens_decoder: Object.fromEntries(
      names.map(([content, id]) => [id, { content, ...FLAGS, special: true }] as const),
    ),
    chat_template: CHAT_TEMPLATE,
  };
}

/** The ids before text: those with a meaning under its name, the others numbered. */
function reservedNames(config: BagpiperConfig): [string, number][] {
  const names = new Map(
    SPECIAL_ID_FIELDS.map((field) => [config[field], `<|${field.slice(0, -'_token_id'.length)}|>`]),
  );
  return Array.from({ length: config.text_token_offset }, (_, id) => [names.get(id) ?? `<|unused_${id}|>`, id]);
}

/** The ids of codes, the pad of each stream first. */
function codeNames({ num_stream, codec_base_offset, codec_layer_size }: BagpiperConfig): [string, number][] {
  return Array.from({ length: num_stream * codec_layer_size }, (_, i) => {
    const [stream, code] = [Math.floor(i / codec_layer_size), (i % codec_layer_size) - 1];
    return [`<codec_layer${stream}_${code < 0 ? 'pad' : `code${code}`}>`, codec_base_offset + i];
  });
}

const control = (name: string): JsonObject => ({ content: `<|${name}|>`, ...FLAGS, special: true });
const line = (json: JsonObject): string => `${JSON.stringify(json)}\n`;
const pretty = (json: JsonObject): string => `${JSON.stringify(json, null, 2)}\n`;
