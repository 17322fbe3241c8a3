/** How far a stage has come. */
import type { Usage } from '../types.js';
import type { Counts } from './manifest.js';

export interface Progress {
  stage: string;
  /** records of all inputs, where it is known */
  total?: number;
  /** with a result or set aside; those from earlier calls included */
  done: number;
  counts: Counts;
  inFlight: number;
  /** records that failed are being tried again */
  retrying: boolean;
  /** records a second of late; undefined at first */
  rate?: number;
  /** seconds left; undefined when it cannot be said */
  left?: number;
  /** tokens spent, failed tries and earlier calls included */
  usage: Usage;
  /** of them all, where prices are known */
  cost?: number;
  /** what the executor says, as in "3 workers" */
  status?: string;
}

/** Seconds that the rate looks back. */
const LOOK_BACK = 30;

/** Counts what ends, for a rate that follows the last half minute. */
export class Meter {
  private readonly marks: { at: number; count: number }[] = [];
  private count = 0;

  /** @param now seconds, by a clock that only goes forward */
  constructor(private readonly now: () => number = () => performance.now() / 1000) {
    this.marks.push({ at: now(), count: 0 });
  }

  tick(): void {
    this.count++;
    const at = this.now();
    if (at - this.marks[this.marks.length - 1].at < 0.5) return;
    this.marks.push({ at, count: this.count });
    while (this.marks.length > 2 && this.marks[1].at < at - LOOK_BACK) this.marks.shift();
  }

  /** Records a second; undefined within the first second. */
  rate(): number | undefined {
    const [{ at, count }] = this.marks;
    const seconds = this.now() - at;
    return seconds < 1 || this.count === count ? undefined : (this.count - count) / seconds;
  }
}
