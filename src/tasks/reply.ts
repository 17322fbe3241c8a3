import type { Parts, Reply, VerbEvent } from './types.js';

/** Does a verb's work, telling events; ends early when the signal fires. */
export type Work = (tell: (event: VerbEvent) => void, signal: AbortSignal) => Promise<Parts>;

/** Starts the work at once; its events are kept, so that a loop which starts later misses none. */
export function startReply(work: Work, outer?: AbortSignal): Reply {
  const inner = new AbortController();
  const signal = outer ? AbortSignal.any([outer, inner.signal]) : inner.signal;
  const events: VerbEvent[] = [];
  let settled = false;
  let wake: (() => void)[] = [];
  const ring = (): void => {
    const waiting = wake;
    wake = [];
    for (const resolve of waiting) resolve();
  };
  const tell = (event: VerbEvent): void => {
    events.push(event);
    ring();
  };
  const parts = Promise.resolve().then(() => {
    signal.throwIfAborted();
    return work(tell, signal);
  });
  const done = (): void => {
    settled = true;
    ring();
  };
  // Also keeps a failure from counting as unhandled while only the loop is listening.
  parts.then(done, done);

  async function* iterate(): AsyncGenerator<VerbEvent, void, void> {
    let whole = false;
    try {
      for (let at = 0; ; ) {
        while (at < events.length) yield events[at++];
        if (settled) break;
        await new Promise<void>((resolve) => wake.push(resolve));
      }
      whole = true;
    } finally {
      if (!whole) inner.abort();
    }
    await parts;
  }
  return {
    // biome-ignore lint/suspicious/noThenProperty: a reply is meant to be awaited
    then: (fulfilled, rejected) => parts.then(fulfilled, rejected),
    [Symbol.asyncIterator]: iterate,
  };
}
