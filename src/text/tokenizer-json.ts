/** The `tokenizer.json` format of Hugging Face, as far as byte-level BPE uses it, checked before use. */
import { BagpiperError } from '../errors.js';
import { compilePattern, GPT2_PATTERN, literalPattern } from './pattern.js';

/** A token that is matched as a whole before any splitting. */
export interface AddedToken {
  id: number;
  content: string;
  /** Control tokens such as `<|im_end|>`, as opposed to words that were added to the vocabulary. */
  special: boolean;
  /** Matched after the text was normalised, not before. */
  normalized: boolean;
}

/** One splitting step: each piece of text becomes pieces. */
export type Split = (piece: string) => string[];

/** What a `tokenizer.json` says, checked. */
export interface TokenizerSpec {
  vocab: Map<string, number>;
  merges: [string, string][];
  addedTokens: AddedToken[];
  normalize: (text: string) => string;
  splits: Split[];
  /** A piece that is a vocabulary entry as a whole is taken without merging. */
  ignoreMerges: boolean;
}

type Json = Record<string, unknown>;

/**
 * Checks a parsed `tokenizer.json`.
 *
 * @param where names the file in errors.
 * @throws BagpiperError for other tokenizer models than byte-level BPE and for settings that change ids and are not known.
 */
export function parseTokenizerJson(json: unknown, where: string): TokenizerSpec {
  const reader = new SpecReader(where);
  const root = reader.object(json, 'its content');
  const model = reader.object(root.model, 'model');
  if (model.type !== undefined && model.type !== 'BPE') {
    throw reader.error(`its model type is ${JSON.stringify(model.type)}; only byte-level BPE is supported`);
  }
  for (const field of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'byte_fallback']) {
    if (model[field])
      throw reader.error(`its model.${field} is ${JSON.stringify(model[field])}, which is not supported`);
  }
  reader.checkDecoder(root.decoder);
  return {
    vocab: reader.vocab(model.vocab),
    merges: reader.merges(model.merges),
    addedTokens: reader.addedTokens(root.added_tokens ?? []),
    normalize: reader.normalizer(root.normalizer),
    splits: reader.preTokenizer(root.pre_tokenizer),
    ignoreMerges: model.ignore_merges === true,
  };
}

class SpecReader {
  constructor(private readonly where: string) {}

  error(problem: string): BagpiperError {
    return new BagpiperError(`${this.where} is not a usable tokenizer: ${problem}.`);
  }

  object(value: unknown, name: string): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.error(`${name} is no JSON object`);
    return value as Json;
  }

  vocab(value: unknown): Map<string, number> {
    const vocab = new Map<string, number>();
    for (const [token, id] of Object.entries(this.object(value, 'model.vocab'))) vocab.set(token, this.id(id, token));
    return vocab;
  }

  merges(value: unknown): [string, string][] {
    if (!Array.isArray(value)) throw this.error('model.merges is no list');
    return value.map((entry: unknown, rank) => {
      const pair = typeof entry === 'string' ? entry.split(' ') : entry;
      if (!Array.isArray(pair) || pair.length !== 2 || pair.some((part) => typeof part !== 'string' || part === '')) {
        throw this.error(`merge ${rank} is no pair of tokens`);
      }
      return [pair[0], pair[1]];
    });
  }

  addedTokens(value: unknown): AddedToken[] {
    if (!Array.isArray(value)) throw this.error('added_tokens is no list');
    return value.map((entry: unknown, index) => {
      const token = this.object(entry, `added_tokens[${index}]`);
      const { content } = token;
      if (typeof content !== 'string' || content === '') throw this.error(`added_tokens[${index}] has no content`);
      for (const field of ['single_word', 'lstrip', 'rstrip']) {
        if (token[field])
          throw this.error(`added token ${JSON.stringify(content)} has ${field}, which is not supported`);
      }
      const id = this.id(token.id, content);
      return { id, content, special: token.special === true, normalized: token.normalized === true };
    });
  }

  normalizer(value: unknown): (text: string) => string {
    if (value === null || value === undefined) return (text) => text;
    const { type, normalizers } = this.object(value, 'normalizer');
    if (type === 'NFC' || type === 'NFD' || type === 'NFKC' || type === 'NFKD') return (text) => text.normalize(type);
    if (type === 'Sequence' && Array.isArray(normalizers)) {
      const steps = normalizers.map((step) => this.normalizer(step));
      return (text) => steps.reduce((result, step) => step(result), text);
    }
    throw this.error(`its normalizer ${JSON.stringify(type)} is not supported`);
  }

  preTokenizer(value: unknown): Split[] {
    const splits = this.splits(value);
    if (!this.mentions(value, 'ByteLevel', 'pretokenizers')) throw this.error('its pre_tokenizer is not byte-level');
    return splits;
  }

  checkDecoder(value: unknown): void {
    if (!this.mentions(value, 'ByteLevel', 'decoders')) throw this.error('its decoder is not byte-level');
  }

  private splits(value: unknown): Split[] {
    const step = this.object(value, 'pre_tokenizer');
    if (step.type === 'Sequence' && Array.isArray(step.pretokenizers)) {
      return step.pretokenizers.flatMap((entry) => this.splits(entry));
    }
    if (step.type === 'Split') return [this.splitStep(step)];
    if (step.type === 'Digits') return [isolate(step.individual_digits ? /\p{N}/gu : /\p{N}+/gu)];
    if (step.type === 'ByteLevel') {
      const splits: Split[] = [];
      if (step.add_prefix_space) splits.push((piece) => [piece.startsWith(' ') ? piece : ` ${piece}`]);
      if (step.use_regex !== false) splits.push(isolate(compilePattern(GPT2_PATTERN, this.where)));
      return splits;
    }
    throw this.error(`its pre_tokenizer ${JSON.stringify(step.type)} is not supported`);
  }

  private splitStep(step: Json): Split {
    const source = this.object(step.pattern, 'the pattern of its pre_tokenizer');
    let pattern: RegExp;
    if (typeof source.Regex === 'string') pattern = compilePattern(source.Regex, this.where);
    else if (typeof source.String === 'string' && source.String !== '') pattern = literalPattern([source.String]);
    else throw this.error('the pattern of its pre_tokenizer is neither Regex nor String');
    if (step.behavior === 'Isolated') return isolate(pattern);
    if (step.behavior === 'Removed' && step.invert === true) return (piece) => piece.match(pattern) ?? [];
    throw this.error(`its split behaviour ${JSON.stringify(step.behavior)} is not supported`);
  }

  private mentions(value: unknown, type: string, list: string): boolean {
    if (typeof value !== 'object' || value === null) return false;
    const step = value as Json;
    const inner = step[list];
    return step.type === type || (Array.isArray(inner) && inner.some((entry) => this.mentions(entry, type, list)));
  }

  private id(value: unknown, token: string): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 24) return value;
    throw this.error(`token ${JSON.stringify(token.slice(0, 80))} has no id from 0 to ${2 ** 24 - 1}`);
  }
}

/** Matches and what lies between them all become pieces. */
function isolate(pattern: RegExp): Split {
  return (piece) => {
    const pieces: string[] = [];
    let end = 0;
    for (const match of piece.matchAll(pattern)) {
      if (match[0] === '') continue;
      if (match.index > end) pieces.push(piece.slice(end, match.index));
      pieces.push(match[0]);
      end = match.index + match[0].length;
    }
    if (end < piece.length) pieces.push(piece.slice(end));
    return pieces;
  };
}
