/**
 * Where a question's thinking decides its answer. The rest of the thinking is form that a model soon says by heart; these few
 * words are what it has to find out, so training weighs them.
 */
import type { Question } from '../scene.js';

/** What stands before the sound that was asked for, or before {@link NONE}. */
export const LOOKED_FOR = 'Asked for and heard:';

/** What stands before the first of several sounds that were asked for. */
export const FIRST_LOOKED_FOR = 'Asked for and heard first:';

/** What stands for a sound that is not heard. */
export const NONE = 'none';

/** What stands in brackets, in place of a choice's letter, behind a sound that is no choice. */
export const NO_CHOICE = '-';

/** What stands before the letter of the choice that is not heard. */
export const NOT_HEARD = 'Not heard:';

/** Characters of the thinking that decide. */
export interface Decision {
  from: number;
  to: number;
  /**
   * `copied`: one word of what was said before, after which all follows; `choice`: a choice that is found by ear; `found`: what the
   * caption says of what was asked for
   */
  what: 'copied' | 'choice' | 'found';
}

const COPIED = new RegExp(
  `(?<=${LOOKED_FOR} |${FIRST_LOOKED_FOR} )[^ .]+|(?<= \\()(?:[A-D]|${NO_CHOICE})(?=\\)(?:[,.]| and))|(?<=${NOT_HEARD} \\()[A-D]`,
  'g',
);

/** A choice as thinking names it: within a sentence, without a mark of its own. */
export const withoutMark = (choice: string): string => choice.replace(/[.?!]$/, '');

/** Decisions of a question's thinking, in their order; none where it only says again what is asked or what somebody says. */
export function decisions({ kind, thinking, choices, answer }: Question): Decision[] {
  const copied = [...thinking.matchAll(COPIED)].map(({ index, 0: word }): Decision => {
    return { from: index, to: index + word.length, what: 'copied' };
  });
  if (copied.length > 0 || (kind === 'transcript' && !choices)) return copied;
  const words = withoutMark(answer);
  // An answer begins with a capital letter, the same words in thinking seldom do.
  const from = choices ? thinking.lastIndexOf(words) : thinking.toLowerCase().indexOf(words.toLowerCase());
  return from < 0 ? [] : [{ from, to: from + words.length, what: choices ? 'choice' : 'found' }];
}
