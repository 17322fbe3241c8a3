/** What may be spent: requests are booked before they go out, and settled by what the server counts. */
import { BagpiperError } from '../../errors.js';
import type { Usage } from '../types.js';
import type { Prices } from './options.js';

/** Tokens that a request is expected to take. */
export interface Expected {
  prompt: number;
  completion: number;
}

/** A request that has been let through. */
export interface Booking {
  /** counts what an answer took */
  spend: (usage: Usage) => void;
  /** ends the booking, whatever came of it */
  end: () => void;
}

interface Waiting {
  cost: number;
  go: () => void;
  stop: (error: Error) => void;
}

export const NO_USAGE: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

export class Budget {
  readonly usage: Usage;
  private booked = 0;
  private running = 0;
  private readonly waiting = new Set<Waiting>();

  /** @param limit what may be spent @param before tokens spent earlier, which count */
  constructor(
    private readonly prices: Prices | undefined,
    private readonly limit: number,
    before: Usage = NO_USAGE,
  ) {
    this.usage = { ...before };
  }

  /** What has been spent; undefined without prices. */
  get cost(): number | undefined {
    const { prompt_tokens: prompt, completion_tokens: completion } = this.usage;
    return this.prices && this.costOf({ prompt, completion });
  }

  /**
   * Waits while what is running may use up the rest.
   *
   * @throws BagpiperError when the budget is used up, though never before all that runs has ended; the signal's reason
   */
  async book(expected: Expected, signal: AbortSignal): Promise<Booking> {
    const cost = this.costOf(expected);
    if (this.waiting.size > 0 || !this.fits(cost)) await this.turn(cost, signal);
    else this.enter(cost);
    let ended = false;
    return {
      spend: (usage) => add(this.usage, usage),
      end: () => {
        if (ended) return;
        ended = true;
        this.booked -= cost;
        this.running--;
        // Later: what was answered last reaches its owner before others are told that the budget is used up.
        if (this.waiting.size > 0) setImmediate(() => this.look());
      },
    };
  }

  private fits(cost: number): boolean {
    if (this.limit === Number.POSITIVE_INFINITY) return true;
    const spent = this.cost ?? 0;
    // The last one may cost more than is left: a booking is a guess, and without it the budget would never be reached.
    return spent < this.limit && (this.running === 0 || spent + this.booked + cost <= this.limit);
  }

  private enter(cost: number): void {
    this.booked += cost;
    this.running++;
  }

  private async turn(cost: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.waiting.delete(waiting);
        signal.removeEventListener('abort', cancel);
      };
      const waiting: Waiting = {
        cost,
        go: () => {
          leave();
          this.enter(cost);
          resolve();
        },
        stop: (error) => {
          leave();
          reject(error);
        },
      };
      const cancel = (): void => waiting.stop(signal.reason as Error);
      signal.addEventListener('abort', cancel, { once: true });
      this.waiting.add(waiting);
      this.look();
    });
  }

  private look(): void {
    for (const waiting of [...this.waiting]) {
      if (this.fits(waiting.cost)) waiting.go();
      else if (this.running === 0) waiting.stop(this.usedUp());
      else return;
    }
  }

  private usedUp(): BagpiperError {
    const spent = (this.cost ?? 0).toFixed(2);
    return new BagpiperError(`The budget of ${this.limit} is used up (${spent} spent); raise --budget to go on.`);
  }

  private costOf({ prompt, completion }: Expected): number {
    return (prompt * (this.prices?.input ?? 0) + completion * (this.prices?.output ?? 0)) / 1e6;
  }
}

export function add(sum: Usage, usage: Usage): void {
  sum.prompt_tokens += usage.prompt_tokens;
  sum.completion_tokens += usage.completion_tokens;
  sum.total_tokens += usage.total_tokens;
}
