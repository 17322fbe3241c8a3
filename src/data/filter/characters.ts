/** What each character is to the filters: tables over the 65,536 UTF-16 units, filled when they are first needed. */

export const SPACE = 1;
/** Of a script that the official workflow does not let pass. */
export const NON_LATIN = 2;
export const LETTER = 4;
export const UPPER = 8;
/** Belongs to a word when texts are compared: letters, digits, apostrophes. */
export const WORD = 16;
/** Half of a character beyond the 65,536. */
export const SURROGATE = 32;
/** Opens, closes, or does either to a quotation. */
export const QUOTE = 64;

/** What Python's `str.split` splits at, which the official numbers were made with. */
const SPACES = '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000';

/** First and last character of each range that makes a caption fail as `non_latin`. Source: ESPnet recipe bagpiper/speechlm1. */
export const NON_LATIN_RANGES: readonly (readonly [number, number, string])[] = [
  [0x0400, 0x052f, 'Cyrillic'],
  [0x0590, 0x05ff, 'Hebrew'],
  [0x0600, 0x06ff, 'Arabic'],
  [0x0750, 0x077f, 'Arabic'],
  [0x0900, 0x097f, 'Devanagari'],
  [0x0980, 0x09ff, 'Bengali'],
  [0x0e00, 0x0e7f, 'Thai'],
  [0x1100, 0x11ff, 'Hangul'],
  [0x3000, 0x30ff, 'CJK punctuation or kana'],
  [0x3100, 0x312f, 'Bopomofo'],
  [0x3130, 0x318f, 'Hangul'],
  [0x4e00, 0x9fff, 'Han'],
  [0xac00, 0xd7af, 'Hangul'],
  [0xf900, 0xfaff, 'Han'],
  [0xff00, 0xffef, 'full-width'],
];

export interface CharacterTables {
  /** the flags above; [65536] */
  kinds: Uint8Array;
  /** the unit's lower case where that is one unit; [65536] */
  lower: Uint16Array;
}

let tables: CharacterTables | undefined;

export function characterTables(): CharacterTables {
  tables ??= fill();
  return tables;
}

function fill(): CharacterTables {
  const kinds = new Uint8Array(65536);
  const lower = new Uint16Array(65536);
  const letter = /\p{L}/u;
  const upper = /\p{Lu}/u;
  const word = /[\p{L}\p{N}\p{M}]/u;
  for (let c = 0; c < 65536; c++) {
    lower[c] = c;
    if (c >= 0xd800 && c <= 0xdfff) {
      kinds[c] = SURROGATE;
      continue;
    }
    const text = String.fromCharCode(c);
    if (word.test(text)) kinds[c] |= WORD;
    if (!letter.test(text)) continue;
    kinds[c] |= upper.test(text) ? LETTER | UPPER : LETTER;
    const low = text.toLowerCase();
    if (low.length === 1) lower[c] = low.charCodeAt(0);
  }
  for (const c of "'\u2019") kinds[c.charCodeAt(0)] |= WORD;
  for (const c of '"\u201c\u201d') kinds[c.charCodeAt(0)] |= QUOTE;
  for (const c of SPACES) kinds[c.charCodeAt(0)] |= SPACE;
  for (let c = 0x2000; c <= 0x200a; c++) kinds[c] |= SPACE;
  for (const [first, last] of NON_LATIN_RANGES) for (let c = first; c <= last; c++) kinds[c] |= NON_LATIN;
  return { kinds, lower };
}

/** The name of the script that fails a caption, or undefined. */
export function nonLatinScript(unit: number): string | undefined {
  return NON_LATIN_RANGES.find(([first, last]) => unit >= first && unit <= last)?.[2];
}
