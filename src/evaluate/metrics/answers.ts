/** Which of the offered choices an answer names. */

const LETTERS = 'ABCD';

/** Lower case, words and numbers alone: "At about 2.5 seconds." is "at about 2.5 seconds". */
export function plain(text: string): string {
  return (text.toLowerCase().match(/\d+(?:\.\d+)?|[a-z]+(?:'[a-z]+)*/g) ?? []).join(' ');
}

/**
 * The index of the one choice that an answer names, by its words or its letter; null when it names none or several. A
 * choice that occurs only inside a longer choice that is named ("music" in "speech and music") is not named.
 */
export function namedChoice(answer: string, choices: readonly string[]): number | null {
  const named = new Set([...byWords(answer, choices), ...byLetter(answer, choices.length)]);
  return named.size === 1 ? [...named][0] : null;
}

function byWords(answer: string, choices: readonly string[]): number[] {
  let rest = ` ${plain(answer)} `;
  const longestFirst = choices
    .map((choice, index) => ({ index, words: ` ${plain(choice)} ` }))
    .sort((a, b) => b.words.length - a.words.length);
  const found: number[] = [];
  for (const { index, words } of longestFirst) {
    if (words.trim() === '' || !rest.includes(words)) continue;
    found.push(index);
    rest = rest.split(words).join(' | ');
  }
  return found;
}

/** "(B)" anywhere, "B)", "B." or "B:" at the start, "B" alone. "A man" is no letter. */
function byLetter(answer: string, count: number): number[] {
  const text = answer.trim();
  const letters = [...text.matchAll(/\(([A-D])\)/g)].map((match) => match[1]);
  const first = /^([A-D])(?:[.):]|$)/.exec(text)?.[1];
  if (first) letters.push(first);
  return letters.map((letter) => LETTERS.indexOf(letter)).filter((index) => index < count);
}
