/** TTS variant, step 3: the plan in three parts that leads from a request to the caption. */
import { ask } from './ask.js';
import { of, type Rule } from './rules.js';
import { bareWords } from './text.js';
import { latinOnly, noJargon, noTags } from './text-rules.js';
import { readThinking } from './thinking.js';
import { GROUP_RULES, type Group, INFERRED } from './tts-groups.js';
import type { SpeechRequested } from './tts-requests.js';
import type { Step, Tools } from './types.js';

export interface Spoken extends SpeechRequested {
  thinking: string;
}

export interface PlanCase {
  group: Group;
  thinking: string;
  words: readonly string[];
}

const WHAT = 'The plan';

const COMMON: readonly Rule<PlanCase>[] = [
  {
    name: 'plan_short',
    broken({ group, thinking }) {
      const least = GROUP_RULES[group].planCharacters;
      return thinking.length >= least
        ? null
        : `${WHAT} has ${thinking.length} characters; at least ${least} are needed.`;
    },
  },
  {
    name: 'plan_parts',
    broken({ group, thinking }) {
      const { planParts } = GROUP_RULES[group];
      const lacking = partLabels(group).filter((label) => !thinking.toLowerCase().includes(label.toLowerCase()));
      return 3 - lacking.length >= planParts
        ? null
        : `${WHAT} lacks "${lacking.join('", "')}"; write all three parts with these labels.`;
    },
  },
  of(({ thinking }) => thinking, latinOnly(WHAT)),
  of(({ thinking }) => thinking, noTags(WHAT)),
];

const OF_GROUP: Readonly<Partial<Record<Group, readonly Rule<PlanCase>[]>>> = {
  'multi-talker': [of(({ thinking }) => thinking, noJargon(WHAT))],
  'intent-to-speech': [
    {
      name: 'inferred_missing',
      broken: ({ thinking }) =>
        inferredIn(thinking) !== undefined ? null : `${WHAT} needs a line that begins "${INFERRED}".`,
    },
    {
      name: 'inferred_changed',
      broken({ thinking, words }) {
        const inferred = inferredIn(thinking);
        if (inferred === undefined) return null;
        const same = bareWords(inferred).join(' ') === bareWords(words.join(' ')).join(' ');
        return same ? null : `The inferred text must be exactly the words that are spoken: ${words.join(' ')}`;
      },
    },
  ],
};

export function planRules(group: Group): readonly Rule<PlanCase>[] {
  return [...COMMON, ...(OF_GROUP[group] ?? [])];
}

/** "Part A - Intent Understanding" and so on. */
export function partLabels(group: Group): string[] {
  return GROUP_RULES[group].parts.map((name, at) => `Part ${'ABC'[at]} - ${name}`);
}

function inferredIn(thinking: string): string | undefined {
  const line = thinking.split('\n').find((one) => one.trim().toLowerCase().startsWith(INFERRED.toLowerCase()));
  return line?.trim().slice(INFERRED.length).trim();
}

/** Plain text: without marks of Markdown, which models like to set around labels. */
function unmarked(reply: string): string {
  return readThinking(reply)
    .replace(/^#{1,6}\s+/gm, '')
    .replace(/\*\*|__|`/g, '')
    .replace(/^(\s*)[-*]\s+/gm, '$1');
}

/** T 0.3, 1,024 tokens (2,048 for several speakers), as the recipe. */
export function planStep(tools: Tools): Step<SpeechRequested, Spoken> {
  return async (input, context) => {
    const { group, words, caption, request } = input;
    const labels = partLabels(group);
    const { thinking } = await ask<PlanCase>(
      tools,
      {
        prompt: 'tts-plan',
        values: {
          caption,
          request,
          labels: labels.map((label) => `${label}:`).join('\n'),
          extra:
            group === 'intent-to-speech'
              ? `In part B, work out what is said and write it on a line of its own that begins "${INFERRED}". It must be exactly: ${words.join(' ')}`
              : 'Words to be spoken or sung are repeated exactly, if at all.',
        },
        temperature: 0.3,
        maxTokens: GROUP_RULES[group].planTokens,
        read: (reply) => ({ group, words, thinking: unmarked(reply) }),
        rules: planRules(group),
      },
      context,
    );
    return { ...input, thinking };
  };
}
