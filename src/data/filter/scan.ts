/**
 * Reads a caption once and knows everything that the filters of text ask: runs, words, n-grams, cases, quotations, function
 * words, hashes for near-duplicates. One `Scanner` serves any number of captions and keeps no memory but its tables.
 */
import { mix, tableMask } from './hashing.js';
import { Spellings } from './spellings.js';
import { Tokens } from './tokens.js';

/** What surface rules and the language rule look at. */
export interface Measures {
  /** code points */
  characters: number;
  /** pieces between white space */
  words: number;
  /** first UTF-16 unit of a script that is not let pass, else 0 */
  nonLatin: number;
  /** longest run of one character, and that character */
  charRun: number;
  charRunOf: string;
  /** longest run of one word in any case, and that word */
  wordRun: number;
  wordRunOf: string;
  /** 1 - unique / all 5-grams of words, in their cases; 0 where there are fewer than 5 words */
  ngramRepetition: number;
  /** unique / all words, in lower case; 1 for a text without words */
  uniqueWordRatio: number;
  /** code points a word; 0 for a text without words */
  averageWordLength: number;
  /** upper-case letters / letters; 0 where there is none */
  uppercaseRatio: number;
  /** words outside of quotations, and the share of English function words among them, in all and in the worst window */
  plainWords: number;
  english: number;
  englishWorst: number;
}

const NGRAM = 5;
/** Words of a window of the language rule, and how far windows lie apart. */
export const WINDOW = 60;
const STRIDE = 20;

export class Scanner {
  private readonly tokens = new Tokens();
  private readonly spellings = new Spellings();
  private ngramSlots = new Int32Array(2048);
  private bareWords = new Int32Array(1024);
  private flags = new Uint8Array(1024);

  /** Reads a text. {@link comparable} tells of the same text until the next call. */
  measure(text: string): Measures {
    const found = this.tokens.read(text);
    const words = this.tokens.count;
    this.room(words);
    const different = this.spellings.number(this.tokens);
    const { wordRun, wordRunOf } = this.runs();
    return {
      characters: found.characters,
      words,
      nonLatin: found.nonLatin,
      charRun: found.charRun,
      charRunOf: found.charRunOf < 0 ? '' : String.fromCodePoint(found.charRunOf),
      wordRun,
      wordRunOf,
      ngramRepetition: this.ngrams(),
      uniqueWordRatio: words === 0 ? 1 : different / words,
      averageWordLength: words === 0 ? 0 : (found.characters - found.spaces) / words,
      uppercaseRatio: found.letters === 0 ? 0 : found.uppers / found.letters,
      ...this.language(),
    };
  }

  /** Hashes of the text's words as near-duplicates are compared: lower case, without punctuation; valid until the next call. */
  comparable(): Int32Array {
    const { bareWords } = this;
    const { ids, bares } = this.spellings;
    let n = 0;
    for (let w = 0; w < this.tokens.count; w++) {
      const bare = bares[ids[w]];
      if (bare !== 0) bareWords[n++] = bare;
    }
    return bareWords.subarray(0, n);
  }

  private runs(): { wordRun: number; wordRunOf: string } {
    const { ids, lowers } = this.spellings;
    let [longest, at, run, last] = [0, 0, 0, -1];
    for (let w = 0; w < this.tokens.count; w++) {
      const word = lowers[ids[w]];
      run = word === last ? run + 1 : 1;
      last = word;
      if (run > longest) {
        longest = run;
        at = w;
      }
    }
    return { wordRun: longest, wordRunOf: longest > 1 ? this.tokens.word(at) : '' };
  }

  private ngrams(): number {
    const { ngramSlots: slots } = this;
    const { ids } = this.spellings;
    const total = this.tokens.count - NGRAM + 1;
    if (total < 1) return 0;
    const mask = tableMask(total);
    slots.fill(0, 0, mask + 1);
    let unique = 0;
    for (let n = 0; n < total; n++) {
      let hash = 0;
      for (let k = 0; k < NGRAM; k++) hash = Math.imul(hash, 0x2545f491) + ids[n + k];
      let slot = mix(hash) & mask;
      while (slots[slot] !== 0 && !sameNgram(ids, slots[slot] - 1, n)) slot = (slot + 1) & mask;
      if (slots[slot] !== 0) continue;
      slots[slot] = n + 1;
      unique++;
    }
    return 1 - unique / total;
  }

  /** The share of function words outside of quotations, whose words may be of any language. */
  private language(): { plainWords: number; english: number; englishWorst: number } {
    const { flags } = this;
    const { ids, functional, bares } = this.spellings;
    const { quoted, count } = this.tokens;
    let [plain, all] = [0, 0];
    for (let w = 0; w < count; w++) {
      if (quoted[w] === 1 || bares[ids[w]] === 0) continue;
      const is = functional[ids[w]];
      flags[plain++] = is;
      all += is;
    }
    const english = plain === 0 ? 0 : all / plain;
    let [worst, inWindow] = [english, 0];
    for (let i = 0; i < plain; i++) {
      inWindow += flags[i];
      if (i >= WINDOW) inWindow -= flags[i - WINDOW];
      const whole = i >= WINDOW - 1 && ((i - WINDOW + 1) % STRIDE === 0 || i === plain - 1);
      if (whole && inWindow / WINDOW < worst) worst = inWindow / WINDOW;
    }
    return { plainWords: plain, english, englishWorst: worst };
  }

  private room(words: number): void {
    if (words <= this.flags.length) return;
    const size = 2 ** Math.ceil(Math.log2(words));
    this.flags = new Uint8Array(size);
    this.bareWords = new Int32Array(size);
    this.ngramSlots = new Int32Array(2 * size);
  }
}

function sameNgram(ids: Int32Array, a: number, b: number): boolean {
  for (let k = 0; k < NGRAM; k++) if (ids[a + k] !== ids[b + k]) return false;
  return true;
}
