/**
 * Trains a byte-level BPE tokenizer: the most frequent adjacent pair becomes a token, again and again. Same texts and
 * options give the same tokenizer; ties go to the pair of smaller ids, as in Hugging Face's trainer.
 */
import { BagpiperError } from '../errors.js';
import { BYTE_CHARS } from './byte-alphabet.js';
import { QWEN_PATTERN } from './pattern.js';
import { parseTokenizerJson } from './tokenizer-json.js';

/** What kind of tokenizer to train. */
export interface TrainBpeOptions {
  /** Tokens in all: control tokens, the 256 bytes, and merges. Fewer come out where the texts run out of pairs. */
  vocabSize: number;
  /** Control tokens; they take the ids from 0 on. */
  specials?: readonly string[];
  /** Pairs seen less often are not merged; 2 unless given. */
  minCount?: number;
  /** How text is split before merging (Oniguruma syntax); Qwen's pattern unless given. */
  pattern?: string;
}

/** A `tokenizer.json` in Hugging Face's format, ready to be written or given to `Tokenizer.fromJson`. */
export interface TokenizerJson {
  version: string;
  truncation: null;
  padding: null;
  added_tokens: object[];
  normalizer: object;
  pre_tokenizer: object;
  post_processor: null;
  decoder: object;
  model: { type: 'BPE'; vocab: Record<string, number>; merges: [string, string][]; [field: string]: unknown };
}

/**
 * Trains a tokenizer on texts.
 *
 * @throws BagpiperError where `vocabSize` has no room for the control tokens and the 256 bytes.
 */
export function trainBpe(texts: Iterable<string>, options: TrainBpeOptions): TokenizerJson {
  const { vocabSize, specials = [], minCount = 2, pattern = QWEN_PATTERN } = options;
  const base = specials.length + 256;
  if (!Number.isInteger(vocabSize) || vocabSize < base) {
    throw new BagpiperError(
      `A vocabulary of ${vocabSize} is too small: ${specials.length} control tokens and 256 bytes need ${base}.`,
    );
  }
  // Bytes in the order of their characters, as the reference trainer numbers them.
  const byteOrder = BYTE_CHARS.map((_, byte) => byte).sort((a, b) => (BYTE_CHARS[a] < BYTE_CHARS[b] ? -1 : 1));
  const tokens = [...specials, ...byteOrder.map((byte) => BYTE_CHARS[byte])];
  if (new Set(tokens).size !== tokens.length)
    throw new BagpiperError('A control token is given twice or is a single byte.');
  const json = emptyTokenizer(specials, pattern, Object.fromEntries(tokens.map((token, id) => [token, id])));
  const byteId = new Int32Array(256);
  for (const [rank, byte] of byteOrder.entries()) byteId[byte] = specials.length + rank;
  const merger = new PairMerger(countWords(texts, json, byteId), minCount);
  const { vocab, merges } = json.model;
  while (tokens.length < vocabSize) {
    const best = merger.best();
    if (best === null) break;
    const [left, right] = [tokens[best.left], tokens[best.right]];
    const known = vocab[left + right];
    const merged = known ?? tokens.push(left + right) - 1;
    vocab[left + right] = merged;
    merges.push([left, right]);
    merger.merge(best, merged);
  }
  return json;
}

/** A piece of text as symbol ids, and how often it occurs. */
interface Word {
  symbols: number[];
  count: number;
}

interface Pair {
  left: number;
  right: number;
}

function countWords(texts: Iterable<string>, json: TokenizerJson, byteId: Int32Array): Word[] {
  const { normalize, splits } = parseTokenizerJson(json, 'The tokenizer to train');
  const counts = new Map<string, number>();
  for (const text of texts) {
    let pieces = [normalize(text)];
    for (const split of splits) pieces = pieces.flatMap((piece) => split(piece));
    for (const piece of pieces) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  const encoder = new TextEncoder();
  return [...counts].map(([piece, count]) => ({
    symbols: Array.from(encoder.encode(piece), (byte) => byteId[byte]),
    count,
  }));
}

function emptyTokenizer(specials: readonly string[], pattern: string, vocab: Record<string, number>): TokenizerJson {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({ id, content, ...flags })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: [],
    },
  };
}

