/** Where the hub is, where its cache lies, and who asks: the environment variables that all of the hub's tools know. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { BagpiperError, messageOf } from '../../errors.js';

export type Env = Readonly<Record<string, string | undefined>>;

/** A secret and where it comes from; only the latter is ever shown. */
export interface Token {
  value: string;
  source: string;
}

export interface HubSettings {
  /** without a slash at its end */
  endpoint: string;
  /** folder of the cache, with `models--org--name` in it */
  cache: string;
  /** nothing may be asked from the network */
  offline: boolean;
  token: Token | undefined;
}

const PUBLIC_HUB = 'https://huggingface.co';
/** What a header may carry; a file with anything else is no token. */
const TOKEN = /^[\x21-\x7e]+$/;

/** The folder of the cache: HF_HUB_CACHE, else `hub` in {@link homeOf}. */
export function cacheOf(env: Env): string {
  return folder(env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE, env) ?? join(homeOf(env), 'hub');
}

/** The hub's folder on this machine: HF_HOME, else `huggingface` in the user's cache folder. */
export function homeOf(env: Env): string {
  const cache = folder(env.XDG_CACHE_HOME, env) ?? join(env.HOME || homedir(), '.cache');
  return folder(env.HF_HOME, env) ?? join(cache, 'huggingface');
}

/** HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set. */
export function isOffline(env: Env): boolean {
  return isTrue(env.HF_HUB_OFFLINE) || isTrue(env.TRANSFORMERS_OFFLINE);
}

/**
 * All settings from the environment.
 *
 * @throws BagpiperError for an HF_ENDPOINT that is no address, or a token that is none.
 */
export function hubSettings(env: Env = process.env): HubSettings {
  return { endpoint: endpointOf(env), cache: cacheOf(env), offline: isOffline(env), token: tokenOf(env) };
}

function endpointOf(env: Env): string {
  const given = env.HF_ENDPOINT?.trim();
  if (!given) return PUBLIC_HUB;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const usable = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
  if (!usable) {
    throw new BagpiperError(`HF_ENDPOINT is no address of a hub; one such as ${PUBLIC_HUB} is accepted.`);
  }
  return url.href.replace(/\/+$/, '');
}

/** HF_TOKEN, else the file that `hf auth login` wrote; none where HF_HUB_DISABLE_IMPLICIT_TOKEN forbids it. */
function tokenOf(env: Env): Token | undefined {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const value = env[name]?.trim();
    if (value) return checked(value, name);
  }
  const file = folder(env.HF_TOKEN_PATH, env) ?? join(homeOf(env), 'token');
  let value: string;
  try {
    value = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new BagpiperError(`The file of the hub's token, ${file}, cannot be read: ${messageOf(error)}.`);
  }
  return value === '' ? undefined : checked(value, file);
}

function checked(value: string, source: string): Token {
  if (value.length <= 4096 && TOKEN.test(value)) return { value, source };
  throw new BagpiperError(
    `What ${source} holds is no token of the hub: it has spaces, line ends or foreign letters; set it anew or remove it.`,
  );
}

/** A path from a variable, `~` being the user's home; undefined where it is empty. */
function folder(path: string | undefined, env: Env): string | undefined {
  if (!path) return undefined;
  return resolve(path.replace(/^~(?=$|[\\/])/, () => env.HOME || homedir()));
}

function isTrue(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value?.trim() ?? '');
}
