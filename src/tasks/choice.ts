/** Which of the offered choices an answer comes to: the one it names, else the one that the model finds likeliest. */
import { BagpiperError } from '../errors.js';
import { letterAt, MOST_CHOICES, namedChoice } from '../text/index.js';
import { cleanText } from './input.js';
import type { Choice } from './types.js';

/** @throws BagpiperError for choices among which nobody could choose */
export function checkChoices(choices: readonly string[]): readonly string[] {
  if (!Array.isArray(choices) || choices.length < 2 || choices.length > MOST_CHOICES) {
    const count = Array.isArray(choices) ? choices.length : 0;
    throw new BagpiperError(`The question has ${count} choices; 2 to ${MOST_CHOICES} texts are accepted.`);
  }
  const clean = choices.map((choice) => cleanText(choice, 'A choice'));
  const told = clean.map((choice) => choice.toLowerCase());
  const twice = clean.find((_, i) => told.indexOf(told[i]) !== i);
  if (twice !== undefined) throw new BagpiperError(`The choice "${twice}" is given twice; give each once.`);
  return clean;
}

/**
 * @param scores natural logarithms of the choices' probabilities as answers; null where nobody can tell
 * @returns null where the answer names none, or several, and there are no scores
 */
export function chosen(answer: string, choices: readonly string[], scores: readonly number[] | null): Choice | null {
  const named = namedChoice(answer, choices);
  const probabilities = scores && softmax(scores);
  const index = named ?? probabilities?.indexOf(Math.max(...probabilities)) ?? null;
  if (index === null) return null;
  return { index, text: choices[index], named: named !== null, ...(probabilities ? { probabilities } : {}) };
}

/** What is to be said of a choice that the answer does not name; null where it does. */
export function choiceWarning(choice: Choice | null): string | null {
  if (choice === null) return 'The answer names none of the choices, or several; say which you take it for.';
  if (choice.named) return null;
  const share = Math.round(100 * (choice.probabilities?.[choice.index] ?? 0));
  return `The answer names none of the choices, or several; the likeliest of them is (${letterAt(choice.index)}) ${choice.text} (${share} %).`;
}

function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}
