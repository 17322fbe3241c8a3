/** Many requests over several endpoints: each goes where it is done soonest, and none is lost to an endpoint that fails. */
import { backoff, Failure, type Surroundings } from '../../endpoints/index.js';
import { BagpiperError, ServerError } from '../../errors.js';
import { RecordError } from '../types.js';
import { Place, type PlaceOptions } from './place.js';
import { reasonOf } from './reasons.js';

export interface PoolOptions extends PlaceOptions {
  /** seconds without one good answer after which everything is given up */
  patience: number;
}

/** Failures of different requests in a row without which patience does not end: a few may be to blame themselves. */
const CERTAIN = 16;
/** Refused requests beyond the most that run at once, without a single good answer, after which it is the setting's fault. */
const ALL_REFUSED = 64;

/** A request that wants a place. */
interface Request<T> {
  /** older ones come first, also when they are tried again: so none is put off for ever */
  order: number;
  tokens: number;
  signal: AbortSignal;
  faults: number;
  /** seconds of the clock since when it has only been told to wait */
  busySince: number | undefined;
  /** places where it has failed, and when it may be tried there again */
  notBefore: Map<Place<T>, number>;
}

interface Waiter<T> {
  request: Request<T>;
  go: (place: Place<T>) => void;
  stop: (error: unknown) => void;
}

export class Pool<T> {
  readonly places: readonly Place<T>[];
  /** tries that failed and were made again */
  again = 0;
  private turn = 0;
  /** requests refused before the first good answer; undefined: there has been one */
  private refused: number | undefined = 0;
  private orders = 0;
  /** the oldest first */
  private readonly waiters: Waiter<T>[] = [];
  /** since when there has been no good answer though some were asked for, the last failure, and whom it befell */
  private quiet: { since: number; last: Failure; requests: Set<object> } | undefined;
  private alarm: { at: number; off: AbortController } | undefined;

  constructor(
    servers: readonly T[],
    private readonly options: PoolOptions,
    private readonly around: Surroundings,
  ) {
    this.places = servers.map((server) => new Place(server, options, around.now()));
  }

  /** Requests that wait for a place. */
  get waiting(): number {
    return this.waiters.length;
  }

  /**
   * Does `work` at one endpoint after another until one does it.
   *
   * @param tokens that it will take, as far as known
   * @param tookOf how many a result has taken; undefined: not known
   * @throws RecordError when this request has failed for good; BagpiperError when no endpoint takes any; the signal's reason;
   *   what else `work` throws
   */
  async run<R>(
    work: (server: T, place: Place<T>) => Promise<R>,
    tokens: number,
    tookOf: (result: R) => number | undefined,
    signal: AbortSignal,
  ): Promise<R> {
    const order = ++this.orders;
    const request: Request<T> = { order, tokens, signal, faults: 0, busySince: undefined, notBefore: new Map() };
    for (;;) {
      const place = await this.enter(request);
      const began = this.around.now();
      let took: number | undefined;
      try {
        const result = await work(place.server, place);
        took = tookOf(result);
        place.succeed(began, this.around.now());
        this.quiet = undefined;
        this.refused = undefined;
        return result;
      } catch (error) {
        if (!(error instanceof Failure) || signal.aborted) throw error;
        this.note(request, place, error, began);
        this.again++;
      } finally {
        place.end(tokens, took, this.around.now());
        this.look();
      }
    }
  }

  /** Ends all waiting. */
  stop(error: unknown): void {
    for (const waiter of [...this.waiters]) waiter.stop(error);
    this.alarm?.off.abort();
  }

  /** Has a look when something has changed from outside. */
  look(): void {
    const now = this.around.now();
    const lost = this.waiters.length > 0 ? this.hopeless(now) : undefined;
    if (lost) {
      // Whoever asks after this begins a new count.
      this.quiet = undefined;
      this.stop(lost);
      return;
    }
    let wake = Number.POSITIVE_INFINITY;
    for (const waiter of [...this.waiters]) {
      const { place, at } = this.offer(waiter.request, now);
      if (place) waiter.go(place);
      else wake = Math.min(wake, at);
    }
    this.setAlarm(wake, now);
  }

  /** Decides about a request after a failure. @throws RecordError where it has failed for good */
  private note(request: Request<T>, place: Place<T>, failure: Failure, began: number): void {
    const { retry, patience } = this.options;
    const now = this.around.now();
    const verdict = place.fail(failure, began, now, this.around.random());
    if (verdict === 'refused') throw this.refusal(failure);
    if (verdict === 'barred') return;
    this.quiet ??= { since: now, last: failure, requests: new Set() };
    this.quiet.last = failure;
    this.quiet.requests.add(request);
    if (verdict === 'busy') {
      request.busySince ??= began;
      if (now - request.busySince > patience) throw new RecordError(reasonOf(failure));
      return;
    }
    request.busySince = undefined;
    if (++request.faults > retry.times) throw new RecordError(reasonOf(failure));
    request.notBefore.set(place, now + backoff(request.faults, retry, this.around.random()));
  }

