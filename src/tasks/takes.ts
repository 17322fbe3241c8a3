/**
 * Several takes of one request. A model that both hears and makes sounds can judge its own: each take is described, and the
 * one is kept whose description is most like the caption that it was made after.
 */
import type { GenerateStats } from '../engine/types.js';
import { LEAST_SAMPLES } from '../model/config.js';
import { likeness } from './likeness.js';
import { addStats, noStats } from './stats.js';
import type { Parts, Reply, Take, VerbEvent } from './types.js';

type Tell = (event: VerbEvent) => void;

/**
 * Takes at work at once. An engine feeds them together, which takes less time than one after the other; a larger number of takes is to
 * cost time, not memory.
 */
const TOGETHER = 4;

export interface TakesOptions {
  /** how many takes, with `seed` and the seeds after it */
  takes: number;
  seed: number;
  make: (seed: number, tell: Tell, signal: AbortSignal) => Promise<Parts>;
  hear: (samples: Float32Array, signal: AbortSignal) => Reply;
  tell: Tell;
  signal: AbortSignal;
}

/** A take, and what was made. */
interface Made {
  take: Take;
  parts: Parts;
  /** of making and of hearing it */
  work: GenerateStats[];
}

/** Makes all takes, some side by side. @returns the kept one, the earliest of the best, with the work of all in its statistics */
export async function bestTake(options: TakesOptions): Promise<Parts> {
  const { takes, seed, tell } = options;
  // One failure ends the others.
  const inner = new AbortController();
  const signal = AbortSignal.any([options.signal, inner.signal]);
  const telling = new Telling(takes, tell);
  const made: Made[] = new Array(takes);
  let next = 0;
  const workOff = async (): Promise<void> => {
    while (next < takes) {
      const i = next++;
      made[i] = await oneTake({ ...options, signal, tell: telling.of(i) }, seed + i);
      telling.end(i);
    }
  };
  const workers = Array.from({ length: Math.min(TOGETHER, takes) }, workOff);
  await Promise.all(workers).catch((error: unknown) => inner.abort(error));
  await Promise.allSettled(workers);
  signal.throwIfAborted();
  const { parts } = made.reduce((best, other) => (other.take.likeness > best.take.likeness ? other : best));
  for (const part of ['thinking', 'caption'] as const) {
    if (parts[part] !== '') tell({ type: 'text', part, delta: parts[part] });
  }
  if (parts.audio) tell({ type: 'audio', samples: parts.audio.samples });
  const stats = noStats();
  for (const { work } of made) for (const part of work) addStats(stats, part);
  return { ...parts, takes: made.map(({ take }) => take), stats };
}

async function oneTake({ make, hear, tell, signal }: TakesOptions, seed: number): Promise<Made> {
  const parts = await make(seed, tell, signal);
  const work = [parts.stats];
  let heard = '';
  const samples = parts.audio?.samples;
  if (samples && samples.length >= LEAST_SAMPLES) {
    const reply = hear(samples, signal);
    for await (const event of reply) tell(event);
    const told = await reply;
    work.push(told.stats);
    heard = told.caption;
  }
  return { take: { seed, heard, likeness: likeness(heard, parts.caption) }, parts, work };
}

/** What is told of takes side by side: the phases and progress of the earliest that is not finished. Text and sound wait for the choice. */
class Telling {
  private readonly phases: VerbEvent[] = [];
  private readonly ended: boolean[] = [];
  private shown = 0;

  constructor(
    private readonly takes: number,
    private readonly tell: Tell,
  ) {
    tell({ type: 'take', take: 1, of: takes });
  }

  /** Tells of one take. */
  of(take: number): Tell {
    return (event) => {
      if (event.type === 'phase') this.phases[take] = event;
      else if (event.type !== 'progress') return;
      if (take === this.shown) this.tell(event);
    };
  }

  end(take: number): void {
    this.ended[take] = true;
    while (this.ended[this.shown]) {
      this.shown++;
      if (this.shown === this.takes) return;
      this.tell({ type: 'take', take: this.shown + 1, of: this.takes });
      if (this.phases[this.shown]) this.tell(this.phases[this.shown]);
    }
  }
}
