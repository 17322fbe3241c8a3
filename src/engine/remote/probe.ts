/** Which model of a server is meant, how it is spoken to, and the server's version where it is vLLM. */
import { Failure, fault, getJson, type Http, listModels, mistake, type ServerModel } from '../../endpoints/index.js';
import { BagpiperError } from '../../errors.js';
import type { ServerKind, Settings } from './options.js';
import type { Target } from './request.js';

/** A server and what it turned out to run. */
export interface Server {
  base: URL;
  /** how it is called in messages */
  where: string;
  target?: Target;
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
    return chooseModel(server.where, await listModels(http, server.base, settings.timeouts.opening, signal), settings);
  } catch (error) {
    // A server that keeps no list may still have the model that was named.
    if (serverModel === undefined || !(error instanceof Failure) || !error.details.missing) throw error;
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
    const { version } = (await getJson(http, root, 'version', settings.timeouts.opening, signal)) as {
      version?: unknown;
    };
    return typeof version === 'string' ? version.slice(0, 80) : undefined;
  } catch (error) {
    if (error instanceof Failure || error instanceof BagpiperError) return undefined;
    throw error;
  }
}
