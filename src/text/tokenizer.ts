/** Byte-level BPE: any text to ids and back, exactly. */
import { BagpiperError } from '../errors.js';
import { MergeTable, mergePairs } from './bpe.js';
import { alphabetBytes, BYTE_CHARS, toAlphabet } from './byte-alphabet.js';
import { literalPattern } from './pattern.js';
import { type AddedToken, parseTokenizerJson, type TokenizerSpec } from './tokenizer-json.js';

/** How text becomes ids. */
export interface EncodeOptions {
  /**
   * Which added tokens are recognised in the text. `plain` (the default): words that were added to the vocabulary, but no
   * control tokens, so that a user's text cannot end a turn. `all`: control tokens too. `none`: everything is just text.
   */
  addedTokens?: 'none' | 'plain' | 'all';
}

/** How ids become text. */
export interface DecodeOptions {
  /** Write control tokens out instead of leaving them out. */
  special?: boolean;
}

/** Pieces longer than this are not remembered. */
const CACHED_LENGTH = 48;
const CACHE_SIZE = 32_768;

/** A tokenizer read from a `tokenizer.json`. */
export class Tokenizer {
  /** One past the largest id. */
  readonly vocabSize: number;
  private readonly bytesOf: (Uint8Array | undefined)[] = [];
  private readonly special = new Set<number>();
  private readonly byteIds: Int32Array;
  private readonly table: MergeTable;
  private readonly cache = new Map<string, Int32Array>();
  private readonly matchers: Record<'raw' | 'normalized', Record<'plain' | 'all', AddedMatcher>>;

  private constructor(
    private readonly spec: TokenizerSpec,
    where: string,
  ) {
    const encoder = new TextEncoder();
    for (const [token, id] of spec.vocab) this.bytesOf[id] = alphabetBytes(token) ?? encoder.encode(token);
    for (const { id, content, special } of spec.addedTokens) {
      this.bytesOf[id] = encoder.encode(content);
      if (special) this.special.add(id);
    }
    this.vocabSize = this.bytesOf.length;
    this.byteIds = byteIds(spec, where);
    this.table = mergeTable(spec, where);
    const matcher = (normalized: boolean, all: boolean): AddedMatcher =>
      new AddedMatcher(spec.addedTokens.filter((token) => token.normalized === normalized && (all || !token.special)));
    this.matchers = {
      raw: { plain: matcher(false, false), all: matcher(false, true) },
      normalized: { plain: matcher(true, false), all: matcher(true, true) },
    };
  }

  /**
   * A tokenizer from a parsed `tokenizer.json`.
   *
   * @param where names the file in errors.
   * @throws BagpiperError where the file is no byte-level BPE tokenizer or contradicts itself.
   */
  static fromJson(json: unknown, where = 'tokenizer.json'): Tokenizer {
    return new Tokenizer(parseTokenizerJson(json, where), where);
  }

  /** The ids of a text. Nothing is added at either end. Lone surrogates count as U+FFFD. */
  encode(text: string, options: EncodeOptions = {}): Int32Array {
    const which = options.addedTokens ?? 'plain';
    const ids = new IdList();
    if (which === 'none') {
      this.encodeText(this.spec.normalize(wellFormed(text)), ids);
      return ids.toArray();
    }
    this.matchers.raw[which].split(wellFormed(text), ids, (raw) => {
      this.matchers.normalized[which].split(this.spec.normalize(raw), ids, (plain) => this.encodeText(plain, ids));
    });
    return ids.toArray();
  }

