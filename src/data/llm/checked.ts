/** Asks for replies that must keep to rules. One that does not is sent back once, with what is wrong; then the record is set aside. */
import { type JsonObject, SetAside, type StageContext } from '../types.js';
import { objectIn, schemaCheck } from './json.js';
import type { ChatClient, ChatMessage, ChatReply, ChatRequest } from './types.js';

/** What is wrong with a reply, a sentence each; none: it will do. */
export type ReplyCheck = (reply: ChatReply) => string[] | Promise<string[]>;

type Context = Pick<StageContext, 'signal' | 'spend'>;

/** Characters of a bad reply that are shown to the model again. */
const MOST_SHOWN = 20_000;

/**
 * Asks, checks, and asks once more where the check finds something. A reply that was cut off at the limit of tokens is found
 * bad by itself.
 *
 * @throws SetAside of kind "malformed"; what the client throws
 */
export async function askChecked(
  client: ChatClient,
  request: ChatRequest,
  check: ReplyCheck,
  { signal, spend }: Context,
): Promise<ChatReply> {
  const problemsOf = async (reply: ChatReply): Promise<string[]> => {
    if (reply.finishReason === 'length') return [cut(request)];
    return check(reply);
  };
  const first = await client.chat(request, signal);
  spend(first.usage);
  const problems = await problemsOf(first);
  if (problems.length === 0) return first;
  const second = await client.chat(repair(request, first, problems), signal);
  spend(second.usage);
  const [left] = await problemsOf(second);
  if (left === undefined) return second;
  throw new SetAside({ kind: 'malformed', message: left });
}

/**
 * Asks for an object that fits the request's schema.
 *
 * @param more rules that a schema cannot tell
 * @throws SetAside of kind "malformed"; what the client throws
 */
export async function askJson<T = JsonObject>(
  client: ChatClient,
  request: ChatRequest & { schema: NonNullable<ChatRequest['schema']> },
  context: Context,
  more: (value: T) => string[] = () => [],
): Promise<{ value: T; reply: ChatReply }> {
  const fits = await schemaCheck(request.schema.schema);
  let value: T | undefined;
  const check: ReplyCheck = ({ text }) => {
    const found = objectIn(text);
    if (!found) return ['It is no JSON object.'];
    const problems = fits(found);
    if (problems.length > 0) return problems;
    value = found as T;
    return more(value);
  };
  const reply = await askChecked(client, request, check, context);
  return { value: value as T, reply };
}

function cut({ maxTokens }: ChatRequest): string {
  const limit = maxTokens === undefined ? 'the longest length' : `${maxTokens} tokens`;
  return `It was cut off at ${limit}; it must be shorter.`;
}

/** The request once more, with the reply and what is wrong with it. */
function repair(request: ChatRequest, { text }: ChatReply, problems: readonly string[]): ChatRequest {
  const list = problems.map((problem) => `- ${problem}`).join('\n');
  const words = `Your answer cannot be used:\n${list}\nGive the whole answer again, put right, and nothing else.`;
  const shown: ChatMessage = {
    role: 'assistant',
    content: text.trim() === '' ? '(nothing)' : text.slice(0, MOST_SHOWN),
  };
  return { ...request, messages: [...request.messages, shown, { role: 'user', content: words }] };
}
