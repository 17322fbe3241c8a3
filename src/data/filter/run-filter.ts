/** The filter as part of a run: text first, then the judges on what is left, then all that is joined. */
import { existsSync } from 'node:fs';
import { BagpiperError } from '../../errors.js';
import type { ChatExtras, ChatSettings } from '../llm/index.js';
import {
  addUsage,
  type Executor,
  inputsOf,
  noUsage,
  type Run,
  type RunStageOptions,
  runStage,
  type StageOutcome,
} from '../run/index.js';
import type { PromptBook } from '../simulate/prompts.js';
import type { Clip, JsonObject, Keyed, StageSpec, Usage } from '../types.js';
import {
  AGREE,
  type CaptionInput,
  type HeardInput,
  JUDGE,
  judgeSpec,
  openJudgeStage,
  PROMPTS,
} from './caption-judge.js';
import { finishedStats } from './done.js';
import { filterLabels } from './filter.js';
import { readLabel } from './records.js';
import { type Decided, type FilterRequest, survivors } from './request.js';
import type { FilterStats } from './stats.js';
import { LinesById } from './texts.js';

export interface RunFilterOptions extends Omit<FilterRequest, 'labels' | 'folder' | 'unique'> {
  /** leave it when an earlier call finished the same */
  skipFinished?: boolean;
  /** judges what the text filters leave */
  judge?: {
    chat: ChatSettings;
    extras?: Omit<ChatExtras, 'spent'> & { env?: Readonly<Record<string, string | undefined>> };
    prompts: PromptBook;
    /** also ask about the sound; the model must hear */
    hears: boolean;
    /** hands the work elsewhere */
    executor?: (spec: StageSpec) => Executor<Keyed, Keyed> | undefined;
    options?: Pick<RunStageOptions<Keyed, Keyed>, 'window' | 'onProgress' | 'warn'>;
  };
}

export interface RunFilterOutcome {
  stats: FilterStats;
  /** of the judges' stages */
  stages: Record<string, StageOutcome>;
  /** an earlier call had finished the same, and nothing was done */
  finished: boolean;
}

/**
 * Filters the labels of a run into filter.jsonl. Judgements are kept in files of their own: a call that was stopped goes on with
 * them, and another one with other limits does not ask again.
 *
 * @throws BagpiperError when there are no labels, or as filterLabels does; the signal's reason
 */
export async function filterRun(run: Run, options: RunFilterOptions): Promise<RunFilterOutcome> {
  const labels = run.file('label');
  if (!existsSync(labels)) {
    throw new BagpiperError(`${run.folder} has no labels (label.jsonl); make them with: bagpiper data label.`);
  }
  const clips = run.file('clips');
  const { judge, skipFinished = false, ...given } = options;
  const request: FilterRequest = {
    ...given,
    labels: [labels],
    folder: run.folder,
    unique: true,
    ...(judge && { basis: basisOf(judge) }),
    ...(given.transcripts === undefined && existsSync(clips) && { transcripts: clips }),
  };
  const before = skipFinished && run.entry('filter').state === 'done' ? finishedStats(request) : undefined;
  if (before) return { stats: before, stages: {}, finished: true };
  const stages: Record<string, StageOutcome> = {};
  await run.update('filter', { ...run.entry('filter'), state: 'running' });
  const stats = await filterLabels(request, judge && ((decided) => judgeRun(run, request, decided, judge, stages)));
  const failed = Object.values(stages).some(({ state }) => state !== 'done');
  await run.update('filter', {
    spec: { stage: 'filter', settings: request.settings as unknown as JsonObject },
    state: failed || run.entry('label').state !== 'done' ? 'running' : 'done',
    counts: { results: stats.survived, aside: stats.deleted_by_reason, errors: {} },
    usage: noUsage(),
  });
  return { stats, stages, finished: false };
}

/** What judging depends on. */
function basisOf({ chat, prompts, hears }: NonNullable<RunFilterOptions['judge']>): JsonObject {
  const names = hears ? ([JUDGE, AGREE] as const) : ([JUDGE] as const);
  const specs = names.map((name) => judgeSpec(name, chat, prompts));
  return { judges: specs as unknown as JsonObject[] };
}

/** Asks the judges about what is left. @returns the files of what they said */
async function judgeRun(
  run: Run,
  request: FilterRequest,
  decided: Decided,
  judge: NonNullable<RunFilterOptions['judge']>,
  stages: Record<string, StageOutcome>,
): Promise<FilterRequest['sides']> {
  const captions = async function* (): AsyncGenerator<CaptionInput> {
    for await (const line of survivors(request, decided)) {
      const { id, caption } = readLabel(line).label;
      yield { id, caption };
    }
  };
  stages[JUDGE] = await ask(run, JUDGE, captions, judge, request.signal);
  if (!judge.hears) return { judge: run.file(JUDGE) };
  const clips = await LinesById.open(run.file('clips'), () => true, request.signal);
  const heard = async function* (): AsyncGenerator<HeardInput> {
    for await (const input of captions()) {
      const clip = clips.find(input.id) as unknown as Clip | undefined;
      if (clip) yield { ...input, audio: clip.audio };
    }
  };
  try {
    stages[AGREE] = await ask(run, AGREE, heard, judge, request.signal);
  } finally {
    clips.close();
  }
  return { judge: run.file(JUDGE), agreement: run.file(AGREE) };
}

/** Runs one judge's stage. */
async function ask(
  run: Run,
  name: typeof JUDGE | typeof AGREE,
  inputs: () => AsyncIterable<Keyed>,
  { chat, extras, prompts, executor, options = {} }: NonNullable<RunFilterOptions['judge']>,
  signal: AbortSignal | undefined,
): Promise<StageOutcome> {
  const spec = judgeSpec(name, chat, prompts);
  const { stage, model } = await openJudgeStage(spec, { ...extras, spent: spentOn(run) });
  const given = executor?.(spec);
  try {
    return await runStage(run, stage, inputsOf(inputs), {
      ...options,
      identity: { model },
      prompts: { [`filter/${PROMPTS[name]}.md`]: prompts.text(PROMPTS[name]) },
      ...(given && { executor: given }),
      ...(chat.prices && { prices: chat.prices }),
      ...(signal && { signal }),
    });
  } finally {
    await stage.close();
  }
}

/** Tokens that both judges took before: the budget is one. */
function spentOn(run: Run): Usage {
  const spent = noUsage();
  for (const name of [JUDGE, AGREE]) addUsage(spent, run.entry(name).usage);
  return spent;
}
