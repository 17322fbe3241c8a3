/** What an OpenAI-compatible server says of itself: `GET /models`. */
import { below, shown } from './address.js';
import { parseJson, wholeText } from './completion.js';
import { fault } from './failure.js';
import type { Http } from './http.js';

/** A model that a server offers. */
export interface ServerModel {
  name: string;
  /** where the server has it from */
  root?: string;
  /** e.g. `vllm` */
  owner?: string;
  /** tokens that prompt and answer may have together */
  longest?: number;
}

/**
 * What a server lists.
 *
 * @param seconds until the answer begins
 * @throws Failure, or the signal's reason
 */
export async function listModels(http: Http, base: URL, seconds: number, signal: AbortSignal): Promise<ServerModel[]> {
  const where = shown(base);
  const json = await getJson(http, base, 'models', seconds, signal);
  const { data } = json as { data?: unknown };
  if (!Array.isArray(data))
    throw fault(where, 'it does not list its models; is it an OpenAI-compatible server?', 'elsewhere');
  return data.flatMap((entry: Record<string, unknown> | null) => {
    if (typeof entry?.id !== 'string') return [];
    const { id: name, root, owned_by: owner, max_model_len: longest } = entry;
    return [
      {
        name,
        ...(typeof root === 'string' ? { root } : {}),
        ...(typeof owner === 'string' ? { owner } : {}),
        ...(typeof longest === 'number' && longest > 0 ? { longest } : {}),
      },
    ];
  });
}

/**
 * A JSON object by GET.
 *
 * @param seconds until the answer begins
 * @throws Failure, or the signal's reason
 */
export async function getJson(
  http: Http,
  base: URL,
  path: string,
  seconds: number,
  signal: AbortSignal,
): Promise<object> {
  const where = shown(base);
  const answer = await http.send(below(base, path), { where, firstByte: seconds, signal });
  return parseJson(where, await wholeText(answer), answer.type);
}
