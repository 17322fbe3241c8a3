/** The filter as part of a run: text first, then the judges on what is left, then all that is joined. */
import { existsSync } from 'node:fs';
import { encodeWav } from '../../audio/index.js';
import { BagpiperError, messageOf } from '../../errors.js';
import type { ChatClient } from '../llm/types.js';
import { inputsOf, type Run, type RunStageOptions, runStage, type StageOutcome } from '../run/index.js';
import { noUsage } from '../run/usage.js';
import type { PromptBook } from '../simulate/prompts.js';
import { Listener } from '../source/index.js';
import { type Clip, type JsonObject, SetAside } from '../types.js';
import {
  AGREE,
  agreementJudge,
  type CaptionInput,
  captionJudge,
  type HeardInput,
  JUDGE,
  type SoundReader,
} from './caption-judge.js';
import { type Decided, type FilterRequest, filterLabels, survivors } from './filter.js';
import { readLabel } from './records.js';
import type { FilterStats } from './stats.js';
import { LinesById } from './texts.js';

/** What models hear at, Hz. */
const RATE = 16_000;

export interface RunFilterOptions extends Omit<FilterRequest, 'labels' | 'folder' | 'unique'> {
  /** judges what the text filters leave */
  judge?: {
    client: ChatClient;
    prompts: PromptBook;
    /** also ask about the sound; the model must hear */
    hears: boolean;
    options?: Pick<RunStageOptions<CaptionInput, never>, 'window' | 'onProgress' | 'prices' | 'warn'>;
  };
}

export interface RunFilterOutcome {
  stats: FilterStats;
  /** of the judges' stages */
  stages: Record<string, StageOutcome>;
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
  const { judge, ...given } = options;
  const request: FilterRequest = {
    ...given,
    labels: [labels],
    folder: run.folder,
    unique: true,
    ...(given.transcripts === undefined && existsSync(clips) && { transcripts: clips }),
  };
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
  return { stats, stages };
}

/** Asks the judges about what is left. @returns the files of what they said */
async function judgeRun(
  run: Run,
  request: FilterRequest,
  decided: Decided,
  { client, prompts, hears, options = {} }: NonNullable<RunFilterOptions['judge']>,
  stages: Record<string, StageOutcome>,
): Promise<FilterRequest['sides']> {
  const captions = async function* (): AsyncGenerator<CaptionInput> {
    for await (const line of survivors(request, decided)) {
      const { id, caption } = readLabel(line).label;
      yield { id, caption };
    }
  };
  const shared = { ...options, ...(request.signal && { signal: request.signal }) };
  const used = (name: string): Record<string, string> => ({ [`filter/${name}.md`]: prompts.text(name) });
  stages[JUDGE] = await runStage(run, captionJudge(client, prompts), inputsOf(captions), {
    ...shared,
    prompts: used('judge'),
  });
  if (!hears) return { judge: run.file(JUDGE) };
  const clips = await LinesById.open(run.file('clips'), () => true, request.signal);
  const heard = async function* (): AsyncGenerator<HeardInput> {
    for await (const input of captions()) {
      const clip = clips.find(input.id) as unknown as Clip | undefined;
      if (clip) yield { ...input, audio: clip.audio };
    }
  };
  const listener = new Listener();
  const sound: SoundReader = async (audio, signal) => {
    try {
      return {
        data: Buffer.from(encodeWav(await listener.samples(audio, signal), RATE)).toString('base64'),
        format: 'wav',
      };
    } catch (error) {
      if (!(error instanceof BagpiperError)) throw error;
      throw new SetAside({ kind: 'sound_unreadable', message: messageOf(error) });
    }
  };
  try {
    stages[AGREE] = await runStage(run, agreementJudge(client, prompts, sound), inputsOf(heard), {
      ...shared,
      prompts: used('agreement'),
    });
  } finally {
    await listener.close();
    clips.close();
  }
  return { judge: run.file(JUDGE), agreement: run.file(AGREE) };
}
