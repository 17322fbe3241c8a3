/** Generation, step 2: the plan that leads from a request to the caption. */
import { ask } from './ask.js';
import type { LevelRequest } from './requests.js';
import { of, type Rule } from './rules.js';
import { copiedShare, withoutQuotations } from './text.js';
import { latinOnly, noTags } from './text-rules.js';
import type { Step, Tools } from './types.js';

/** The plan's parts, as published records and the recipe's checker name them. */
export const THINKING_PARTS = ['User Intent', 'Inferred Details', 'Audio Quality', 'Generation Plan'] as const;

export interface Thinking extends LevelRequest {
  thinking: string;
}

export interface ThinkingCase {
  thinking: string;
  caption: string;
}

/** The share of eight-word passages that the plan may have in common with the caption. */
const COPIED = 0.2;

export const THINKING_RULES: readonly Rule<ThinkingCase>[] = [
  {
    name: 'thinking_short',
    broken: ({ thinking }) =>
      thinking.trim().length >= 50
        ? null
        : `The thinking has ${thinking.trim().length} characters; at least 50 are needed.`,
  },
  {
    name: 'thinking_parts',
    broken({ thinking }) {
      const lacking = THINKING_PARTS.filter((part) => !thinking.toLowerCase().includes(part.toLowerCase()));
      return lacking.length <= 1
        ? null
        : `The thinking lacks its parts ${lacking.join(', ')}; write all four with their names.`;
    },
  },
  of(({ thinking }) => thinking, noTags('The thinking')),
  of(({ thinking }) => thinking, latinOnly('The thinking')),
  {
    name: 'thinking_copies_caption',
    broken({ thinking, caption }) {
      const share = copiedShare(withoutQuotations(thinking), withoutQuotations(caption), 8);
      return share <= COPIED
        ? null
        : `The thinking copies ${Math.round(100 * share)}% of its passages from the caption; plan it in words of your own.`;
    },
  },
];

/** The plan without tags that a model may put around it, and without code fences. */
export function readThinking(reply: string): string {
  return reply
    .replace(/^\s*```\w*\n|\n```\s*$/g, '')
    .replace(/^\s*<think>\s*|\s*<\/think>\s*$/gi, '')
    .trim();
}

/** T 0.3 and 1,024 tokens, as the recipe. */
export function thinkingStep(tools: Tools): Step<LevelRequest, Thinking> {
  return async (input, context) => {
    const { caption, request, persona } = input;
    const { thinking } = await ask(
      tools,
      {
        prompt: 'generation-thinking',
        values: { caption, request, persona },
        temperature: 0.3,
        maxTokens: 1024,
        read: (reply) => ({ thinking: readThinking(reply), caption }),
        rules: THINKING_RULES,
      },
      context,
    );
    return { ...input, thinking };
  };
}
