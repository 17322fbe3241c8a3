/** Who may run: so many rows in a step, given out in the order of asking. */

interface Waiting {
  rows: number;
  enter: () => void;
}

export class Admission {
  private free: number;
  private readonly waiting: Waiting[] = [];

  /** @param rows rows that may run at once */
  constructor(private readonly rows: number) {
    this.free = rows;
  }

  /**
   * Waits for `rows` rows; nobody overtakes. Whoever entered must {@link leave} with as many.
   *
   * @param onWait called when they are not free at once
   * @throws the signal's reason when it fires while waiting
   */
  enter(rows: number, signal: AbortSignal, onWait: () => void): Promise<void> {
    signal.throwIfAborted();
    if (rows > this.rows) throw new Error(`${rows} rows asked for, ${this.rows} there are`);
    if (this.waiting.length === 0 && rows <= this.free) {
      this.free -= rows;
      return Promise.resolve();
    }
    onWait();
    return new Promise((resolve, reject) => {
      const give = (): void => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(signal.reason);
        // Those behind may fit where this one did not.
        this.admit();
      };
      const entry: Waiting = {
        rows,
        enter: () => {
          signal.removeEventListener('abort', give);
          resolve();
        },
      };
      signal.addEventListener('abort', give, { once: true });
      this.waiting.push(entry);
    });
  }

  leave(rows: number): void {
    this.free += rows;
    this.admit();
  }

  private admit(): void {
    while (this.waiting.length > 0 && this.waiting[0].rows <= this.free) {
      const next = this.waiting.shift()!;
      this.free -= next.rows;
      next.enter();
    }
  }
}
