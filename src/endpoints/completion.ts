/** Chat completions as OpenAI-compatible servers answer them: JSON taken apart and checked. */
import { isObject } from '../json.js';
import { type Failure, fault, mistake, statusFailure } from './failure.js';
import type { HttpAnswer } from './http.js';

/** What the model said, whole or a piece of it. */
interface Said {
  content?: unknown;
  audio?: { data?: unknown; transcript?: unknown } | null;
}

/** The fields that are read of a completion or of a piece of one. */
export interface Completion {
  choices?: { message?: Said; delta?: Said; finish_reason?: string | null }[];
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null;
  error?: unknown;
  object?: string;
  code?: unknown;
}

/** All of an answer's text. */
export async function wholeText({ text }: HttpAnswer): Promise<string> {
  let all = '';
  for await (const piece of text) all += piece;
  return all;
}

/** A JSON text that is a completion, a piece of one, or the server's complaint. */
export function parseCompletion(
  where: string,
  text: string,
  type: string,
  discreet: HttpAnswer['discreet'],
): Completion {
  const json = parseJson(where, text, type) as Completion;
  if (json.error || json.object === 'error') throw complaint(where, json, discreet(text));
  return json;
}

/** @throws Failure for a web page, or for what is no JSON object */
export function parseJson(where: string, text: string, type: string): object {
  if (/html/i.test(type) || /^\s*</.test(text)) {
    const what = 'it answers with a web page instead of JSON; is the address right? Most end in /v1.';
    throw mistake(where, what, 'elsewhere');
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    const what = text.trim() === '' ? 'the answer is empty' : 'the answer is no whole JSON';
    throw fault(where, `${what}; try again, and look into the server's log.`, 'here');
  }
  if (isObject(json)) return json;
  throw fault(where, 'the answer is no JSON object; is this a chat completion server?', 'elsewhere');
}

/** A complaint under status 200, as in the middle of a stream. */
function complaint(where: string, { error, code }: Completion, text: string): Failure {
  const status = Number((error as { code?: unknown } | undefined)?.code ?? code);
  return statusFailure(where, status >= 400 && status < 600 ? status : 500, text, () => null);
}

/** Text, also where it comes as a list of parts. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: { text?: unknown } | null) => (typeof part?.text === 'string' ? part.text : '')).join('');
}
