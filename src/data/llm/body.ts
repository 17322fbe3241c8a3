/** What is sent for a request: the body of `POST /chat/completions`, in pieces, and how structure is asked for. */
import { Failure } from '../../endpoints/index.js';
import type { ChatMessage, ChatPart, ChatRequest } from './types.js';

/** Ways of asking for JSON, the best first: by a schema, as any JSON, by words alone. */
export type Structure = 'json_schema' | 'json_object' | 'none';

/** What an endpoint turned out to understand. */
export interface Dialect {
  /** by name of schema: a server can know schemas in general and fail at one */
  structures: Map<string, Structure>;
  /** newer models of OpenAI know the limit of tokens under another name only */
  limitName: LimitName;
}

type LimitName = 'max_tokens' | 'max_completion_tokens';

/** How one request is put into words. */
export interface Manner {
  structure: Structure;
  limitName: LimitName;
}

export function newDialect(): Dialect {
  return { structures: new Map(), limitName: 'max_tokens' };
}

/** Whether sounds are read only when the request goes out. */
export function holdsSounds({ messages }: ChatRequest): boolean {
  const isLate = (part: ChatPart): boolean =>
    part.type === 'input_audio' && typeof part.input_audio.data === 'function';
  return messages.some(({ content }) => typeof content !== 'string' && content.some(isLate));
}

/** @returns the texts that make up the body's JSON, sounds on their own */
export async function bodyOf(model: string, request: ChatRequest, { structure, limitName }: Manner): Promise<string[]> {
  const { temperature, maxTokens, seed, schema } = request;
  const plain = schema && structure !== 'json_schema';
  const messages = plain ? withSchema(request.messages, schema.schema) : request.messages;
  const sounds: (string | (() => string | Promise<string>))[] = [];
  const body = {
    model,
    messages: messages.map(({ role, content }) => ({ role, content: marked(content, sounds) })),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { [limitName]: maxTokens }),
    ...(seed === undefined ? {} : { seed }),
    ...formatOf(request, structure),
  };
  // Quotes inside of texts are written with a backslash, so this is found where a whole text is the mark.
  const texts = JSON.stringify(body).split(`"${MARK}"`);
  const pieces = [texts[0]];
  for (const [i, sound] of sounds.entries()) {
    pieces.push('"', typeof sound === 'string' ? sound : await sound(), `"${texts[i + 1]}`);
  }
  return pieces;
}

/** Stands for a sound until its text is put in: JSON.stringify would copy sounds of megabytes. */
const MARK = 'bagpiper:sound:f3a1c0de';

function marked(content: ChatMessage['content'], sounds: unknown[]): string | object[] {
  if (typeof content === 'string') return content;
  return content.map((part) => {
    if (part.type === 'text') return part;
    const { data, format } = part.input_audio;
    sounds.push(data);
    return { type: 'input_audio', input_audio: { data: MARK, format } };
  });
}

export function mannerOf({ schema }: ChatRequest, { structures, limitName }: Dialect): Manner {
  return { structure: schema ? (structures.get(schema.name) ?? 'json_schema') : 'none', limitName };
}

function formatOf({ schema }: ChatRequest, structure: Structure): object {
  if (!schema || structure === 'none') return {};
  if (structure === 'json_object') return { response_format: { type: 'json_object' } };
  return { response_format: { type: 'json_schema', json_schema: { name: schema.name, schema: schema.schema } } };
}

/** Where the server is not told the schema the model is, at the end of the last message. */
function withSchema(messages: readonly ChatMessage[], schema: object): ChatMessage[] {
  const words = `Answer with one JSON object and nothing else. It must fit this JSON schema:\n${JSON.stringify(schema)}`;
  const [last, ...before] = [...messages].reverse();
  const { role, content } = last;
  const more: ChatPart = { type: 'text', text: words };
  const longer = typeof content === 'string' ? `${content}\n\n${words}` : [...content, more];
  return [...before.reverse(), { role, content: longer }];
}

/**
 * Learns from a refusal.
 *
 * @param used how the refused request was put: another one may have learnt the same meanwhile
 * @returns whether the request is worth another try in the dialect as it is now
 */
export function adapt(dialect: Dialect, { schema }: ChatRequest, used: Manner, failure: unknown): boolean {
  if (!(failure instanceof Failure)) return false;
  const { status, words = '' } = failure.details;
  if (status !== 400 && status !== 422 && status !== 501) return false;
  if (used.limitName === 'max_tokens' && words.includes('max_completion_tokens')) {
    dialect.limitName = 'max_completion_tokens';
    return true;
  }
  if (!schema || used.structure === 'none') return false;
  if (words !== '' && !/response.?format|json|schema|structured|grammar|guided/i.test(words)) return false;
  const known = dialect.structures.get(schema.name) ?? 'json_schema';
  if (known === used.structure) {
    dialect.structures.set(schema.name, known === 'json_schema' ? 'json_object' : 'none');
  }
  return true;
}
