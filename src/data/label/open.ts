/** Opens labellers from settings: here and on workers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BagpiperError } from '../../errors.js';
import { type ChatExtras, openChat } from '../llm/index.js';
import { Listener, Places } from '../source/index.js';
import type { JsonObject } from '../types.js';
import { EndpointLabeller, type EndpointLabels } from './endpoint.js';
import { LocalLabeller, type LocalLabels } from './local.js';

export type LabelSettings = EndpointLabels | LocalLabels;
export type Labeller = EndpointLabeller | LocalLabeller;

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
