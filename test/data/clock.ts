/** A clock that only waiting moves. */
import type { Surroundings } from '../../src/endpoints/index.js';

export class TestClock implements Surroundings {
  seconds = 0;
  private readonly sleepers = new Set<{ at: number; wake: () => void }>();
  private ticking = false;

  /** @param idle whether nothing else is going on: time moves then alone */
  constructor(public idle: () => boolean = () => true) {}

  readonly now = (): number => this.seconds;
  readonly random = (): number => 1;

  readonly sleep = async (seconds: number, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', cancel);
        resolve();
      };
      const sleeper = { at: this.seconds + seconds, wake };
      const cancel = (): void => {
        this.sleepers.delete(sleeper);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.sleepers.add(sleeper);
      this.tick();
    });
  };

  readonly timer = (seconds: number, fire: () => void): (() => void) => {
    const off = new AbortController();
    this.sleep(seconds, off.signal).then(fire, () => {});
    return () => off.abort();
  };

  /** Wakes who wakes first, after all that can go on without time has done so. */
  private tick(): void {
    if (this.ticking) return;
    this.ticking = true;
    const look = (): void => {
      this.ticking = false;
      if (this.sleepers.size === 0) return;
      if (this.idle()) {
        const first = [...this.sleepers].reduce((a, b) => (b.at < a.at ? b : a));
        this.sleepers.delete(first);
        this.seconds = Math.max(this.seconds, first.at);
        first.wake();
      }
      this.tick();
    };
    if (this.idle()) setImmediate(look);
    else setTimeout(look, 1);
  }
}
