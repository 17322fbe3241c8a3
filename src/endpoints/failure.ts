/** What can go wrong between here and a server, in one sentence each, and whether trying again makes sense. */
import { BagpiperError, messageOf, ServerError } from '../errors.js';

/** `here`: it may pass; `elsewhere`: another server may do better; `never`: every server would say the same. */
export type Again = 'here' | 'elsewhere' | 'never';

/** A try that failed. */
export class Failure extends Error {
  /** @param wait seconds that the server wants to be left alone @param missing there is nothing at this path */
  constructor(
    readonly error: BagpiperError,
    readonly again: Again,
    readonly wait?: number,
    readonly missing = false,
  ) {
    super(error.message);
  }
}

/** The server's fault. */
export function fault(where: string, what: string, again: Again, wait?: number): Failure {
  return new Failure(new ServerError(`${where}: ${what}`), again, wait);
}

/** What the user can put right. */
export function mistake(where: string, what: string, again: Again): Failure {
  return new Failure(new BagpiperError(`${where}: ${what}`), again);
}

const CERTIFICATE = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_(GET|VERIFY))/;

/** A request that got no answer, or an answer that broke off: from what `fetch` throws. */
export function connectionFailure(where: string, host: string, error: unknown, begun: boolean): Failure {
  const cause = (error as { cause?: unknown }).cause ?? error;
  const code = String((cause as { code?: unknown }).code ?? '');
  if (begun) return fault(where, 'the connection broke off in the middle of the answer; try again.', 'here');
  if (code === 'ECONNREFUSED') {
    return fault(where, 'the connection was refused; start the server there, or correct the address.', 'here');
  }
  if (code === 'ENOTFOUND') {
    return fault(
      where,
      `there is no host ${host} in the DNS; correct the name, or connect to its network.`,
      'elsewhere',
    );
  }
  if (code === 'EAI_AGAIN') return fault(where, `the DNS does not answer for ${host}; check the network.`, 'here');
  if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT') {
    return fault(where, 'the connection could not be made in time; check address, port and firewall.', 'here');
  }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return fault(where, `no network leads to ${host}; check the network and the address.`, 'here');
  }
  if (CERTIFICATE.test(code)) {
    const advice = 'renew it, or name its authority in NODE_EXTRA_CA_CERTS';
    return fault(where, `its TLS certificate is not trusted (${code}); ${advice}.`, 'elsewhere');
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return fault(where, 'it does not speak TLS as expected; should the address begin with http:// ?', 'elsewhere');
  }
  if (code.startsWith('HPE_')) {
    return fault(where, 'it does not speak HTTP; check the port, or begin the address with https:// .', 'elsewhere');
  }
  if (['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ECONNABORTED'].includes(code)) {
    const tls = where.startsWith('http:') ? ', or begin the address with https://' : '';
    return fault(where, `the server closed the connection without an answer; look into its log${tls}.`, 'here');
  }
  return fault(where, `the connection failed (${messageOf(cause)}); check the address and the network.`, 'here');
}

/** An answer whose status is not 200. @param body the start of its text @param retryAfter the header */
export function statusFailure(where: string, status: number, body: string, retryAfter: string | null): Failure {
  const words = serverWords(body);
  const said = words === '' ? '' : `, saying "${words}"`;
  const wait = secondsOf(retryAfter);
  if (status === 429 && /insufficient_quota/.test(body)) {
    return mistake(where, `the account has no credit left (429${said}); add some.`, 'elsewhere');
  }
  if (status === 429) return fault(where, `it takes no more requests now (429${said}); try later.`, 'here', wait);
  if (status === 408 || status >= 500) {
    return fault(where, `the server failed (${status}${said}); look into its log or try later.`, 'here', wait);
  }
  if (status === 401 || status === 403) {
    const what = `it does not accept the API key (${status}${said})`;
    return mistake(where, `${what}; put the right one into BAGPIPER_API_KEY.`, 'elsewhere');
  }
  if (status === 404 && words !== '' && /model/i.test(words)) {
    return mistake(where, `it does not have the model (404${said}); see "bagpiper info ${where}".`, 'elsewhere');
  }
  if (status === 404 || status === 405) {
    const what = `the path does not exist there (${status}${said}); most addresses end in /v1.`;
    return new Failure(new BagpiperError(`${where}: ${what}`), 'elsewhere', undefined, true);
  }
  if (status >= 300 && status < 400)
    return mistake(where, `it redirects (${status}); give the final address.`, 'elsewhere');
  return mistake(where, `the server refuses the request (${status}${said}); change the request.`, 'never');
}

/** What an error's body says: OpenAI's shape, a top-level `message`, FastAPI's `detail`, or plain text; "" for a web page. */
function serverWords(body: string): string {
  let words = body;
  try {
    const json = JSON.parse(body) as { error?: { message?: unknown } | string; message?: unknown; detail?: unknown };
    const { error } = json;
    const found = (typeof error === 'object' ? error?.message : error) ?? json.message ?? json.detail ?? '';
    words = typeof found === 'string' ? found : JSON.stringify(found);
  } catch {
    if (/^\s*</.test(body)) return '';
  }
  const line = words.replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}

/** A `Retry-After` header (RFC 9110, 10.2.3): seconds or a date. @param now milliseconds since 1970 */
export function secondsOf(retryAfter: string | null, now = Date.now()): number | undefined {
  if (retryAfter === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(retryAfter)) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}
