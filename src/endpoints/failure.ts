/** What can go wrong between here and a server, in one sentence each, and whether trying again makes sense. */
import { BagpiperError, messageOf, ServerError } from '../errors.js';
import { type Header, waitOf } from './limits.js';

/** `here`: it may pass; `elsewhere`: another server may do better; `never`: every server would say the same. */
export type Again = 'here' | 'elsewhere' | 'never';

/**
 * `connection`: none came about, or it was closed without an answer; `broken`: the answer broke off; `timeout`: it stayed away;
 * `status`: it had another status than 200; `answer`: it is not what such servers answer.
 */
export type FailureKind = 'connection' | 'broken' | 'timeout' | 'status' | 'answer';

export interface FailureDetails {
  kind?: FailureKind;
  /** seconds that the server wants to be left alone */
  wait?: number;
  /** of HTTP */
  status?: number;
  /** the server's own */
  words?: string;
  /** there is nothing at this path */
  missing?: boolean;
  /** the account has no credit left */
  broke?: boolean;
}

/** A try that failed. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly wait: number | undefined;

  constructor(
    readonly error: BagpiperError,
    readonly again: Again,
    readonly details: FailureDetails = {},
  ) {
    super(error.message);
    this.kind = details.kind ?? 'answer';
    this.wait = details.wait;
  }
}

/** The server's fault. */
export function fault(where: string, what: string, again: Again, details?: FailureDetails): Failure {
  return new Failure(new ServerError(`${where}: ${what}`), again, details);
}

/** What the user can put right. */
export function mistake(where: string, what: string, again: Again, details?: FailureDetails): Failure {
  return new Failure(new BagpiperError(`${where}: ${what}`), again, details);
}

const CERTIFICATE = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_(GET|VERIFY))/;

/** A request that got no answer, or an answer that broke off: from what `fetch` throws. */
export function connectionFailure(where: string, host: string, error: unknown, begun: boolean): Failure {
  const cause = (error as { cause?: unknown }).cause ?? error;
  const code = String((cause as { code?: unknown }).code ?? '');
  if (begun) {
    return fault(where, 'the connection broke off in the middle of the answer; try again.', 'here', { kind: 'broken' });
  }
  const failed = (what: string, again: Again): Failure => fault(where, what, again, { kind: 'connection' });
  if (code === 'ECONNREFUSED') {
    return failed('the connection was refused; start the server there, or correct the address.', 'here');
  }
  if (code === 'ENOTFOUND') {
    return failed(`there is no host ${host} in the DNS; correct the name, or connect to its network.`, 'elsewhere');
  }
  if (code === 'EAI_AGAIN') return failed(`the DNS does not answer for ${host}; check the network.`, 'here');
  if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT') {
    return failed('the connection could not be made in time; check address, port and firewall.', 'here');
  }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return failed(`no network leads to ${host}; check the network and the address.`, 'here');
  }
  if (CERTIFICATE.test(code)) {
    const advice = 'renew it, or name its authority in NODE_EXTRA_CA_CERTS';
    return failed(`its TLS certificate is not trusted (${code}); ${advice}.`, 'elsewhere');
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return failed('it does not speak TLS as expected; should the address begin with http:// ?', 'elsewhere');
  }
  if (code.startsWith('HPE_')) {
    return failed('it does not speak HTTP; check the port, or begin the address with https:// .', 'elsewhere');
  }
  if (['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ECONNABORTED'].includes(code)) {
    const tls = where.startsWith('http:') ? ', or begin the address with https://' : '';
    return failed(`the server closed the connection without an answer; look into its log${tls}.`, 'here');
  }
  return failed(`the connection failed (${messageOf(cause)}); check the address and the network.`, 'here');
}

/** An answer whose status is not 200. @param body the start of its text */
export function statusFailure(where: string, status: number, body: string, header: Header): Failure {
  const words = serverWords(body);
  const said = words === '' ? '' : `, saying "${words}"`;
  const details: FailureDetails = { kind: 'status', status, words };
  const passing: FailureDetails = { ...details, wait: waitOf(status, header) };
  const wrong = (what: string, more?: FailureDetails): Failure =>
    mistake(where, what, 'elsewhere', { ...details, ...more });
  if (status === 402 || (status === 429 && /insufficient_quota/.test(body))) {
    return wrong(`the account has no credit left (${status}${said}); add some.`, { broke: true });
  }
  if (status === 429) return fault(where, `it takes no more requests now (429${said}); try later.`, 'here', passing);
  if (status === 408 || status >= 500) {
    return fault(where, `the server failed (${status}${said}); look into its log or try later.`, 'here', passing);
  }
  if (status === 401 || status === 403) {
    return wrong(`it does not accept the API key (${status}${said}); put the right one into BAGPIPER_API_KEY.`);
  }
  if (status === 404 && words !== '' && /model/i.test(words)) {
    return wrong(`it does not have the model (404${said}); see "bagpiper info ${where}".`);
  }
  if (status === 404 || status === 405) {
    return wrong(`the path does not exist there (${status}${said}); most addresses end in /v1.`, { missing: true });
  }
  if (status >= 300 && status < 400) return wrong(`it redirects (${status}); give the final address.`);
  return mistake(where, `the server refuses the request (${status}${said}); change the request.`, 'never', details);
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
