/**
 * Several takes of one request. A model that both hears and makes sounds can judge its own: each take is described, and the
 * one is kept whose description is most like the caption that it was made after.
 */
import { likeness } from './likeness.js';
import { addStats, noStats } from './stats.js';
import type { Parts, Reply, Take, VerbEvent } from './types.js';

type Tell = (event: VerbEvent) => void;

/** Less sound than the encoder takes: 10 ms. */
const NOTHING = 160;

export interface TakesOptions {
  /** how many takes, with `seed` and the seeds after it */
  takes: number;
  seed: number;
  make: (seed: number, tell: Tell) => Promise<Parts>;
  hear: (samples: Float32Array) => Reply;
  tell: Tell;
}

/** Makes all takes, one after the other. @returns the kept one, the earliest of the best, with the work of all in its statistics */
export async function bestTake({ takes, seed, make, hear, tell }: TakesOptions): Promise<Parts> {
  /** Phases and progress: text and sound wait for the choice. */
  const tellWork: Tell = (event) => {
    if (event.type === 'phase' || event.type === 'progress') tell(event);
  };
  const all: Take[] = [];
  let best: { parts: Parts; take: Take } | undefined;
  const stats = noStats();
  for (let i = 0; i < takes; i++) {
    tell({ type: 'take', take: i + 1, of: takes });
    const parts = await make(seed + i, tellWork);
    addStats(stats, parts.stats);
    let heard = '';
    const samples = parts.audio?.samples;
    if (samples && samples.length >= NOTHING) {
      const reply = hear(samples);
      for await (const event of reply) tellWork(event);
      const told = await reply;
      addStats(stats, told.stats);
      heard = told.caption;
    }
    const take = { seed: seed + i, heard, likeness: likeness(heard, parts.caption) };
    all.push(take);
    if (!best || take.likeness > best.take.likeness) best = { parts, take };
  }
  const { parts } = best!;
  for (const part of ['thinking', 'caption'] as const) {
    if (parts[part] !== '') tell({ type: 'text', part, delta: parts[part] });
  }
  if (parts.audio) tell({ type: 'audio', samples: parts.audio.samples });
  return { ...parts, takes: all, stats };
}
