/** So many at once, and no more. */
export class Slots {
  private used = 0;
  private waiting: (() => void)[] = [];
  private ending: (() => void)[] = [];

  constructor(private readonly most: number) {}

  get inUse(): number {
    return this.used;
  }

  /** Takes a slot as soon as there is one. */
  async take(): Promise<void> {
    if (this.used < this.most) this.used++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Gives it back, to whom waits first. */
  free(): void {
    const next = this.waiting.shift();
    if (next) {
      next();
      return;
    }
    this.used--;
    if (this.used === 0) for (const end of this.ending.splice(0)) end();
  }

  /** Resolves when all are free. */
  async allFree(): Promise<void> {
    if (this.used > 0) await new Promise<void>((resolve) => this.ending.push(resolve));
  }
}
