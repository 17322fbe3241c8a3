/** Asks a model for something that has rules. A reply that breaks them is sent back once, with what is wrong named. */
import type { ChatMessage, ChatRequest } from '../llm/types.js';
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
  const messages = tools.prompts.messages(asked.prompt, asked.values);
  const first = await once(tools, asked, messages, context);
  if (first.value !== undefined) return first.value;
  const problems = first.problems.map(({ message }) => `- ${message}`).join('\n');
  const repair = tools.prompts.messages('repair', { problems });
  const second = await once(
    tools,
    asked,
    [...messages, { role: 'assistant', content: first.reply }, ...repair.filter(({ role }) => role === 'user')],
    context,
  );
  if (second.value !== undefined) return second.value;
  throw new SetAside(second.problems[0] as Reason);
}

interface Tried<T> {
  reply: string;
  value?: T;
  problems: Reason[];
}

async function once<T>(
  tools: Tools,
  asked: Asked<T>,
  messages: ChatMessage[],
  context: StepContext,
): Promise<Tried<T>> {
  const { temperature, maxTokens, schema } = asked;
  const answer = await tools.client.chat(
    { messages, temperature, maxTokens, seed: tools.seed, ...(schema && { schema }) },
    context.signal,
  );
  context.spend(answer.usage);
  const reply = answer.text;
  if (answer.finishReason === 'length') {
    const message = `The reply was cut off at ${maxTokens} tokens; it must be shorter.`;
    return { reply, problems: [{ kind: 'reply_cut', message }] };
  }
  let value: T;
  try {
    value = asked.read(reply);
  } catch (error) {
    if (!(error instanceof MalformedReply)) throw error;
    return { reply, problems: [{ kind: 'reply_malformed', message: error.message }] };
  }
  const problems = brokenRules(asked.rules, value);
  return problems.length === 0 ? { reply, value, problems } : { reply, problems };
}
