/** Events of one request on their way to the caller: an async iterator that can be left at any moment. */

type Waiter<T> = { resolve: (result: IteratorResult<T, undefined>) => void; reject: (error: unknown) => void };

export interface ChannelOptions {
  /** called at the first `next`; what it throws ends the channel */
  start: () => void;
  /** called once when nothing more will be taken from the other side; `whole`: it had ended by itself */
  stop: (whole: boolean) => void;
}

/**
 * Not an async generator: the `return` of one waits until its `next` is done, and a caller who leaves must not wait.
 */
export class Channel<T> implements AsyncIterableIterator<T, undefined, undefined> {
  private values: T[] = [];
  private waiters: Waiter<T>[] = [];
  private started = false;
  private ended = false;
  private failure: { error: unknown } | undefined;

  constructor(private readonly options: ChannelOptions) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** From the other side: one more value. */
  push(value: T): void {
    if (this.ended) return;
    const waiter = this.waiters.shift();
    if (waiter) waiter.resolve({ done: false, value });
    else this.values.push(value);
  }

  /** From the other side: the end. What was pushed before still arrives. */
  end(): void {
    this.close(true);
  }

  /** The end with an error. @param now drops what was pushed but not yet taken */
  fail(error: unknown, now = false): void {
    if (this.ended) return;
    if (now) this.values = [];
    this.failure = { error };
    this.close(!now);
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (!this.started) {
      this.started = true;
      try {
        if (!this.ended) this.options.start();
      } catch (error) {
        this.fail(error);
      }
    }
    if (this.values.length > 0) return { done: false, value: this.values.shift()! };
    if (this.ended) {
      const { failure } = this;
      this.failure = undefined;
      if (failure) throw failure.error;
      return { done: true, value: undefined };
    }
    return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.values = [];
    this.failure = undefined;
    this.close(false);
    return { done: true, value: undefined };
  }

  private close(whole: boolean): void {
    if (this.ended) return;
    this.ended = true;
    const { waiters, failure } = this;
    this.waiters = [];
    for (const [i, { resolve, reject }] of waiters.entries()) {
      if (i === 0 && failure) reject(failure.error);
      else resolve({ done: true, value: undefined });
    }
    if (waiters.length > 0) this.failure = undefined;
    if (this.started) this.options.stop(whole);
  }
}
