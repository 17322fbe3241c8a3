/**
 * Splitting patterns of published tokenizers, which are written for Oniguruma, as JavaScript patterns that match the same.
 */
import { BagpiperError, messageOf } from '../errors.js';

/** What GPT-2's byte-level pre-tokenizer splits by. */
export const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** What Qwen2 and Qwen3 split by: contractions, words with one leading mark, single digits, runs of marks, white space. */
export const QWEN_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Classes whose meaning differs: `\s` has U+0085 but not U+FEFF, `\d` and `\w` are not limited to ASCII. */
const CLASSES: Record<string, string> = {
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: '[\\p{L}\\p{M}\\p{N}\\p{Pc}]',
  W: '[^\\p{L}\\p{M}\\p{N}\\p{Pc}]',
};

/** Characters outside ASCII that are the same letter to a case-blind match. */
const FOLDED: Record<string, string> = { s: '\u017f', k: '\u212a' };

/**
 * A global, Unicode-aware RegExp that matches what the Oniguruma pattern matches.
 *
 * @param where names the file in errors.
 * @throws BagpiperError for constructs that JavaScript has no equivalent of.
 */
export function compilePattern(pattern: string, where: string): RegExp {
  try {
    return new RegExp(translate(pattern), 'gu');
  } catch (error) {
    throw new BagpiperError(
      `${where}: the split pattern ${JSON.stringify(pattern)} is not supported (${messageOf(error)}).`,
    );
  }
}

/** A pattern that matches exactly one of the given strings, the longest first. */
export function literalPattern(strings: readonly string[]): RegExp {
  const longestFirst = [...strings].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return new RegExp(longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gu');
}

function translate(pattern: string): string {
  const chars = [...pattern];
  let out = '';
  let inClass = false;
  let depth = 0;
  const blind: number[] = []; // group depths at which case does not matter
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i];
    if (char === '\\') {
      const escaped = readEscape(chars, i, inClass);
      out += escaped.text;
      i = escaped.last;
    } else if (!inClass && chars.slice(i, i + 4).join('') === '(?i:') {
      out += '(?:';
      blind.push(++depth);
      i += 3;
    } else {
      if (!inClass && char === '(') depth++;
      if (!inClass && char === ')' && blind.at(-1) === depth--) blind.pop();
      out += inClass ? char : plain(char, blind.length > 0);
      if (char === '[' && inClass) throw new Error('nested character classes');
      if (char === '[') inClass = true;
      if (char === ']') inClass = false;
    }
  }
  return out;
}

function plain(char: string, caseBlind: boolean): string {
  if (char === '.') return '[^\\n]';
  if (!caseBlind) return char;
  if (char === '[') throw new Error('a character class inside (?i:...)');
  const lower = char.toLowerCase();
  const upper = char.toUpperCase();
  return lower === upper ? char : `[${lower}${upper}${FOLDED[lower] ?? ''}]`;
}

function readEscape(chars: readonly string[], at: number, inClass: boolean): { text: string; last: number } {
  const char = chars[at + 1] ?? '';
  if ((char === 'w' || char === 'W') && inClass) throw new Error(`\\${char} inside a character class`);
  const known = CLASSES[char];
  if (known !== undefined) return { text: known, last: at + 1 };
  if (char === 'p' || char === 'P') {
    const close = chars.indexOf('}', at);
    if (chars[at + 2] !== '{' || close < 0) throw new Error(`\\${char} without {...}`);
    return { text: chars.slice(at, close + 1).join(''), last: close };
  }
  if (/[A-Za-z0-9]/.test(char)) {
    if (!/[rntfv]/.test(char)) throw new Error(`the escape \\${char}`);
    return { text: `\\${char}`, last: at + 1 };
  }
  const needed = /[\\^$.*+?()[\]{}|/]/.test(char) || (inClass && char === '-');
  return { text: needed ? `\\${char}` : char, last: at + 1 };
}
