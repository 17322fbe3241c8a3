/** Understanding, step 3: the thinking of five items, and the answer. */
import { ask, structured } from './ask.js';
import type { Questioned } from './questions.js';
import { of, type Rule } from './rules.js';
import { object, text } from './shape.js';
import { plain, quotationsIn, sentenceCount, trimmed, wordsOf } from './text.js';
import { latinOnly, noTags } from './text-rules.js';
import type { Step, Tools } from './types.js';

/** Labels of the items, as published records write them. */
export const THINKING_ITEMS = {
  user_intent: 'User Intent',
  evidence: 'Evidence & Salient Audio Cues',
  inferred_details: 'Inferred Details (Assumptions)',
  answering_plan: 'Answering Plan',
  self_check: 'Self-Check',
} as const;
export type ThinkingItem = keyof typeof THINKING_ITEMS;

export interface Understood extends Questioned {
  thinking: string;
  answer: string;
}

export interface AnswerCase extends Record<ThinkingItem, string> {
  answer: string;
  /** the whole caption text, and the question: what may be quoted */
  caption: string;
  question: string;
}

/** Words of all items together. Published ones have 170 to 280; these limits leave room around them. */
const THINKING_WORDS = [100, 400] as const;

export const ANSWER_RULES: readonly Rule<AnswerCase>[] = [
  {
    name: 'item_missing',
    broken(value) {
      const lacking = itemNames().filter((name) => wordsOf(value[name]).length < 3);
      return lacking.length === 0
        ? null
        : `The thinking lacks ${lacking.join(', ')}; write a sentence or more for each.`;
    },
  },
  {
    name: 'thinking_length',
    broken(value) {
      const count = itemNames().reduce((sum, name) => sum + wordsOf(value[name]).length, 0);
      const [low, high] = THINKING_WORDS;
      return count >= low && count <= high ? null : `The thinking has ${count} words; ${low} to ${high} are accepted.`;
    },
  },
  {
    name: 'answer_sentences',
    broken({ answer }) {
      const count = sentenceCount(answer);
      return count >= 2 && count <= 4 ? null : `The answer has ${count} sentences; 2 to 4 are accepted.`;
    },
  },
  of((value) => `${thinkingText(value)}\n${value.answer}`, noTags('The reply')),
  of((value) => `${thinkingText(value)}\n${value.answer}`, latinOnly('The reply')),
  {
    name: 'quote_unheard',
    broken(value) {
      const heard = loose(`${value.caption}\n${value.question}`);
      const strange = quotationsIn(`${value.evidence}\n${value.answer}`).find((quotation) =>
        quotation.split('...').some((part) => wordsOf(part).length >= 3 && !heard.includes(loose(trimmed(part)))),
      );
      return strange === undefined
        ? null
        : `'${strange}' is quoted, but stands neither in the caption nor in the question.`;
    },
  },
];

function itemNames(): ThinkingItem[] {
  return Object.keys(THINKING_ITEMS) as ThinkingItem[];
}

/** Words alone, for quotations that begin a sentence or leave out a comma. */
function loose(value: string): string {
  return plain(value)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}' ]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The items as published records lay them down: one a line, each after a dash and its label. */
export function thinkingText(items: Readonly<Record<ThinkingItem, string>>): string {
  return itemNames()
    .map((name) => `- ${THINKING_ITEMS[name]}: ${items[name].replace(/\s*\n\s*/g, ' ').trim()}`)
    .join('\n');
}

const ANSWER = object({
  user_intent: text('what is really asked'),
  evidence: text('facts of the caption, with times'),
  inferred_details: text('assumptions, and why they are made'),
  answering_plan: text('the shape of the answer'),
  self_check: text('agreement with the evidence; nothing unheard claimed'),
  answer: text('2 to 4 sentences'),
});

/** T 0.3 and 1,024 tokens, as the thinking of generation. */
export function answersStep(tools: Tools): Step<Questioned, Understood> {
  const shaped = structured('answer', ANSWER);
  return async (input, context) => {
    const { caption, question, known } = input;
    const reply = await ask(
      tools,
      {
        prompt: 'understanding-answer',
        values: { caption, question, known: known ?? '(not known; work it out from the description)' },
        temperature: 0.3,
        maxTokens: 1024,
        schema: shaped.schema,
        read: (text): AnswerCase => ({ ...shaped.read(text), caption, question }),
        rules: ANSWER_RULES,
      },
      context,
    );
    return { ...input, thinking: thinkingText(reply), answer: reply.answer };
  };
}
