/** One endpoint as the pool sees it: how much it may get, how well it does. */

import { backoff, Endpoint, type Failure, type RetryOptions } from '../../endpoints/index.js';
import { type BagpiperError, ServerError } from '../../errors.js';
import { Bucket } from './rate.js';

/** Failures in a row from which on an endpoint rests; single ones belong to the daily round. */
const ROW = 3;
/** Seconds of the first rest, doubled with each failure after one, and of the longest. */
const REST = 1;
const LONGEST_REST = 30;
/** Seconds after which an endpoint that refused all requests (key, model, path) is asked again, where others go on. */
const BAR = 300;
/** Share of its slots that a busy endpoint keeps at least; some of them will be served when it opens again. */
const LEAST_SLOTS = 1 / 16;
/** Weight of the newest observation of time and failures. */
const NEW = 0.1;
/** How much worse an endpoint counts that always fails. */
const PENALTY = 9;

/** What a failed try means for the pool. */
export type Verdict =
  /** every endpoint would say the same of this request */
  | 'refused'
  /** the endpoint takes no request at all */
  | 'barred'
  /** the endpoint has enough to do: no failure of the request */
  | 'busy'
  /** it may pass */
  | 'fault';

export interface PlaceOptions {
  concurrency: number;
  requestsPerMinute: number;
  tokensPerMinute: number;
  retry: RetryOptions;
}

export class Place<T> extends Endpoint<T> {
  /** good answers so far */
  succeeded = 0;
  failed = 0;
  /** requests that it may work on at once: halved when it says that it is busy, growing again with each answer */
  slots: number;
  /** mean of seconds until a good answer; 0: none yet */
  seconds = 0;
  /** mean share of failures */
  trouble = 0;
  /** other clients' requests there, running and waiting */
  others = 0;
  /** why it takes no requests at all, and until when that holds */
  barred: { error: BagpiperError; until: number } | undefined;
  private readonly requests: Bucket;
  private readonly tokens: Bucket;
  private busyRow = 0;
  /** requests that began before then tell nothing new about being busy, or down */
  private news = Number.NEGATIVE_INFINITY;

  constructor(
    server: T,
    private readonly options: PlaceOptions,
    now: number,
  ) {
    super(server);
    this.slots = options.concurrency;
    this.requests = new Bucket(options.requestsPerMinute, 1, now);
    this.tokens = new Bucket(options.tokensPerMinute, 1, now);
  }

  /** When a request of so many tokens may go there, seconds of the clock; Infinity: not before another one has ended. */
  opens(tokens: number, now: number): number {
    // After a rest one request shows whether it is back.
    const slots = this.failures >= ROW ? 1 : Math.floor(this.slots);
    if (this.running >= slots) return Number.POSITIVE_INFINITY;
    const pause = Math.max(this.requests.delay(1, now), this.tokens.delay(tokens, now));
    return Math.max(now + pause, this.closedUntil, this.restsUntil, this.barred?.until ?? 0);
  }

  /** The smaller the better: work to be done there times the time it takes. @param typical seconds where none are known */
  load(typical: number): number {
    const seconds = this.seconds || typical || 1;
    return (this.running + this.others + 1) * seconds * (1 + PENALTY * this.trouble);
  }

  begin(tokens: number, now: number): void {
    this.running++;
    this.requests.take(1, now);
    this.tokens.take(tokens, now);
  }

  /** @param expected tokens that were taken at the beginning @param took tokens it really took; undefined: not known */
  end(expected: number, took: number | undefined, now: number): void {
    this.running--;
    if (took !== undefined) this.tokens.take(took - expected, now);
  }

  /** @param began when the request went out */
  succeed(began: number, now: number): void {
    this.succeeded++;
    this.failures = 0;
    this.restsUntil = 0;
    this.busyRow = 0;
    this.barred = undefined;
    this.trouble *= 1 - NEW;
    const seconds = Math.max(now - began, 1e-3);
    this.seconds = this.seconds === 0 ? seconds : this.seconds + NEW * (seconds - this.seconds);
    this.slots = Math.min(this.options.concurrency, this.slots + Math.min(1, 4 / this.slots));
  }

  /** @param random a number in [0, 1) */
  fail(failure: Failure, began: number, now: number, random: number): Verdict {
    const verdict = this.judge(failure);
    if (verdict === 'refused') return verdict;
    this.failed++;
    this.trouble += NEW * (1 - this.trouble);
    if (verdict === 'barred') this.barred = { error: failure.error, until: now + BAR };
    if (verdict === 'busy') this.busy(failure.wait, began, now, random);
    if (verdict === 'fault' && concernsServer(failure)) this.down(began, now);
    return verdict;
  }

  private judge({ error, again, details: { status, broke, wait } }: Failure): Verdict {
    if (again === 'never') return 'refused';
    if (status === 429 && !broke) return 'busy';
    if (status === 503 && wait !== undefined) return 'busy';
    if (error instanceof ServerError) return 'fault';
    // A web page or an unknown path at an address that has answered rightly comes from something before the server.
    const lasting = broke === true || status === 401 || status === 403;
    return lasting || this.succeeded === 0 ? 'barred' : 'fault';
  }

  private busy(wait: number | undefined, began: number, now: number, random: number): void {
    const { retry, concurrency } = this.options;
    if (began > this.news) {
      this.news = now;
      this.busyRow++;
      this.slots = Math.max(1, Math.floor(concurrency * LEAST_SLOTS), Math.floor(this.slots / 2));
    }
    this.closedUntil = Math.max(this.closedUntil, now + (wait ?? backoff(this.busyRow, retry, random)));
  }

  /** Many requests that fall with a server are one failure after the first few. */
  private down(began: number, now: number): void {
    if (this.failures >= ROW && began <= this.news) return;
    this.failures++;
    if (this.failures < ROW) return;
    this.news = now;
    this.restsUntil = now + Math.min(LONGEST_REST, REST * 2 ** (this.failures - ROW));
  }
}

/** Whether a failure speaks about the server; a single request can bring about a 500 or an odd answer by itself. */
export function concernsServer({ kind, details: { status } }: Failure): boolean {
  if (kind === 'status') return status === 502 || status === 503 || status === 504;
  return kind !== 'answer';
}
