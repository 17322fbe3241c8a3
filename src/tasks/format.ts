/**
 * How the assistant's text is put together, in the forms that the published model was trained on. `parse.ts` takes it
 * apart again.
 */

/** The parts of an answer about a sound. */
export interface Understanding {
  caption: string;
  thinking: string;
  answer: string;
}

/** The parts of the text before a rendered sound. */
export interface Generation {
  thinking: string;
  caption: string;
}

const think = (thinking: string): string => `<think>\n${thinking}\n</think>`;

/** Caption, then thinking, then answer. */
export function understandingText({ caption, thinking, answer }: Understanding): string {
  return `${caption}\n\n${think(thinking)}\n\n${answer}`;
}

/** Thinking, then caption. */
export function generationText({ thinking, caption }: Generation): string {
  return `${think(thinking)}\n\n${caption}`;
}
