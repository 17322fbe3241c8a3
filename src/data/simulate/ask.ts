/** Asks a model for something that has rules. A reply that breaks them is sent back once, with what is wrong named. */
import { askChecked } from '../llm/checked.js';
import type { ChatRequest } from '../llm/types.js';
import { type Reason, SetAside } from '../types.js';
import { brokenRules, type Rule } from './rules.js';
import { MalformedReply, readAs, type Shape } from './shape.js';
import type { StepContext, Tools } from './types.js';

/** What to ask for, and what makes a reply good. */
export interface Asked<T> {
  /** name of the prompt file */
  prompt: string;
  /** what the prompt's names stand for */
  values: Readonly<Record<string, string | number>>;
  temperature: number;
  maxTokens: number;
  /** asks for structured output of this shape */
  schema?: ChatRequest['schema'];
  /** takes the reply apart; throws MalformedReply */
  read: (reply: string) => T;
  rules: readonly Rule<T>[];
}

/** The `schema` and `read` of a structured reply. */
export function structured<T>(name: string, shape: Shape<T>): Pick<Asked<T>, 'schema' | 'read'> {
  return { schema: { name, schema: shape.schema }, read: (reply) => readAs(shape, reply) };
}

/**
 * Asks, reads, checks; asks once more where a reply will not do.
 * @throws SetAside with the first rule that the second reply breaks ("reply_malformed" and "reply_cut" among them); what the
 *   client throws
 */
export async function ask<T>(tools: Tools, asked: Asked<T>, context: StepContext): Promise<T> {
  const { temperature, maxTokens, schema } = asked;
  const messages = tools.prompts.messages(asked.prompt, asked.values);
  let value: T | undefined;
  let problems: Reason[] = [];
  const check = ({ text }: { text: string }): string[] => {
    [value, problems] = judged(asked, text);
    return problems.map(({ message }) => message);
  };
  const request = { messages, temperature, maxTokens, seed: tools.seed, ...(schema && { schema }) };
  try {
    await askChecked(tools.client, request, check, context);
  } catch (error) {
    if (!(error instanceof SetAside)) throw error;
    // A second reply that was cut off is never checked: then the problems kept here are the first one's, or none.
    const [first] = problems;
    if (first?.message === error.reason.message) throw new SetAside(first);
    throw new SetAside({ kind: 'reply_cut', message: error.reason.message });
  }
  return value as T;
}

function judged<T>(asked: Asked<T>, text: string): [T | undefined, Reason[]] {
  try {
    const value = asked.read(text);
    return [value, brokenRules(asked.rules, value)];
  } catch (error) {
    if (!(error instanceof MalformedReply)) throw error;
    return [undefined, [{ kind: 'reply_malformed', message: error.message }]];
  }
}
