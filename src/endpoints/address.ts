/** Addresses of servers: one, or several in turn. */
import { BagpiperError } from '../errors.js';

/** Whether a model's source is an address (or several) and no folder. */
export function isAddress(source: string): boolean {
  return /^\s*https?:/i.test(source);
}

/**
 * Takes apart `http://a/v1,http://b/v1`. An address without a path gets `/v1`; one that ends in `/chat/completions` loses
 * that.
 *
 * @returns base addresses without a slash at the end, each once
 * @throws BagpiperError for an address that is none, or that holds a password
 */
export function parseAddresses(source: string): URL[] {
  const addresses = new Map<string, URL>();
  for (const part of source.split(/,\s*(?=https?:)/i)) {
    const url = parse(part.trim().replace(/,$/, ''));
    addresses.set(url.href, url);
  }
  return [...addresses.values()];
}

function parse(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new BagpiperError(`"${text}" is no address; one such as http://localhost:9811/v1 is accepted.`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BagpiperError(`"${text}" is no web address; http:// and https:// are accepted.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BagpiperError(
      `The address of ${url.host} holds a user name or password; leave it out and put the key into BAGPIPER_API_KEY.`,
    );
  }
  url.hash = '';
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '');
  if (url.pathname === '/') url.pathname = '/v1';
  return url;
}

/** An address as it may be shown: a query can hold a secret, so it is left out. */
export function shown(url: URL): string {
  return url.origin + url.pathname;
}

/** An address below the base, e.g. `models`; the query is kept. */
export function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, '')}/${path}`;
  return url;
}
