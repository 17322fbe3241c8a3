/** Runs a plan from where its folder stands: what has a result is passed over, what was stopped goes on. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { machine } from '../bench/table.js';
import type { TrainingSizes } from '../src/model/index.js';
import type { Material } from './material.js';
import type { Counts } from './measures.js';
import type { Run } from './plan.js';
import { commitOf, type Result, type ResultStore } from './results.js';
import { guidanceRun, referenceRun } from './shipped-runs.js';
import { tidyRun, trainRun } from './train-run.js';

export interface RunnerOptions {
  store: ResultStore;
  material: Material;
  sizes: TrainingSizes;
  counts: Counts;
  signal: AbortSignal;
  /** says which run comes next */
  tell?: (text: string) => void;
}

/**
 * Makes the results that are missing, in the order of the plan.
 *
 * @returns whether all are there; false where the signal stopped it
 * @throws BagpiperError where a result or checkpoint in the folder belongs to other settings
 */
export async function runAll(runs: readonly Run[], options: RunnerOptions): Promise<boolean> {
  const { store, signal, tell } = options;
  // Settings that do not fit are found before anything is computed.
  const missing = runs.filter((run) => store.read(run) === undefined);
  for (const [i, run] of missing.entries()) {
    if (signal.aborted) return false;
    tell?.(`-- ${run.id} (${i + 1} of ${missing.length}, about ${run.minutes.toFixed(1)} min)`);
    const result = await resultOf(run, options).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (!result) return false;
    store.write(result);
    if (run.kind === 'training') tidyRun(run, runsFolder(store), run.id.startsWith('pretrain-'));
  }
  return true;
}

const runsFolder = (store: ResultStore): string => join(store.out, 'runs');

async function resultOf(run: Run, options: RunnerOptions): Promise<Result | undefined> {
  const { store, material, sizes, counts, signal } = options;
  const began = performance.now();
  const about = {
    id: run.id,
    experiments: run.experiments,
    seed: run.seed,
    settings: store.settings(run),
    commit: commitOf(),
    machine: machine(material.threads),
  };
  const seconds = (): number => (performance.now() - began) / 1000;
  if (run.kind === 'training') {
    const out = runsFolder(store);
    mkdirSync(out, { recursive: true });
    const trained = await trainRun(run, { material, sizes, counts, out, signal });
    return trained && { ...about, seconds: seconds(), ...trained };
  }
  const found =
    run.kind === 'guidance'
      ? await guidanceRun(run, material, signal)
      : await referenceRun(material, sizes, counts, signal);
  return { ...about, seconds: seconds(), firstStep: 0, ...found };
}
