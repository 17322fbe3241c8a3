/** Limits a minute, kept by a bucket that refills. */

const MINUTE = 60;
/** Share of a minute's amount that may go out at once. */
const BURST = 1 / 30;

/**
 * A bucket that never lets out more than `perMinute` in any minute, but for the overhang of the last one: it holds a share of
 * the minute's amount, and what is not in the bucket flows in evenly over the minute.
 */
export class Bucket {
  private readonly capacity: number;
  private readonly flow: number;
  private level: number;
  private at: number;

  /** @param unit the smallest amount that is taken: 1 request, or 1 token @param now seconds */
  constructor(perMinute: number, unit: number, now: number) {
    this.capacity = Math.max(unit, Math.floor(perMinute * BURST));
    // With `unit` more the minute's last one still falls onto the next minute's beginning.
    this.flow = (perMinute - this.capacity + unit) / MINUTE;
    this.level = this.capacity;
    this.at = now;
  }

  /** Seconds until `amount` may go. What the bucket can never hold may go when it is full, and leaves a debt. */
  delay(amount: number, now: number): number {
    if (this.capacity === Number.POSITIVE_INFINITY) return 0;
    const missing = Math.min(amount, this.capacity) - this.levelAt(now);
    // Not a hair's breadth too early, by rounding.
    return missing <= 1e-9 ? 0 : missing / this.flow + 1e-6;
  }

  /** Takes out, or puts back what turned out not to be needed (a negative amount). */
  take(amount: number, now: number): void {
    if (this.capacity === Number.POSITIVE_INFINITY) return;
    this.level = Math.min(this.capacity, this.levelAt(now) - amount);
    this.at = now;
  }

  private levelAt(now: number): number {
    return Math.min(this.capacity, this.level + this.flow * Math.max(0, now - this.at));
  }
}
