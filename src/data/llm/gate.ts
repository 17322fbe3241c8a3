/** Lets only so many through at once, in the order in which they come. */
export class Gate {
  private readonly waiting = new Set<() => void>();

  constructor(private free: number) {}

  /**
   * Waits for its turn.
   *
   * @returns called when it is over; more than once does no harm
   * @throws the signal's reason
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.free > 0) this.free--;
    else await this.turn(signal);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      const [next] = this.waiting;
      if (next) next();
      else this.free++;
    };
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting.delete(go);
        signal.removeEventListener('abort', cancel);
      };
      const go = (): void => {
        leave();
        resolve();
      };
      const cancel = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.waiting.add(go);
    });
  }
}
