/** What a server says of itself: `GET /models`, and its version where it is vLLM. */
import { BagpiperError } from '../../errors.js';
import { below, shown } from './address.js';
import { parseJson } from './answer.js';
import { Failure, fault, mistake } from './failure.js';
import type { Http } from './http.js';
import type { ServerKind, Settings } from './options.js';
import type { Target } from './request.js';

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

/** A server and what it turned out to run. */
export interface Server {
  base: URL;
  /** how it is called in messages */
  where: string;
  target?: Target;
}

/** @throws Failure, or the signal's reason */
export async function listModels(
  http: Http,
  base: URL,
  settings: Settings,
  signal: AbortSignal,
): Promise<ServerModel[]> {
  const where = shown(base);
  const json = await getJson(http, base, 'models', settings, signal);
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

/** The model to use: the one that is named, or the only one, or the only Bagpiper. @throws Failure where that is not clear */
export function chooseModel(where: string, models: readonly ServerModel[], settings: Settings): Target {
  const { serverModel } = settings;
  const names = models.slice(0, 8).map(({ name }) => name);
  const list = names.join(', ') + (models.length > names.length ? ' ...' : '');
  if (models.length === 0) throw fault(where, 'it lists no model; load one there.', 'elsewhere');
  const bagpipers = models.filter(isBagpiper);
  const fitting =
    serverModel !== undefined
      ? models.filter(({ name }) => name === serverModel)
      : bagpipers.length > 0
        ? bagpipers
        : models;
  if (fitting.length === 0) {
    throw mistake(where, `it has no model "${serverModel}"; it has ${list}.`, 'elsewhere');
  }
  if (fitting.length > 1) {
    throw mistake(where, `it has several models (${list}); name one with --server-model.`, 'elsewhere');
  }
  return targetOf(fitting[0], settings);
}

/** A model by its name alone, for servers that are not asked for a list. */
export function targetOf(model: ServerModel, { serverKind }: Settings): Target {
  const kind: ServerKind = serverKind ?? (isBagpiper(model) ? 'bagpiper' : 'openai');
  return { kind, model: model.name, ...(model.longest === undefined ? {} : { longest: model.longest }) };
}

/** The fork serves every Bagpiper checkpoint under that name, unless somebody chose another. */
function isBagpiper({ name, root = '' }: ServerModel): boolean {
  return /bagpiper/i.test(name) || /bagpiper/i.test(root);
}

/** What a server runs. @throws Failure where it cannot be asked or gives no clear answer */
export async function askTarget(http: Http, server: Server, settings: Settings, signal: AbortSignal): Promise<Target> {
  const { serverModel } = settings;
  try {
    return chooseModel(server.where, await listModels(http, server.base, settings, signal), settings);
  } catch (error) {
    // A server that keeps no list may still have the model that was named.
    if (serverModel === undefined || !(error instanceof Failure) || !error.missing) throw error;
    return targetOf({ name: serverModel }, settings);
  }
}

/** The version of vLLM; undefined for other servers. */
export async function versionOf(
  http: Http,
  base: URL,
  settings: Settings,
  signal: AbortSignal,
): Promise<string | undefined> {
  const root = new URL(base);
  root.pathname = base.pathname.replace(/\/v1$/, '');
  try {
    const { version } = (await getJson(http, root, 'version', settings, signal)) as { version?: unknown };
    return typeof version === 'string' ? version.slice(0, 80) : undefined;
  } catch (error) {
    if (error instanceof Failure || error instanceof BagpiperError) return undefined;
    throw error;
  }
}

async function getJson(http: Http, base: URL, path: string, settings: Settings, signal: AbortSignal): Promise<object> {
  const where = shown(base);
  const answer = await http.send(below(base, path), { where, firstByte: settings.timeouts.opening, signal });
  let text = '';
  for await (const piece of answer.text) text += piece;
  return parseJson(where, text, answer.type);
}
