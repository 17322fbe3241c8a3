/** What a hub refuses and why, as sentences for the user; and which failures are worth another try. */
import { BagpiperError, messageOf, ServerError } from '../../errors.js';
import type { Token } from './settings.js';

/** What was asked for, for messages. */
export interface Asked {
  endpoint: string;
  repo: string;
  revision: string;
  /** the file, where one was asked for */
  path?: string;
  token: Token | undefined;
}

/** An answer other than success. */
export interface Refusal {
  status: number;
  header: (name: string) => string | undefined;
}

/** A failure that may pass: the request is made again, a few times, and then `final` is thrown. */
export class Transient extends Error {
  override readonly name = 'Transient';

  /** @param waitSeconds what the server asks for */
  constructor(
    readonly final: BagpiperError,
    readonly waitSeconds?: number,
  ) {
    super(final.message);
  }
}

/** The longest that a server's wish to wait is granted. */
const LONGEST_WAIT = 120;
const AGAIN = 'give the same command again, and it goes on where it stopped';

/** The error for an answer: a {@link Transient} where trying again may help, else a BagpiperError. */
export function refusalOf(refusal: Refusal, asked: Asked): Error {
  const { status } = refusal;
  const host = hostOf(asked.endpoint);
  if (status === 429) return tooMany(refusal, asked);
  if (status >= 500 || status === 408 || status === 425) {
    const message = `${host} answers with an error of its own (${status}); try later: ${AGAIN}.`;
    return new Transient(new ServerError(message), waitOf(refusal));
  }
  const code = refusal.header('x-error-code') ?? '';
  if (status === 401 || status === 403) return new BagpiperError(denied(status, code, refusal, asked));
  if (status === 404) return new BagpiperError(missing(code, asked));
  if (status === 410 || status === 451) {
    return new BagpiperError(`${asked.repo} was taken off ${host} (${status}); another repository must serve.`);
  }
  return new ServerError(`${host} answers ${status} for ${whatOf(asked)}${wordsOf(refusal)}; is HF_ENDPOINT right?`);
}

function denied(status: number, code: string, refusal: Refusal, asked: Asked): string {
  const { repo, endpoint, token } = asked;
  const page = `${endpoint}/${repo}`;
  if (code === 'GatedRepo') {
    return token === undefined
      ? `${repo} is given out only to those who accept its conditions: accept them at ${page}, then set HF_TOKEN to a token of that account (${endpoint}/settings/tokens).`
      : `${repo} is given out only to those who accept its conditions, and the account of the token in ${token.source} is not among them: accept them at ${page} and wait until access is granted.`;
  }
  if (code === 'DisabledRepo') return `${repo} was disabled on ${hostOf(endpoint)}; another repository must serve.`;
  if (token === undefined) {
    return `${hostOf(endpoint)} knows no repository ${repo}, or it is private: check the name, or set HF_TOKEN to a token that may read it (${endpoint}/settings/tokens).`;
  }
  if (code === 'RepoNotFound') return unseen(asked);
  return status === 401
    ? `${hostOf(endpoint)} does not accept the token in ${token.source}: it is wrong or has expired; make a new one (${endpoint}/settings/tokens), or remove it where the model is public.`
    : `The token in ${token.source} may not read ${repo}${wordsOf(refusal)}: give it that permission at ${endpoint}/settings/tokens, or use another one.`;
}

function missing(code: string, asked: Asked): string {
  const { repo, revision, path, endpoint, token } = asked;
  if (code === 'RevisionNotFound') {
    return `${repo} has no revision "${revision}"; name a branch, a tag or a commit that is listed at ${endpoint}/${repo}/commits/main.`;
  }
  if (path !== undefined && code !== 'RepoNotFound') {
    return `${repo} lists ${path}, but ${hostOf(endpoint)} does not have it (404); try later, or another revision.`;
  }
  if (token !== undefined) return unseen(asked);
  return `${hostOf(endpoint)} knows no repository ${repo} (or it is private: then set HF_TOKEN); check the name.`;
}

function unseen({ endpoint, repo, token }: Asked): string {
  return `${hostOf(endpoint)} knows no repository ${repo}, or the account of the token in ${token?.source} may not see it; check both.`;
}

function tooMany(refusal: Refusal, { endpoint, token }: Asked): Error {
  const wait = waitOf(refusal);
  const when = wait === undefined ? 'wait some minutes' : `wait ${Math.ceil(wait)} s`;
  const hint =
    token === undefined ? 'set HF_TOKEN (known users may ask more often), or give fewer --jobs' : 'give fewer --jobs';
  const final = new ServerError(`${hostOf(endpoint)} was asked too often (429): ${when}, ${hint}; then ${AGAIN}.`);
  return wait !== undefined && wait > LONGEST_WAIT ? final : new Transient(final, wait);
}

/** Codes of errors that another try cannot mend: names and certificates. */
const SETTLED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|EPROTO|ERR_INVALID|UND_ERR_INVALID_ARG/;

/** The error for a connection that could not be made or broke. Addresses are left out: they may carry signatures. */
export function connectionFailure(error: unknown, host: string): Error {
  if (error instanceof BagpiperError || error instanceof Transient) return error;
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const known = typeof code === 'string' ? code : typeof cause?.code === 'string' ? cause.code : undefined;
  if (known !== undefined && SETTLED.test(known)) {
    return new ServerError(
      `No trusted connection to ${host} can be made (${known}); check the clock, the proxy and NODE_EXTRA_CA_CERTS.`,
    );
  }
  const final = new ServerError(
    `${host} cannot be reached, or the connection keeps breaking (${known ?? messageOf(error)}); check the network, HTTPS_PROXY and HF_ENDPOINT, then ${AGAIN}.`,
  );
  return new Transient(final);
}

/** Seconds of a `retry-after`, or of the hub's own `ratelimit: ...;t=SECONDS`. */
function waitOf({ header }: Refusal): number | undefined {
  const after = header('retry-after')?.trim();
  if (after && /^\d+$/.test(after)) return Number(after);
  const date = after ? Date.parse(after) : Number.NaN;
  if (!Number.isNaN(date)) return Math.max(0, (date - Date.now()) / 1000);
  const left = /(?:^|;)\s*t=(\d+)/.exec(header('ratelimit') ?? '')?.[1];
  return left === undefined ? undefined : Number(left);
}

function wordsOf({ header }: Refusal): string {
  const words = header('x-error-message')?.replace(/\s+/g, ' ').trim().slice(0, 200);
  return words ? ` ("${words}")` : '';
}

function whatOf({ repo, path }: Asked): string {
  return path === undefined ? repo : `${path} of ${repo}`;
}

export function hostOf(endpoint: string): string {
  return new URL(endpoint).host;
}
