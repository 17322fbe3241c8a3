/** A clock that only waiting moves: whoever waits longest waits no longer than the others need to get their turn. */
import type { Surroundings } from '../../src/endpoints/index.js';

export class TestClock implements Surroundings {
  seconds = 0;
  /** every wait that came to its end, in order */
  readonly slept: number[] = [];
  private readonly sleepers = new Set<{ at: number; wake: () => void }>();
  private tick(): void {
    if (this.ticking) return;
    this.ticking = true;
    const look = (): void => {
      this.ticking = false;
      if (this.sleepers.size === 0) return;
      if (this.idle()) {
        const [first] = [...this.sleepers].sort((a, b) => a.at - b.at);
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
