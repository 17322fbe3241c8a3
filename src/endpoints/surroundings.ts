/** Time and chance, as far as choices depend on them. */
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../random.js';

/** What choices depend on; tests put their own in place. */
export interface Surroundings {
  /** seconds of a clock that never goes back */
  now: () => number;
  /** @throws the signal's reason when it fires meanwhile */
  sleep: (seconds: number, signal: AbortSignal) => Promise<void>;
  /** calls `fire` then, unless what it returns is called before */
  timer: (seconds: number, fire: () => void) => () => void;
  /** a number in [0, 1) */
  random: () => number;
}

/** The real timer. */
export function timer(seconds: number, fire: () => void): () => void {
  const id = setTimeout(fire, seconds * 1000);
  return () => clearTimeout(id);
}

/** The real ones. */
export function surroundings(): Surroundings {
  // Not from a seed: clients must not wait equally long. It changes when something is asked, never what is answered.
  const random = new Random(`${process.pid} ${process.hrtime.bigint()}`);
  return {
    now: () => performance.now() / 1000,
    random: () => random.next(),
    timer,
    sleep: async (seconds, signal) => {
      await delay(seconds * 1000, undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    },
  };
}
