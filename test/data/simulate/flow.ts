/** Runs the steps of a variant one after another in memory, as the runner does on disk. */
import { FLOWS, type SimulateSettings, type Variant } from '../../../src/data/simulate/flow.js';
import type { Tools } from '../../../src/data/simulate/types.js';
import { type Keyed, type Reason, SetAside } from '../../../src/data/types.js';
import { context } from './model.js';

export const SETTINGS: SimulateSettings = { seed: 1, system: 'Make it.', questions: 4, everyGroup: true };

export interface Flowed {
  /** results by stage */
  results: Record<string, Keyed[]>;
  /** reasons by id */
  aside: Record<string, Reason>;
  tokens: number;
}

export async function flow(
  variant: Variant,
  sources: readonly Keyed[],
  tools: (asks: 'requests' | 'thinking' | 'judge') => Tools,
  settings = SETTINGS,
): Promise<Flowed> {
  const done: Flowed = { results: {}, aside: {}, tokens: 0 };
  const spent = context();
  for (const plan of FLOWS[variant]) {
    const step = plan.make(tools(plan.asks ?? 'requests'), settings);
    const before = plan.from === null ? sources : (done.results[plan.from] ?? []);
    const results: Keyed[] = [];
    for (const input of before.flatMap((result) => plan.inputs(result, settings))) {
      try {
        results.push(await step(input, spent));
      } catch (error) {
        if (!(error instanceof SetAside)) throw error;
        done.aside[`${plan.stage} ${input.id}`] = error.reason;
      }
    }
    done.results[plan.stage] = results;
  }
  done.tokens = spent.spent;
  return done;
}
