/**
 * Many requests, one model. Each request has a lane and asks for rows to be fed; what all lanes ask for by the next turn
 * is one batch. Long work (a prompt, the all-zero rows) is cut into chunks, at most one between two steps, so that those
 * who generate hardly wait for those who come. A lane's numbers are the same whatever other lanes do (decoder.ts).
 */
import type { AudioScores, Decoder } from './decoder.js';
import { CHUNK } from './decoder.js';

/** What is wanted of the vectors after a row. */
export type Head = 'none' | 'text' | 'audio';

/** Prompt rows: ids [count, num_stream], or features [count, hidden] where `isFeature` [count] is 1. */
export interface PromptRows {
  count: number;
  ids: Int32Array;
  features?: Float32Array;
  isFeature?: Float32Array;
}

/** The scores asked for, guided where the lane is: `text` over special and text ids of stream 0, or `audio`. */
export interface Scores {
  text?: Float32Array;
  audio?: AudioScores;
}

/** A slot of the decoder in someone's hands. Its number changes when slots are packed. */
interface Seat {
  slot: number;
}

interface StepOrder {
  lane: Lane;
  row: Int32Array;
  head: Head;
  guidance: number;
  resolve: (scores: Scores) => void;
  reject: (error: unknown) => void;
}

interface Job {
  signal: AbortSignal | undefined;
  work: () => Promise<void>;
  reject: (error: unknown) => void;
}

/** Lets messages and microtasks in. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Scheduler {
  private readonly seats: Seat[] = [];
  private orders: StepOrder[] = [];
  private readonly jobs: Job[] = [];
  private closings: (() => void)[] = [];
  private working = false;

  constructor(readonly decoder: Decoder) {}

  /** Starts a sequence. Everything it asks for fails with the signal's reason once that fires. Close it in any case. */
  open(signal?: AbortSignal): Lane {
    return new Lane(this, signal);
  }

  /** Has a row fed to a lane (and its unconditional branch) together with whatever others ask for. */
  step(lane: Lane, row: Int32Array, head: Head, guidance: number): Promise<Scores> {
    return new Promise((resolve, reject) => {
      this.orders.push({ lane, row, head, guidance, resolve, reject });
      this.wake();
    });
  }

  /** Has the decoder to itself for a while, between steps; in the order asked. */
  alone<T>(signal: AbortSignal | undefined, work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.jobs.push({ signal, work: async () => resolve(await work()), reject });
      this.wake();
    });
  }

  /** Like {@link alone}, but at once when the present step is over. */
  soon(work: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.closings.push(() => {
        work();
        resolve();
      });
      this.wake();
    });
  }

  /** Only while alone: a free slot behind the others. */
  take(): Seat {
    const seat = { slot: this.seats.length };
    this.seats.push(seat);
    this.decoder.clear(seat.slot);
    return seat;
  }

  /** Only while alone: frees a slot; the last one moves into the gap, so that those in use stay neighbours. */
  give(seat: Seat): void {
    const last = this.seats.pop()!;
    if (last !== seat) {
      this.decoder.move(last.slot, seat.slot);
      this.seats[seat.slot] = last;
      last.slot = seat.slot;
    }
    this.decoder.clear(this.seats.length);
    if (this.seats.length === 0) this.decoder.trim();
  }

  private wake(): void {
    if (this.working) return;
    this.working = true;
    void this.work();
  }

  private async work(): Promise<void> {
    await turn();
    while (this.closings.length > 0 || this.jobs.length > 0 || this.orders.length > 0) {
      const closings = this.closings;
      this.closings = [];
      for (const close of closings) close();
      await this.doOne();
      const orders = this.orders.filter(({ lane, reject }) => !aborted(lane.signal, reject));
      this.orders = [];
      if (orders.length > 0) await this.stepAll(orders);
      await turn();
    }
    this.working = false;
  }

  private async doOne(): Promise<void> {
    for (let job = this.jobs.shift(); job; job = this.jobs.shift()) {
      if (aborted(job.signal, job.reject)) continue;
      await job.work().catch(job.reject);
      return;
    }
  }

  private async stepAll(orders: readonly StepOrder[]): Promise<void> {
    try {
      const scores = await this.scoresOf(orders);
      for (const [i, order] of orders.entries()) order.resolve(scores[i]);
    } catch (error) {
      for (const { reject } of orders) reject(error);
    }
  }

  private async scoresOf(orders: readonly StepOrder[]): Promise<Scores[]> {
    const { decoder } = this;
    const { num_stream: streams, hidden_size: width } = decoder.config;
    const first = Math.min(...orders.map(({ lane }) => Math.min(...lane.slots())));
    const last = Math.max(...orders.map(({ lane }) => Math.max(...lane.slots())));
    const slots = last - first + 1;
    const ids = new Int32Array(slots * streams);
    const idle = new Array<boolean>(slots).fill(true);
    for (const { lane, row } of orders) {
      for (const slot of lane.slots()) {
        ids.set(row, (slot - first) * streams);
        idle[slot - first] = false;
      }
    }
    const hidden = await decoder.feed({ slot: first, slots, count: 1, ids, idle });
    const vectors = (head: Head): Float32Array => {
      const wanted = orders.flatMap((order) => (order.head === head ? order.lane.slots() : []));
      const out = new Float32Array(wanted.length * width);
      for (const [i, slot] of wanted.entries()) {
        out.set(hidden.subarray((slot - first) * width, (slot - first + 1) * width), i * width);
      }
      return out;
    };
    const [forText, forAudio] = [vectors('text'), vectors('audio')];
    const text = forText.length > 0 ? await decoder.textLogits(forText) : [];
    const audio = forAudio.length > 0 ? await decoder.audioLogits(forAudio) : [];
    return orders.map(({ lane, head, guidance }): Scores => {
      const branches = head === 'none' ? 0 : lane.slots().length;
      if (head === 'text') return { text: guided(text.splice(0, branches), guidance) };
      if (head === 'none') return {};
      const own = audio.splice(0, branches);
      return {
        audio: {
          codes: guided(
            own.map((scores) => scores.codes),
            guidance,
          ),
          ends: guided(
            own.map((scores) => scores.ends),
            guidance,
          ),
        },
      };
    });
  }
}

