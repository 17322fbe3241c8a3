/** Several servers in turn: who is asked next, how long to wait after a failure, when to give up. */
import { BagpiperError, ServerError } from '../errors.js';
import { Failure } from './failure.js';
import type { RetryOptions } from './options.js';
import type { Surroundings } from './surroundings.js';

/** A server and how it has been doing. */
export class Endpoint<T> {
  /** requests that it is working on */
  running = 0;
  /** number of its latest request among all; orders equals */
  asked = 0;
  /** failures since its last success */
  failures = 0;
  /** others are asked first until then */
  restsUntil = 0;
  /** it wants not to be asked before */
  closedUntil = 0;

  constructor(readonly server: T) {}
}

/** How long after its latest failure a server is passed over where there are others: seconds, doubled with each failure. */
const REST = 1;
const LONGEST_REST = 30;

export class Endpoints<T> {
  readonly list: readonly Endpoint<T>[];
  private turn = 0;

  constructor(
    servers: readonly T[],
    private readonly retry: RetryOptions,
    private readonly around: Surroundings,
  ) {
    this.list = servers.map((server) => new Endpoint(server));
  }

  /**
   * Does `work` at one server after another until one does it.
   *
   * @param delivered whether some of the answer has gone out: then nothing is tried again
   * @throws the last failure's error, the signal's reason, or what else `work` throws
   */
  async run<R>(
    work: (server: T, endpoint: Endpoint<T>) => Promise<R>,
    signal: AbortSignal,
    delivered: () => boolean = () => false,
  ): Promise<R> {
    const failed = new Map<Endpoint<T>, Failure>();
    const given = new Set<Endpoint<T>>();
    for (let tries = 0; ; tries++) {
      const endpoint = this.choose(given);
      // Before anything is waited for: requests that start together must not all choose the same one.
      endpoint.asked = ++this.turn;
      endpoint.running++;
      try {
        await this.wait(endpoint, failed, tries, signal);
        return await this.attempt(endpoint, work);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        failed.set(endpoint, error);
        if (error.again === 'elsewhere') given.add(endpoint);
        const spent = tries >= this.retry.times + this.list.length - 1;
        if (error.again === 'never' || delivered() || signal.aborted) throw error.error;
        if (spent || given.size === this.list.length) throw sum([...failed.values()]);
      } finally {
        endpoint.running--;
      }
    }
  }

  /** Servers that rest come last; among equals the one with the least to do, then the one that was asked longest ago. */
  private choose(given: ReadonlySet<Endpoint<T>>): Endpoint<T> {
    const now = this.around.now();
    const rest = ({ restsUntil, closedUntil }: Endpoint<T>): number => Math.max(restsUntil, closedUntil, now);
    const open = this.list.filter((endpoint) => !given.has(endpoint));
    return open.reduce((best, one) => {
      const order = rest(one) - rest(best) || one.running - best.running || one.asked - best.asked;
      return order < 0 ? one : best;
    });
  }

  private async attempt<R>(endpoint: Endpoint<T>, work: (server: T, endpoint: Endpoint<T>) => Promise<R>): Promise<R> {
    try {
      const result = await work(endpoint.server, endpoint);
      endpoint.failures = 0;
      endpoint.restsUntil = 0;
      return result;
    } catch (error) {
      if (error instanceof Failure && error.again !== 'never') {
        endpoint.failures++;
        const now = this.around.now();
        endpoint.restsUntil = now + Math.min(LONGEST_REST, REST * 2 ** (endpoint.failures - 1));
        if (error.wait !== undefined) endpoint.closedUntil = now + error.wait;
      }
      throw error;
    }
  }

  /** Waits as the server asked, and at least the backoff's time where it has failed in this request already. */
  private async wait(
    endpoint: Endpoint<T>,
    failed: ReadonlyMap<Endpoint<T>, Failure>,
    tries: number,
    signal: AbortSignal,
  ): Promise<void> {
    const asked = endpoint.closedUntil - this.around.now();
    if (asked > this.retry.longest) {
      const before = failed.size > 0 ? `${sum([...failed.values()]).message} ` : '';
      const often = this.list.length > 1 ? 'The servers ask' : 'The server asks';
      throw new ServerError(`${before}${often} to be left alone for ${Math.ceil(asked)} s; try again then.`);
    }
    const own = failed.has(endpoint) ? backoff(tries, this.retry, this.around.random()) : 0;
    const seconds = Math.max(asked, own);
    if (seconds > 0) await this.around.sleep(seconds, signal);
  }
}

/** Seconds before a new try: doubled with each, half of it at random, so that clients do not come back all at once. */
export function backoff(tries: number, { wait, longest }: RetryOptions, random: number): number {
  return Math.min(longest, wait * 2 ** (tries - 1)) * (0.5 + 0.5 * random);
}

/** One error for all servers that failed. */
function sum(failures: readonly Failure[]): BagpiperError {
  const [{ error }] = failures.slice(-1);
  if (failures.length === 1) return error;
  const messages = failures.map(({ message }) => message.replace(/\.$/, '')).join('; ');
  const all = `None of ${failures.length} servers answered: ${messages}.`;
  return failures.some((failure) => failure.error instanceof ServerError)
    ? new ServerError(all)
    : new BagpiperError(all);
}
