/** Takes a run through the steps of a variant, and through judging. */
import { existsSync } from 'node:fs';
import { BagpiperError } from '../../errors.js';
import type { ChatSettings } from '../llm/options.js';
import { resultsIn } from '../run/lines.js';
import { manifestOf, type Run, stageFile } from '../run/run.js';
import { type RunStageOptions, runStage, type StageOutcome } from '../run/runner.js';
import { addUsage } from '../run/usage.js';
import type { JsonObject, Keyed, StageSpec, Usage } from '../types.js';
import { FLOWS, type SimulateSettings, type StepPlan, VARIANTS, type Variant } from './flow.js';
import { PromptBook } from './prompts.js';
import { inputsOfStep, sourcesIn } from './sources.js';
import { openSimulateStage, specOf } from './stage.js';
import { writeSummaries } from './summaries.js';

export interface SimulateOptions
  extends Pick<RunStageOptions<Keyed, Keyed>, 'window' | 'signal' | 'onProgress' | 'warn'> {
  settings: SimulateSettings;
  /** language models: `requests` does whatever has no model of its own */
  chat: { requests: ChatSettings; thinking?: ChatSettings; judge?: ChatSettings };
  /** a folder with prompts of one's own; what it lacks comes from the package */
  prompts?: string;
  /** takes the first so many clips only */
  limit?: number;
  apiKey?: string;
  /** where the work is done; default: in this process */
  executor?: (spec: StageSpec) => RunStageOptions<Keyed, Keyed>['executor'];
}

/** What came of each stage, by its name. */
export type SimulateOutcome = Record<string, StageOutcome>;

/**
 * Makes dialogues of a variant, up to but without judging. Records that fail stay errors and are tried by the next call; the
 * steps after go on with what there is.
 * @throws BagpiperError as runStage; when the run has no clips with captions
 */
export async function simulate(run: Run, variant: Variant, options: SimulateOptions): Promise<SimulateOutcome> {
  if (!existsSync(run.file('clips'))) {
    throw new BagpiperError(`${run.folder}: the run has no clips; run "bagpiper data label" first.`);
  }
  return steps(
    run,
    FLOWS[variant].filter(({ asks }) => asks !== 'judge'),
    options,
  );
}

/**
 * Judges the dialogues of all variants that the run has, and writes RUN/summaries.
 * @throws BagpiperError as runStage; when the run has no dialogues
 */
export async function judge(
  run: Run,
  options: SimulateOptions,
): Promise<{ stages: SimulateOutcome; summaries: Record<string, JsonObject> }> {
  const variants = VARIANTS.filter((variant) => existsSync(run.file(`${variant}-dialogues`)));
  if (variants.length === 0) {
    throw new BagpiperError(`${run.folder}: the run has no dialogues; run "bagpiper data simulate" first.`);
  }
  const stages: SimulateOutcome = {};
  const summaries: Record<string, JsonObject> = {};
  for (const variant of variants) {
    Object.assign(
      stages,
      await steps(
        run,
        FLOWS[variant].filter(({ asks }) => asks === 'judge'),
        options,
      ),
    );
    summaries[variant] = await writeSummaries(run.folder, variant);
  }
  return { stages, summaries };
}

async function steps(run: Run, plans: readonly StepPlan[], options: SimulateOptions): Promise<SimulateOutcome> {
  const outcomes: SimulateOutcome = {};
  const book = new PromptBook(options.prompts);
  for (const plan of plans) outcomes[plan.stage] = await step(run, plan, book, options);
  return outcomes;
}

async function step(run: Run, plan: StepPlan, book: PromptBook, options: SimulateOptions): Promise<StageOutcome> {
  const { settings, signal, apiKey, limit } = options;
  const chat = plan.asks === null ? undefined : (options.chat[plan.asks] ?? options.chat.requests);
  const spec = specOf(plan, settings, book, chat);
  const stage = await openSimulateStage(spec, {
    ...(apiKey !== undefined && { apiKey }),
    ...(signal && { signal }),
    ...(chat?.budget !== undefined && { spent: await spentBy(run, plan.stage) }),
  });
  const total = totalOf(run, plan, settings);
  const identity: JsonObject = { ...(chat?.model !== undefined && { model: chat.model }) };
  for (const key of plan.keys) identity[key] = spec.settings[key] ?? null;
  const results = plan.from === null ? sourcesIn(run.folder) : resultsIn<Keyed>(stageFile(run.folder, plan.from));
  const inputs = plan.from === null ? results : inputsOfStep(results, (result) => plan.inputs(result, settings));
  // What asks nobody is done sooner here than it is handed over.
  const executor = plan.asks === null ? undefined : options.executor?.(spec);
  try {
    return await runStage(run, stage, inputs, {
      identity,
      prompts: Object.fromEntries(plan.prompts.map((name) => [`simulate/${name}.md`, book.text(name)])),
      ...(options.window !== undefined && { window: options.window }),
      ...(signal && { signal }),
      ...(options.onProgress && { onProgress: options.onProgress }),
      ...(options.warn && { warn: options.warn }),
      ...(plan.from === null && limit !== undefined && { limit }),
      ...(total !== undefined && { total: Math.min(total, plan.from === null ? (limit ?? total) : total) }),
      ...(chat?.prices && { prices: chat.prices }),
      ...(executor && { executor }),
    });
  } finally {
    await stage.close();
  }
}

/** Tokens that the run has cost so far, for the budget; of the stage itself also what a killed process had spent. */
async function spentBy(run: Run, stage: string): Promise<Usage> {
  const sum = await run.spent(stage);
  for (const [name, { usage, dropped }] of Object.entries(manifestOf(run.folder).stages)) {
    if (name === stage) continue;
    addUsage(sum, usage);
    if (dropped) addUsage(sum, dropped);
  }
  return sum;
}

/** How many inputs a step has, where the manifest tells. */
function totalOf(run: Run, { from, factor }: StepPlan, settings: SimulateSettings): number | undefined {
  const before = from ?? ['filter', 'label', 'clips'].find((stage) => existsSync(run.file(stage)));
  if (before === undefined) return undefined;
  const times = factor ? factor(settings) : 1;
  return times === undefined ? undefined : run.entry(before).counts.results * times;
}
