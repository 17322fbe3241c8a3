/** Opens labellers from settings: here and on workers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAddress } from '../../endpoints/index.js';
import { BagpiperError } from '../../errors.js';
import { type ChatExtras, openChat } from '../llm/index.js';
import { Listener, Places } from '../source/index.js';
import type { Clip, JsonObject, Label, Stage } from '../types.js';
import { EndpointLabeller, type EndpointLabels } from './endpoint.js';
import { LocalLabeller, type LocalLabels, localIdentity, localSpec } from './local.js';

export type LabelSettings = EndpointLabels | LocalLabels;
export type Labeller = EndpointLabeller | LocalLabeller;
/** A labeller, or what stands for one whose work is done elsewhere. */
export type LabelStage = Stage<Clip, Label> & { readonly identity: JsonObject };

export interface LabelExtras extends ChatExtras {
  /** keys and addresses of buckets; default: the process's environment */
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * @throws BagpiperError for settings that make no sense, or a model that is not there; a ServerError when no server answers
 */
export async function openLabeller(settings: LabelSettings | JsonObject, extras: LabelExtras = {}): Promise<Labeller> {
  const { by } = settings as LabelSettings;
  const listener = new Listener(new Places(extras.env));
  if (by === 'endpoint') {
    const endpoint = settings as EndpointLabels;
    return new EndpointLabeller(endpoint, await openChat(endpoint.chat, extras), listener);
  }
  if (by !== 'local') throw new BagpiperError(`Labels by "${String(by)}" are not known; endpoint and local are.`);
  const local = settings as LocalLabels;
  const { loadBagpiper } = await import('../../tasks/index.js');
  const { model, threads } = local;
  return new LocalLabeller(local, await loadBagpiper(model, threads === undefined ? {} : { threads }), listener);
}

/**
 * A labeller whose records go to workers: a model in a folder is looked at, and loaded by the workers alone.
 * @throws BagpiperError and ServerError as {@link openLabeller}
 */
export async function outlineLabeller(settings: LabelSettings, extras: LabelExtras = {}): Promise<LabelStage> {
  if (settings.by !== 'local' || isAddress(settings.model ?? '')) return openLabeller(settings, extras);
  const [{ modelSource }, { openModel }] = await Promise.all([
    import('../../tasks/index.js'),
    import('../../model/bagpiper.js'),
  ]);
  const { config, folder } = openModel(modelSource(settings.model));
  return {
    spec: localSpec(settings),
    hears: true,
    identity: localIdentity(settings, { name: config.model_type, hash: folder.modelHash().slice(0, 16) }),
    process: () => Promise.reject(new BagpiperError('This labeller has no model here; its records go to workers.')),
    close: () => Promise.resolve(),
  };
}

/** The name under which a run keeps the prompt. */
export const CAPTION_PROMPT = 'label/caption.md';

/**
 * The text of the prompt.
 * @param folder of own prompts, with label/caption.md or caption.md in it; default: the package's
 * @throws BagpiperError when there is none
 */
export function captionPrompt(folder?: string): string {
  const own = fileURLToPath(new URL(`../../../prompts/${CAPTION_PROMPT}`, import.meta.url));
  const paths = folder === undefined ? [own] : [join(folder, CAPTION_PROMPT), join(folder, 'caption.md')];
  for (const path of paths) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // the next one may be there
    }
  }
  throw new BagpiperError(`${paths[0]}: there is no such prompt; write one, or leave out --prompts.`);
}
