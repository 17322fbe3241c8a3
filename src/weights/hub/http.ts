/**
 * Requests to the hub and to the servers it refers to: redirects by hand, so that the token never leaves the hub; clocks
 * against silence; proxies of the environment.
 */
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { ServerError } from '../../errors.js';
import { connectionFailure, hostOf, Transient } from './failure.js';
import type { Env, HubSettings } from './settings.js';

/** How patient and how fast; tests are in a hurry. */
export interface Pace {
  /** tries of a request in a row that bring nothing */
  attempts: number;
  /** milliseconds before the second try, then doubled each time */
  backoff: number;
  /** milliseconds of silence after which a connection counts as broken */
  silence: number;
  /** bytes asked for at once of a large file */
  chunk: number;
}

export const PACE: Pace = { attempts: 7, backoff: 500, silence: 30_000, chunk: 8 * 2 ** 20 };

export interface Answer {
  status: number;
  /** the address that answered, after redirects */
  url: URL;
  /** the address is one of the hub's own, not one it refers to */
  own: boolean;
  header: (name: string) => string | undefined;
  body: Readable;
}

const MOST_REDIRECTS = 5;
/** Bytes of an answer that is read as a text. A listing of 1,000 files has some hundred kilobytes. */
const MOST_TEXT = 64 * 2 ** 20;

export class Http {
  private readonly agent: Dispatcher;
  private readonly proxies = new Map<string, Dispatcher>();

  constructor(
    readonly settings: HubSettings,
    readonly pace: Pace,
    private readonly env: Env,
  ) {
    this.agent = new Agent(this.clocks());
  }

  /**
   * A GET that follows redirects. The token goes to addresses of the hub alone.
   *
   * @param onHub sees the headers of every answer of the hub that is no refusal, before a redirect is followed.
   * @throws Transient or ServerError where no answer comes; the signal's reason.
   */
  async get(
    address: URL,
    headers: Record<string, string>,
    signal: AbortSignal,
    onHub: (header: Answer['header']) => void = () => {},
  ): Promise<Answer> {
    let url = address;
    for (let step = 0; step <= MOST_REDIRECTS; step++) {
      const own = this.isOwn(url);
      const { statusCode: status, headers: got, body } = await this.once(url, own, headers, signal);
      const header = (name: string): string | undefined => {
        const value = got[name];
        return Array.isArray(value) ? value[0] : value;
      };
      const target = header('location');
      if (status < 300 || status > 399 || status === 304 || target === undefined) {
        if (own && status < 300) onHub(header);
        return { status, url, own, header, body };
      }
      await drop(body);
      if (own) onHub(header);
      const next = URL.canParse(target, url.href) ? new URL(target, url) : undefined;
      // From https to http an eavesdropper could change what is listed.
      if (next === undefined || !(next.protocol === 'https:' || next.protocol === address.protocol)) {
        throw new ServerError(`${url.host} refers to an address that is not safe to follow; is HF_ENDPOINT right?`);
      }
      url = next;
    }
    throw new ServerError(`${hostOf(this.settings.endpoint)} sends from one address to the next without end.`);
  }

  /** A whole answer as a text. */
  async text(answer: Answer, signal: AbortSignal): Promise<string> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const piece of answer.body as AsyncIterable<Uint8Array>) {
        pieces.push(piece);
        length += piece.length;
        if (length > MOST_TEXT) throw new ServerError(`${answer.url.host} answers with more than a listing can have.`);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw connectionFailure(error, answer.url.host);
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all([this.agent, ...this.proxies.values()].map((one) => one.destroy()));
  }

  /** An address of the hub: what lies below the endpoint's host. */
  isOwn(url: URL): boolean {
    return url.origin === new URL(this.settings.endpoint).origin;
  }

  private async once(
    url: URL,
    own: boolean,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { token } = this.settings;
    try {
      return await request(url, {
        dispatcher: this.dispatcherFor(url),
        signal,
        headers: {
          'user-agent': 'bagpiper',
          // Bytes as they are stored: ranges and sizes are theirs.
          'accept-encoding': 'identity',
          ...headers,
          ...(own && token !== undefined ? { authorization: `Bearer ${token.value}` } : {}),
        },
      });
    } catch (error) {
      signal.throwIfAborted();
      throw connectionFailure(error, url.host);
    }
  }

  private dispatcherFor(url: URL): Dispatcher {
    const proxy = proxyFor(url, this.env);
    if (proxy === undefined) return this.agent;
    let dispatcher = this.proxies.get(proxy);
    if (dispatcher === undefined) {
      if (!URL.canParse(proxy)) {
        throw new ServerError('The proxy of the environment (HTTPS_PROXY, HTTP_PROXY) is no address.');
      }
      dispatcher = new ProxyAgent({ uri: proxy, ...this.clocks() });
      this.proxies.set(proxy, dispatcher);
    }
    return dispatcher;
  }

  private clocks(): Agent.Options {
    const { silence } = this.pace;
    return { connect: { timeout: silence }, headersTimeout: silence, bodyTimeout: silence };
  }
}

/** The proxy that the environment names for an address. */
export function proxyFor(url: URL, env: Env): string | undefined {
  const of = (name: string): string | undefined => env[name] || env[name.toUpperCase()] || undefined;
  const proxy = of(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy');
  if (proxy === undefined) return undefined;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const direct = (of('no_proxy') ?? '').split(/[\s,]+/).some((entry) => {
    const [, name, only] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (entry === '*') return true;
    if (!name || (only !== undefined && only !== port)) return false;
    return url.hostname === name || url.hostname.endsWith(`.${name}`);
  });
  return direct ? undefined : proxy;
}

/** Reads away what is left of an answer, so that its connection can be used again. */
export async function drop(body: Readable): Promise<void> {
  body.on('error', () => {});
  let length = 0;
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      length += piece.length;
      if (length > 2 ** 16) break;
    }
  } catch {
    // Nobody wanted it.
  }
  body.destroy();
}

/**
 * Makes an attempt again while it fails in a way that may pass.
 *
 * @param moved whether the last attempt brought something: then the count begins anew.
 */
export async function persistently<T>(
  pace: Pace,
  signal: AbortSignal,
  attempt: () => Promise<T>,
  moved: () => boolean = () => false,
): Promise<T> {
  for (let failed = 0; ; ) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      failed = moved() ? 1 : failed + 1;
      if (failed >= pace.attempts) throw error.final;
      const wait = pace.backoff * 2 ** (failed - 1);
      await pause(error.waitSeconds === undefined ? wait : Math.max(wait, error.waitSeconds * 1000), signal);
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}