function aborted(signal: AbortSignal | undefined, reject: (error: unknown) => void): boolean {
  if (!signal?.aborted) return false;
  reject(signal.reason);
  return true;
}

/** Classifier-free guidance (Ho and Salimans 2022): weight * conditional + (1 - weight) * unconditional. */
function guided([own, other]: readonly Float32Array[], weight: number): Float32Array {
  return other ? own.map((x, i) => weight * x + (1 - weight) * other[i]) : own;
}

/** One sequence of a request, and while it is guided a second one beside it. One call at a time. */
export class Lane {
  private seat: Seat | undefined;
  private shadow: Seat | undefined;
  private rows = 0;

  constructor(
    private readonly scheduler: Scheduler,
    readonly signal: AbortSignal | undefined,
  ) {}

  /** Rows held. */
  get length(): number {
    return this.rows;
  }

  /** Slots that a step feeds: the sequence's and, with guidance, the unconditional one's. */
  slots(): number[] {
    return [this.seat, this.shadow].flatMap((seat) => (seat ? [seat.slot] : []));
  }

  /** Reads rows in chunks. */
  async prefill({ count, ids, features, isFeature }: PromptRows): Promise<void> {
    const { decoder } = this.scheduler;
    const { num_stream: streams, hidden_size: width } = decoder.config;
    for (let at = 0; at < count; at += CHUNK) {
      const to = Math.min(count, at + CHUNK);
      await this.scheduler.alone(this.signal, async () => {
        this.seat ??= this.scheduler.take();
        await decoder.feed({
          slot: this.seat.slot,
          slots: 1,
          count: to - at,
          ids: ids.subarray(at * streams, to * streams),
          features: features?.subarray(at * width, to * width),
          isFeature: isFeature?.subarray(at, to),
        });
        this.rows += to - at;
      });
    }
  }

  /** Feeds one row [num_stream] and gives the scores after it. @param guidance weight for a guided lane */
  async step(row: Int32Array, head: Head, guidance = 1): Promise<Scores> {
    this.signal?.throwIfAborted();
    const scores = await this.scheduler.step(this, row, head, guidance);
    this.rows++;
    return scores;
  }

  /** Forgets all but the first rows; only while there is no unconditional branch. */
  async rewind(rows: number): Promise<void> {
    const { seat } = this;
    if (!seat || this.shadow || rows > this.rows) throw new Error(`cannot go back to row ${rows} of ${this.rows}`);
    await this.scheduler.alone(this.signal, () => this.scheduler.decoder.cut(seat.slot, rows));
    this.rows = rows;
  }

  /** Starts the unconditional branch: as many all-zero rows as the sequence holds. */
  async guide(): Promise<void> {
    const { decoder } = this.scheduler;
    for (let whole = false; !whole; ) {
      whole = await this.scheduler.alone(this.signal, async () => {
        if (!(await decoder.growZeros(this.rows))) return false;
        this.shadow = this.scheduler.take();
        decoder.takeZeros(this.shadow.slot, this.rows);
        return true;
      });
    }
  }

  /** Ends the unconditional branch. */
  async unguide(): Promise<void> {
    await this.scheduler.soon(() => this.release('shadow'));
  }

  /** Gives the slots back. Always works; may be called again. */
  async close(): Promise<void> {
    await this.scheduler.soon(() => {
      this.release('shadow');
      this.release('seat');
    });
  }

  private release(which: 'seat' | 'shadow'): void {
    const seat = this[which];
    this[which] = undefined;
    if (seat) this.scheduler.give(seat);
  }
}
