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

/** Whether a choice is heard, after its words and a colon. */
export const HEARD = 'heard';
export const MISSING = 'missing';

/** Characters of the thinking that decide. */
export interface Decision {
  from: number;
  to: number;
  /** `copied`: one word of what was said before, after which all follows; `choice`: a choice that is found by ear */
  what: 'copied' | 'choice';
}

const COPIED = new RegExp(`(?<=${LOOKED_FOR} |${FIRST_LOOKED_FOR} )[^ .]+|(?<=: )(?:${HEARD}|${MISSING})(?=[;.])`, 'g');

/** A choice as thinking names it: within a sentence, without a mark of its own. */
export const withoutMark = (choice: string): string => choice.replace(/[.?!]$/, '');

/** Decisions of a question's thinking, in their order; none where it only retells. */
export function decisions({ thinking, choices, answer }: Question): Decision[] {
  const copied = [...thinking.matchAll(COPIED)].map(({ index, 0: word }): Decision => {
    return { from: index, to: index + word.length, what: 'copied' };
  });
  if (copied.length > 0 || !choices) return copied;
  const choice = withoutMark(answer);
  const from = thinking.lastIndexOf(choice);
  return from < 0 ? [] : [{ from, to: from + choice.length, what: 'choice' }];
}
