/** Text in a terminal's columns. */

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that a text takes: two for East Asian characters and emoji, none for marks upon others. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}

/** A text in so many columns; a longer one ends in "…". */
export function fit(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let taken = 0;
  let fitting = '';
  for (const character of text) {
    taken += columnsOf(character);
    if (taken > columns - 1) break;
    fitting += character;
  }
  return columns < 1 ? '' : `${fitting}…`;
}

/** A text in lines of so many columns, broken between words where there are some; at most `most` lines. */
export function wrap(text: string, columns: number, most: number): string[] {
  const lines: string[] = [];
  const words = text.split(/\s+/).filter(Boolean);
  while (words.length > 0) {
    if (lines.length === most - 1) return [...lines, fit(words.join(' '), columns)];
    let line = words.shift() as string;
    while (words.length > 0 && columnsOf(`${line} ${words[0]}`) <= columns) line += ` ${words.shift()}`;
    lines.push(fit(line, columns));
  }
  return lines;
}
