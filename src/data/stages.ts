/**
 * The stages by name. A stage is made of its spec, in the process that coordinates a run or on a worker elsewhere; secrets come
 * from the environment. To add one, write a function like those of the table.
 */
import { BagpiperError } from '../errors.js';
import type { JsonObject, Keyed, Stage, StageSpec, Usage } from './types.js';

/** What a stage gets beside its settings. */
export interface StageSurroundings {
  /** API keys, addresses and keys of buckets; default: the process's environment */
  env?: Readonly<Record<string, string | undefined>>;
  /** tokens of earlier parts of the run, for budgets */
  spent?: Usage;
  /** ends the opening */
  signal?: AbortSignal;
}

export type StageFactory = (settings: JsonObject, around: StageSurroundings) => Promise<Stage<Keyed, Keyed>>;

/** Steps of simulation that ask language models; the others are done where the run is. */
const SIMULATED = [
  ...['generation-requests', 'generation-thinking', 'generation-judged'],
  ...['understanding-annotations', 'understanding-questions', 'understanding-answers', 'understanding-judged'],
  ...['tts-voices', 'tts-requests', 'tts-plans', 'tts-judged'],
];

function simulated(stage: string): StageFactory {
  return async (settings, { env, spent, signal }) => {
    const { openSimulateStage } = await import('./simulate/index.js');
    const apiKey = env?.BAGPIPER_API_KEY || env?.OPENAI_API_KEY;
    return openSimulateStage(
      { stage, settings },
      { ...(apiKey ? { apiKey } : {}), ...(spent && { spent }), ...(signal && { signal }) },
    );
  };
}

/** Judges of captions, of the filter. */
function judging(stage: string): StageFactory {
  return async (settings, { env, spent, signal }) => {
    const { openJudgeStage } = await import('./filter/index.js');
    const apiKey = env?.BAGPIPER_API_KEY || env?.OPENAI_API_KEY;
    const extras = { ...(env && { env }), ...(apiKey ? { apiKey } : {}), ...(spent && { spent }) };
    return (await openJudgeStage({ stage, settings }, { ...extras, ...(signal && { signal }) })).stage;
  };
}

const STAGES: Record<string, StageFactory> = {
  files: async (settings, { env }) => {
    const { FileStage, Places } = await import('./source/index.js');
    return new FileStage(settings, new Places(env)) as Stage<Keyed, Keyed>;
  },
  label: async (settings, { env, spent, signal }) => {
    const { openLabeller } = await import('./label/index.js');
    const apiKey = env?.BAGPIPER_API_KEY || env?.OPENAI_API_KEY;
    return (await openLabeller(settings, {
      ...(env && { env }),
      ...(apiKey ? { apiKey } : {}),
      ...(spent && { spent }),
      ...(signal && { signal }),
    })) as Stage<Keyed, Keyed>;
  },
  ...Object.fromEntries(['judge-captions', 'judge-agreement'].map((stage) => [stage, judging(stage)])),
  ...Object.fromEntries(SIMULATED.map((stage) => [stage, simulated(stage)])),
};

/** Whether there is a stage of this name, which workers can make too. */
export function isStage(name: string): boolean {
  return Object.hasOwn(STAGES, name);
}

/** Makes a stage. @throws BagpiperError for a name that is not known, and as the stage's own opening */
export async function openStage(
  { stage, settings }: StageSpec,
  around: StageSurroundings = {},
): Promise<Stage<Keyed, Keyed>> {
  if (isStage(stage)) return STAGES[stage](settings, around);
  throw new BagpiperError(`There is no stage "${stage}"; these are known: ${Object.keys(STAGES).join(', ')}.`);
}
