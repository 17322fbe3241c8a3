/** Questions with choices: how the choices are listed behind a question, and which of them an answer names. */

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** As many choices as there are letters. */
export const MOST_CHOICES = LETTERS.length;

/** The letter of the choice at a place, from 0 on. */
export const letterAt = (index: number): string => LETTERS[index];

/** The letter of a choice. */
export const letterOf = (choices: readonly string[], choice: string): string => letterAt(choices.indexOf(choice));

/** A choice with its letter, as questions list it: "(B) a siren". */
export const lettered = (choices: readonly string[], choice: string): string =>
  `(${letterOf(choices, choice)}) ${choice}`;

/** All choices as they stand behind a question. */
export const listChoices = (choices: readonly string[]): string =>
  choices.map((choice) => lettered(choices, choice)).join(' ');

/** Lower case, words and numbers alone: "At about 2.5 seconds." is "at about 2.5 seconds". */
export function plain(text: string): string {
  return (text.toLowerCase().match(/\d+(?:\.\d+)?|[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*/gu) ?? []).join(' ');
}

/**
 * The index of the one choice that an answer names, by its words or its letter; null when it names none or several. A
 * choice that occurs only inside a longer choice that is named ("music" in "speech and music") is not named.
 */
export function namedChoice(answer: string, choices: readonly string[]): number | null {
  const whole = choices.indexOf(answer.trim());
  if (whole >= 0) return whole;
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
  const letters = [...text.matchAll(/\(([A-Z])\)/g)].map((match) => match[1]);
  const first = /^([A-Z])(?:[.):]|$)/.exec(text)?.[1];
  if (first) letters.push(first);
  return letters.map((letter) => LETTERS.indexOf(letter)).filter((index) => index < count);
}