  /** One request's error; the stage's, where no request ever does better: a model without ears refuses them all. */
  private refusal(failure: Failure): Error {
    if (this.refused !== undefined) this.refused++;
    if ((this.refused ?? 0) < this.options.concurrency * this.places.length + ALL_REFUSED) {
      return new RecordError(reasonOf(failure));
    }
    const { message } = failure;
    return new BagpiperError(
      `The first ${this.refused} requests were all refused; put right the stage's settings. ${message}`,
    );
  }

  private async enter(request: Request<T>): Promise<Place<T>> {
    const { signal } = request;
    signal.throwIfAborted();
    return new Promise<Place<T>>((resolve, reject) => {
      const leave = (): void => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        signal.removeEventListener('abort', cancel);
      };
      const waiter: Waiter<T> = {
        request,
        go: (place) => {
          leave();
          place.asked = ++this.turn;
          place.begin(request.tokens, this.around.now());
          resolve(place);
        },
        stop: (error) => {
          leave();
          reject(error);
        },
      };
      const cancel = (): void => waiter.stop(signal.reason);
      signal.addEventListener('abort', cancel, { once: true });
      const later = this.waiters.findIndex(({ request: { order } }) => order > request.order);
      this.waiters.splice(later < 0 ? this.waiters.length : later, 0, waiter);
      this.look();
    });
  }

  /** The best place for a request now, or when there may be one. */
  private offer({ tokens, notBefore }: Request<T>, now: number): { place?: Place<T>; at: number } {
    let best: Place<T> | undefined;
    let at = Number.POSITIVE_INFINITY;
    const typical = this.typicalSeconds();
    for (const place of this.places) {
      const opens = Math.max(place.opens(tokens, now), notBefore.get(place) ?? 0);
      if (opens > now) {
        at = Math.min(at, opens);
        continue;
      }
      const order = best ? place.load(typical) - best.load(typical) || place.asked - best.asked : -1;
      if (order < 0) best = place;
    }
    return best ? { place: best, at: now } : { at };
  }

  /** An endpoint that has not answered yet is taken to be as quick as the quickest, so that it gets its chance. */
  private typicalSeconds(): number {
    const known = this.places.flatMap(({ seconds }) => (seconds > 0 ? [seconds] : []));
    return known.length > 0 ? Math.min(...known) : 0;
  }

  /** Why nobody needs to wait any longer. */
  private hopeless(now: number): BagpiperError | undefined {
    const { patience } = this.options;
    const barred = this.places.flatMap(({ barred }) => (barred && barred.until > now ? [barred.error] : []));
    if (barred.length === this.places.length) return together(barred);
    const shut = this.places.every(
      ({ closedUntil, barred }) => closedUntil - now > patience || (barred && barred.until > now),
    );
    if (shut) {
      const seconds = Math.ceil(Math.min(...this.places.map(({ closedUntil }) => closedUntil)) - now);
      return new ServerError(`All servers ask to be left alone, the first for ${seconds} s; go on then.`);
    }
    if (!this.quiet || now - this.quiet.since <= patience || this.quiet.requests.size < CERTAIN) return undefined;
    if (this.places.some(({ running }) => running > 0)) return undefined;
    const quiet = Math.round(now - this.quiet.since);
    return new ServerError(`No server has answered for ${quiet} s, the last one said: ${this.quiet.last.message}`);
  }

  private setAlarm(at: number, now: number): void {
    if (this.alarm && this.alarm.at <= at && this.alarm.at > now) return;
    this.alarm?.off.abort();
    this.alarm = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const off = new AbortController();
    this.alarm = { at, off };
    this.around.sleep(at - now, off.signal).then(
      () => {
        if (this.alarm?.off === off) this.alarm = undefined;
        this.look();
      },
      () => {},
    );
  }
}

/** One error for all endpoints. */
function together(errors: readonly BagpiperError[]): BagpiperError {
  if (errors.length === 1) return errors[0];
  const messages = errors.map(({ message }) => message.replace(/\.$/, '')).join('; ');
  const [{ constructor: Kind }] = errors;
  return new (Kind as typeof BagpiperError)(`None of ${errors.length} servers takes requests: ${messages}.`);
}
