/** A walk over a text: its words between white space, and what is counted a character at a time. */
import { characterTables, LETTER, NON_LATIN, QUOTE, SPACE, SURROGATE, UPPER, WORD } from './characters.js';
import { FNV } from './hashing.js';

export interface Counts {
  /** code points */
  characters: number;
  spaces: number;
  letters: number;
  uppers: number;
  /** first UTF-16 unit of a script that is not let pass, else 0 */
  nonLatin: number;
  /** longest run of one character, and its code point, -1 for an empty text */
  charRun: number;
  charRunOf: number;
}

/** Flags of a small letter. */
export const PLAIN = LETTER | WORD;
const OTHER = 128;

/** The words of the text that was read last. Arrays are longer than `count`, and kept for the next text. */
export class Tokens {
  text = '';
  /** its UTF-16 units; [text.length] */
  units = new Uint16Array(0);
  count = 0;
  /** where each word begins and ends in `text`, and the FNV-1a hash of its characters; [count] */
  starts = new Int32Array(0);
  ends = new Int32Array(0);
  hashes = new Int32Array(0);
  /** PLAIN for words of small letters alone, else more flags; [count] */
  flags = new Uint8Array(0);
  /** whether it begins within double quotation marks; [count] */
  quoted = new Uint8Array(0);
  private bytes = Buffer.alloc(0);
  private readonly kinds = characterTables().kinds;

  read(text: string): Counts {
    this.text = text;
    this.room(text.length);
    // One copy into an array is cheaper than a call a character.
    this.bytes.write(text, 0, 'utf16le');
    const { units, kinds, starts, ends, hashes, flags, quoted } = this;
    const { length } = text;
    let [pairs, spaces, letters, uppers, nonLatin] = [0, 0, 0, 0, 0];
    let [charRun, charRunOf, run, last] = [length > 0 ? 1 : 0, text.codePointAt(0) ?? -1, 1, -1];
    let [words, start, hash, union] = [0, -1, 0, 0];
    let quoting = false;
    for (let i = 0; i < length; i++) {
      let c = units[i];
      let kind = kinds[c];
      if (start < 0 && (kind & SPACE) === 0) {
        start = i;
        hash = FNV;
        union = PLAIN;
        quoted[words] = quoting || c === 0x201c || (c === 0x22 && !quoting) ? 1 : 0;
      }
      if (kind === PLAIN) {
        // Four of five characters are small letters: nothing but their hash and their runs is looked at. Runs are counted here
        // and below, as one place for both takes a sixth longer.
        const from = i;
        do {
          hash = Math.imul(hash ^ c, 0x01000193);
          if (c !== last) {
            run = 1;
            last = c;
          } else if (++run > charRun) {
            charRun = run;
            charRunOf = c;
          }
          c = units[++i];
        } while (i < length && kinds[c] === PLAIN);
        letters += i - from;
        i--;
        continue;
      }
      if (kind === SURROGATE) {
        c = text.codePointAt(i)!;
        kind = kindOf(c);
        if (c > 0xffff) {
          pairs++;
          i++;
        }
      }
      const before = last;
      if (c !== last) {
        run = 1;
        last = c;
      } else if (++run > charRun) {
        charRun = run;
        charRunOf = c;
      }
      if ((kind & (NON_LATIN | QUOTE)) !== 0) {
        if ((kind & NON_LATIN) !== 0) nonLatin ||= c;
        else quoting = c === 0x22 ? !quoting : c === 0x201c;
      }
      if ((kind & SPACE) !== 0) {
        spaces++;
        // A quotation ends with its paragraph at the latest, whatever signs were forgotten.
        if (c === 10 && before === 10) quoting = false;
        if (start >= 0) {
          starts[words] = start;
          hashes[words] = hash;
          flags[words] = union;
          ends[words++] = i;
          start = -1;
        }
        continue;
      }
      hash = Math.imul(hash ^ c, 0x01000193);
      union |= kind | OTHER;
      if ((kind & LETTER) !== 0) letters++;
      if ((kind & UPPER) !== 0) uppers++;
    }
    if (start >= 0) {
      starts[words] = start;
      hashes[words] = hash;
      flags[words] = union;
      ends[words++] = length;
    }
    this.count = words;
    return { characters: length - pairs, spaces, letters, uppers, nonLatin, charRun, charRunOf };
  }

  word(w: number): string {
    return this.text.slice(this.starts[w], this.ends[w]);
  }

  private room(length: number): void {
    if (length <= this.units.length) return;
    const size = 2 ** Math.ceil(Math.log2(length));
    this.units = new Uint16Array(size);
    this.bytes = Buffer.from(this.units.buffer);
    const words = size / 2 + 1;
    this.starts = new Int32Array(words);
    this.ends = new Int32Array(words);
    this.hashes = new Int32Array(words);
    this.flags = new Uint8Array(words);
    this.quoted = new Uint8Array(words);
  }
}

function kindOf(point: number): number {
  const character = String.fromCodePoint(point);
  if (!/\p{L}/u.test(character)) return 0;
  return /\p{Lu}/u.test(character) ? LETTER | UPPER : LETTER;
}