/** Ids are below this, so a pair fits one number. */
const STRIDE = 2 ** 24;

interface PairStats extends Pair {
  count: number;
  /** Words that hold the pair, or held it once. */
  words: Set<number>;
}

/** Keeps the counts of all pairs up to date while pairs are merged; a heap finds the most frequent one. */
class PairMerger {
  private readonly stats = new Map<number, PairStats>();
  /** Candidates with the count they had when pushed; outdated ones are put right when they come up. */
  private readonly heap: { count: number; pair: PairStats }[] = [];

  constructor(
    private readonly words: readonly Word[],
    private readonly minCount: number,
  ) {
    for (const [index, word] of words.entries()) {
      for (let i = 0; i + 1 < word.symbols.length; i++)
        this.change(word.symbols[i], word.symbols[i + 1], word.count, index);
    }
    for (const pair of this.stats.values()) this.push(pair);
  }

  /** The most frequent pair, or null where none is frequent enough. */
  best(): Pair | null {
    for (let top = this.pop(); top !== undefined; top = this.pop()) {
      if (top.pair.count >= Math.max(1, this.minCount)) {
        if (top.count === top.pair.count) return top.pair;
        this.push(top.pair);
      }
    }
    return null;
  }

  /** Replaces the pair by one symbol in every word. */
  merge({ left, right }: Pair, merged: number): void {
    const pair = this.stats.get(left * STRIDE + right)!;
    const grown = new Set<PairStats>();
    for (const index of pair.words) {
      const { symbols, count } = this.words[index];
      let kept = 0;
      for (let i = 0; i < symbols.length; i++) {
        if (symbols[i] !== left || symbols[i + 1] !== right || i + 1 >= symbols.length) {
          symbols[kept++] = symbols[i];
          continue;
        }
        if (kept > 0) {
          this.change(symbols[kept - 1], left, -count, index);
          grown.add(this.change(symbols[kept - 1], merged, count, index));
        }
        if (i + 2 < symbols.length) {
          this.change(right, symbols[i + 2], -count, index);
          grown.add(this.change(merged, symbols[i + 2], count, index));
        }
        symbols[kept++] = merged;
        i++;
      }
      symbols.length = kept;
    }
    pair.count = 0;
    pair.words.clear();
    for (const entry of grown) if (entry.count > 0) this.push(entry);
  }

  private change(left: number, right: number, by: number, word: number): PairStats {
    const key = left * STRIDE + right;
    let entry = this.stats.get(key);
    if (entry === undefined) {
      entry = { left, right, count: 0, words: new Set() };
      this.stats.set(key, entry);
    }
    entry.count += by;
    if (by > 0) entry.words.add(word);
    return entry;
  }

  private push(pair: PairStats): void {
    const item = { count: pair.count, pair };
    let at = this.heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, this.heap[parent])) break;
      this.heap[at] = this.heap[parent];
      at = parent;
    }
    this.heap[at] = item;
  }

  private pop(): { count: number; pair: PairStats } | undefined {
    const top = this.heap[0];
    const item = this.heap.pop();
    if (item === undefined || this.heap.length === 0) return top;
    let at = 0;
    for (let child = 1; child < this.heap.length; child = 2 * at + 1) {
      if (child + 1 < this.heap.length && before(this.heap[child + 1], this.heap[child])) child++;
      if (!before(this.heap[child], item)) break;
      this.heap[at] = this.heap[child];
      at = child;
    }
    this.heap[at] = item;
    return top;
  }
}

/** Whether a comes before b: more frequent, or of smaller ids. */
function before(a: { count: number; pair: Pair }, b: { count: number; pair: Pair }): boolean {
  if (a.count !== b.count) return a.count > b.count;
  if (a.pair.left !== b.pair.left) return a.pair.left < b.pair.left;
  return a.pair.right < b.pair.right;
}