  /**
   * The text of ids. Bytes that are no UTF-8 become U+FFFD; ids that no token has (a model's vocabulary may be larger than
   * its tokenizer's) are left out.
   */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const decoder = new StreamDecoder(this, options);
    let text = '';
    for (const id of ids) text += decoder.push(id);
    return text + decoder.end();
  }

  /** The bytes that a token stands for, or undefined where there is no such token. */
  tokenBytes(id: number): Uint8Array | undefined {
    return this.bytesOf[id];
  }

  /** The id of a token as it is written in the file, or undefined. */
  idOf(token: string): number | undefined {
    return this.spec.addedTokens.find(({ content }) => content === token)?.id ?? this.spec.vocab.get(token);
  }

  /** Whether an id is a control token. */
  isSpecial(id: number): boolean {
    return this.special.has(id);
  }

  private encodeText(text: string, ids: IdList): void {
    if (text === '') return;
    let pieces = [text];
    for (const split of this.spec.splits) pieces = pieces.flatMap(split);
    for (const piece of pieces) ids.append(this.encodePiece(piece));
  }

  private encodePiece(piece: string): Int32Array {
    const known = this.cache.get(piece);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(piece);
    const whole = this.spec.ignoreMerges ? this.spec.vocab.get(toAlphabet(bytes)) : undefined;
    let ids: Int32Array;
    if (whole !== undefined) ids = Int32Array.of(whole);
    else {
      const symbols = Int32Array.from(bytes, (byte) => this.byteIds[byte]);
      ids = symbols.slice(0, mergePairs(symbols, this.table));
    }
    if (piece.length <= CACHED_LENGTH) {
      if (this.cache.size >= CACHE_SIZE) this.cache.clear();
      this.cache.set(piece, ids);
    }
    return ids;
  }
}

/**
 * Turns ids into text as they come. Bytes of a character that is not complete yet are held back; U+FFFD stands for bytes
 * that can no longer become one. The pieces together are what `decode` gives for all ids.
 */
export class StreamDecoder {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly options: DecodeOptions = {},
  ) {}

  /** The text that this id completes, often nothing. */
  push(id: number): string {
    if (!this.options.special && this.tokenizer.isSpecial(id)) return '';
    const bytes = this.tokenizer.tokenBytes(id);
    return bytes === undefined ? '' : this.decoder.decode(bytes, { stream: true });
  }

  /** What was held back: U+FFFD for an incomplete character, else nothing. The decoder can then be used again. */
  end(): string {
    return this.decoder.decode();
  }
}

/** Finds added tokens in a text, the longest one where several begin at the same place. */
class AddedMatcher {
  private readonly idOf: Map<string, number>;
  private readonly pattern: RegExp | null;

  constructor(tokens: readonly AddedToken[]) {
    this.idOf = new Map(tokens.map(({ content, id }) => [content, id]));
    this.pattern = tokens.length === 0 ? null : literalPattern([...this.idOf.keys()]);
  }

  /** Appends the ids of added tokens and hands the text between them to `rest`, in order. */
  split(text: string, ids: IdList, rest: (text: string) => void): void {
    let end = 0;
    for (const match of this.pattern === null ? [] : text.matchAll(this.pattern)) {
      if (match.index > end) rest(text.slice(end, match.index));
      ids.append(Int32Array.of(this.idOf.get(match[0])!));
      end = match.index + match[0].length;
    }
    if (end < text.length) rest(text.slice(end));
  }
}

/** A growing list of ids. */
class IdList {
  private items = new Int32Array(64);
  private size = 0;

  append(ids: Int32Array): void {
    if (this.size + ids.length > this.items.length) {
      const grown = new Int32Array(Math.max(2 * this.items.length, this.size + ids.length));
      grown.set(this.items);
      this.items = grown;
    }
    this.items.set(ids, this.size);
    this.size += ids.length;
  }

  toArray(): Int32Array {
    return this.items.slice(0, this.size);
  }
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

function byteIds(spec: TokenizerSpec, where: string): Int32Array {
  return Int32Array.from(BYTE_CHARS, (char, byte) => {
    const id = spec.vocab.get(char);
    if (id === undefined) {
      throw new BagpiperError(
        `${where} is not a usable tokenizer: its vocabulary lacks ${JSON.stringify(char)}, byte ${byte}.`,
      );
    }
    return id;
  });
}

function mergeTable(spec: TokenizerSpec, where: string): MergeTable {
  const table = new MergeTable(spec.merges.length);
  const idOf = (token: string): number => {
    const id = spec.vocab.get(token);
    if (id === undefined) {
      throw new BagpiperError(
        `${where} is not a usable tokenizer: a merge needs ${JSON.stringify(token)}, not in its vocabulary.`,
      );
    }
    return id;
  };
  for (const [rank, [left, right]] of spec.merges.entries())
    table.add(idOf(left), idOf(right), rank, idOf(left + right));
  return table;
}
