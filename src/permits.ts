/** Leave to do something that only so many may do at once; who asks first gets it first. */
export class Permits {
  private readonly waiting = new Set<() => void>();

  constructor(private free: number) {}

  /**
   * Waits for its turn.
   *
   * @returns gives the leave back; more than once does no harm
   * @throws the signal's reason
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.free > 0) this.free--;
    else await this.turn(signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = this.waiting;
      if (next) next();
      else this.free++;
    };
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting.delete(go);
        signal.removeEventListener('abort', stop);
      };
      const go = (): void => {
        leave();
        resolve();
      };
      const stop = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.waiting.add(go);
    });
  }
}
