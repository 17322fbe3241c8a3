/** How far a download is, how fast, and how long it will take. */

export interface Progress {
  /** bytes that are there, of those wanted */
  done: number;
  total: number;
  /** bytes a second that came lately; undefined until there is something to tell by */
  speed: number | undefined;
  /** seconds that are left at that speed */
  left: number | undefined;
}

/** Seconds that the speed is measured over. */
const SPAN = 15;

export class Meter {
  private done = 0;
  /** bytes that came over the network, all of them and at some moments */
  private fresh = 0;
  private readonly moments: { at: number; fresh: number }[] = [];

  /** @param now seconds of a clock that only goes forward */
  constructor(
    private readonly total: number,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  /** @param fresh they came over the network, and say something about its speed */
  add(bytes: number, fresh: boolean): void {
    this.done += bytes;
    if (fresh) this.fresh += bytes;
  }

  /** What came over the network. */
  get received(): number {
    return this.fresh;
  }

  /** The state now; asked for regularly. */
  progress(): Progress {
    const { moments, fresh, total } = this;
    const at = this.now();
    moments.push({ at, fresh });
    while (moments.length > 2 && moments[1].at < at - SPAN) moments.shift();
    const [first] = moments;
    const seconds = at - first.at;
    const speed = seconds > 0.5 ? (fresh - first.fresh) / seconds : undefined;
    const left = speed !== undefined && speed > 0 ? (total - this.done) / speed : undefined;
    return { done: this.done, total, speed, left };
  }
}
