/** `bagpiper data simulate VARIANT RUN` and `bagpiper data judge RUN`: dialogues from captions, and what they are worth. */
import type { StageOutcome } from '../../data/run/index.js';
import type { SimulateOptions, SimulateSettings } from '../../data/simulate/index.js';
import { BagpiperError } from '../../errors.js';
import type { Context } from '../context.js';
import { EXIT } from '../failure.js';
import { chatSettings, type EndpointFlags } from './endpoint.js';
import { countsLine, kindsOf, progressLine, sumOf } from './progress.js';
import { type ExecutorOf, QUEUE_WINDOW, withQueue } from './queue.js';

export interface JudgeFlags extends EndpointFlags {
  endpoint: string;
  seed?: number;
  json?: boolean;
}

export interface SimulateFlags extends JudgeFlags {
  thinkingEndpoint?: string;
  thinkingModel?: string;
  limit?: number;
  levels?: string;
  system?: string;
  questions?: number;
  groups?: string;
  everyGroup?: boolean;
}

/** Prints a line a stage; records that failed make the exit code 1. */
export async function dataSimulate(
  variant: string,
  folder: string,
  flags: SimulateFlags,
  context: Context,
): Promise<void> {
  const { GROUPS, LEVELS, simulate, VARIANTS } = await import('../../data/simulate/index.js');
  const { SYSTEM_PROMPT } = await import('../../tasks/prompts.js');
  const known = VARIANTS.find((name) => name === variant);
  if (!known) throw new BagpiperError(`${variant} is nothing to simulate; accepted are ${VARIANTS.join(', ')}.`);
  const { questions } = flags;
  checkWhole('--questions', questions, 1, 100);
  checkWhole('--limit', flags.limit, 1, Number.MAX_SAFE_INTEGER);
  const settings: SimulateSettings = {
    seed: seedOf(flags),
    system: flags.system ?? SYSTEM_PROMPT,
    ...(flags.levels !== undefined && { levels: namesIn('--levels', flags.levels, LEVELS) }),
    ...(questions !== undefined && { questions }),
    ...(flags.groups !== undefined && { groups: namesIn('--groups', flags.groups, GROUPS) }),
    ...(flags.everyGroup && { everyGroup: true }),
  };
  const { thinkingEndpoint, thinkingModel, limit } = flags;
  const requests = chatSettings(flags.endpoint, flags);
  // Another server has models of its own; another model may be at the same server.
  const { model: _, ...others } = requests;
  const thinking = {
    ...(thinkingEndpoint === undefined ? requests : { ...others, endpoints: thinkingEndpoint }),
    ...(thinkingModel !== undefined && { model: thinkingModel }),
  };
  await withRun(folder, context, async (run) => {
    const options = { ...optionsOf(flags, settings, context), chat: { requests, thinking } };
    const stages = await withQueue(run.folder, flags, context, (executor) =>
      simulate(run, known, { ...options, ...handed(executor, flags), ...(limit !== undefined && { limit }) }),
    );
    await tell(stages, flags, context, stages);
  });
}

/** Prints a line a stage and one a variant; records that failed make the exit code 1. */
export async function dataJudge(folder: string, flags: JudgeFlags, context: Context): Promise<void> {
  const { judge } = await import('../../data/simulate/index.js');
  const settings: SimulateSettings = { seed: seedOf(flags), system: '' };
  await withRun(folder, context, async (run) => {
    const options = optionsOf(flags, settings, context);
    const { stages, summaries } = await withQueue(run.folder, flags, context, (executor) =>
      judge(run, { ...options, ...handed(executor, flags) }),
    );
    await tell(stages, flags, context, { stages, summaries });
    if (flags.json) return;
    for (const [variant, { total_samples, passed_samples, overall_pass_rate }] of Object.entries(summaries)) {
      const percent = (100 * Number(overall_pass_rate)).toFixed(1);
      await context.screen.result(`${variant}: ${passed_samples} of ${total_samples} judged well (${percent}%)`);
    }
  });
}

type OpenRun = Parameters<typeof import('../../data/simulate/index.js').simulate>[0];

async function withRun(folder: string, context: Context, work: (run: OpenRun) => Promise<void>): Promise<void> {
  const { Run } = await import('../../data/run/index.js');
  const run = await Run.open(folder);
  try {
    await work(run);
  } finally {
    context.screen.clearProgress();
    await run.close();
  }
}

function optionsOf(flags: JudgeFlags, settings: SimulateSettings, { io, screen, signal }: Context): SimulateOptions {
  const apiKey = flags.apiKey ?? (io.env.BAGPIPER_API_KEY || io.env.OPENAI_API_KEY);
  checkWhole('--window', flags.window, 1, 65_536);
  return {
    settings,
    chat: { requests: chatSettings(flags.endpoint, flags) },
    signal,
    onProgress: (progress) => screen.progress(progressLine(progress)),
    warn: (text) => screen.warn(text),
    ...(flags.window !== undefined && { window: flags.window }),
    ...(flags.prompts !== undefined && { prompts: flags.prompts }),
    ...(apiKey !== undefined && { apiKey }),
  };
}

/** Options where a queue takes the work. */
function handed(executor: ExecutorOf | undefined, { window = QUEUE_WINDOW }: JudgeFlags): Partial<SimulateOptions> {
  return executor ? { executor, window } : {};
}

function seedOf({ seed = 0 }: JudgeFlags): number {
  checkWhole('--seed', seed, 0, 0xffffffff);
  return seed;
}

function checkWhole(name: string, value: number | undefined, low: number, high: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= low && value <= high)) return;
  throw new BagpiperError(`${name} is ${value}; a whole number from ${low} to ${high} is accepted.`);
}

function namesIn<N extends string>(flag: string, text: string, known: readonly N[]): N[] {
  const names = text.split(',').map((name) => name.trim());
  return names.map((name) => {
    const found = known.find((one) => one === name);
    if (!found)
      throw new BagpiperError(`${flag} has "${name}"; accepted are ${known.join(', ')}, with commas between.`);
    return found;
  });
}

async function tell(
  stages: Record<string, StageOutcome>,
  { json }: JudgeFlags,
  { screen, fail }: Context,
  whole: unknown,
): Promise<void> {
  screen.clearProgress();
  for (const [stage, { counts, cost }] of Object.entries(stages)) {
    const money = cost === undefined ? '' : `; cost ${cost.toFixed(2)}`;
    if (!json) await screen.result(`${countsLine(stage, counts)}${money}`);
    if (sumOf(counts.errors) === 0) continue;
    screen.warn(`${stage}: some records failed (${kindsOf(counts.errors)}); the same command tries them again.`);
    fail(EXIT.failed);
  }
  if (json) await screen.result(JSON.stringify(whole));
}
