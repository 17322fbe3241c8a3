/** `bagpiper data filter RUN`: which captions are worth training on, and a table of what was removed for what. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FilterProgress, FilterRequest, FilterStats, SideName } from '../../data/filter/index.js';
import type { Progress, StageOutcome } from '../../data/run/index.js';
import type { SoundKind } from '../../data/types.js';
import { BagpiperError, messageOf } from '../../errors.js';
import type { Context } from '../context.js';
import { EXIT } from '../failure.js';
import { chatSettings, type EndpointFlags } from './endpoint.js';
import { type LimitFlags, settingsOf } from './filter-settings.js';
import { progressLine } from './progress.js';
import { QUEUE_WINDOW, withQueue } from './queue.js';

export interface FilterFlags extends LimitFlags, EndpointFlags {
  out?: string;
  transcripts?: string;
  deleteIds?: string[];
  judgements?: string;
  mos?: string;
  clap?: string;
  aesthetics?: string;
  textToAudio?: string;
  audioToText?: string;
  kind?: string;
  hear?: boolean;
  again?: boolean;
  json?: boolean;
}

type Shared = Omit<FilterRequest, 'labels' | 'folder'>;

/** Prints a table; captions that could not be judged make the exit code 1. */
export async function dataFilter(inputs: readonly string[], flags: FilterFlags, context: Context): Promise<void> {
  const { screen } = context;
  const shared = sharedOf(flags, context);
  const [first] = inputs;
  const isRun = inputs.length === 1 && statSync(first, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isRun && flags.out !== undefined) {
    throw new BagpiperError(`${first} is a run, whose results lie in its folder; --out is for label files.`);
  }
  const { stats, stages, finished, folder } = isRun
    ? { ...(await ofRun(first, shared, flags, context)), folder: first }
    : { ...(await ofFiles(inputs, shared, flags)), folder: flags.out! };
  screen.clearProgress();
  if (finished)
    screen.announce(
      `${folder}: an earlier call finished this with the same labels and settings; --again filters anew.`,
    );
  for (const [stage, { counts }] of Object.entries(stages)) {
    const failed = Object.values(counts.errors).reduce((sum, count) => sum + count, 0);
    if (failed === 0) continue;
    screen.warn(`${stage}: ${failed} captions could not be judged and are removed; the same command asks again.`);
    context.fail(EXIT.failed);
  }
  await screen.result(flags.json ? JSON.stringify(stats) : tableOf(stats, folder));
}

/** @throws BagpiperError for flags that make no sense */
function sharedOf(flags: FilterFlags, { screen, signal }: Context): Shared {
  const { kind, transcripts, deleteIds, judgements, mos, clap, aesthetics, textToAudio, audioToText } = flags;
  if (kind !== undefined && !['speech', 'music', 'sound'].includes(kind)) {
    throw new BagpiperError(`--kind is "${kind}"; speech, music and sound are accepted.`);
  }
  const named = { judge: judgements, mos, clap, aesthetics, textToAudio, audioToText };
  const sides: Partial<Record<SideName, string>> = {};
  for (const [name, path] of Object.entries(named)) if (path !== undefined) sides[name as SideName] = path;
  for (const path of [
    ...Object.values(sides),
    ...(deleteIds ?? []),
    ...(transcripts === undefined ? [] : [transcripts]),
  ]) {
    if (!existsSync(path)) throw new BagpiperError(`${path} does not exist; name a file that does.`);
  }
  return {
    settings: settingsOf(flags),
    signal,
    onProgress: ({ phase, records }: FilterProgress) =>
      screen.progress(`${PHASES[phase]} ... ${records.toLocaleString('en-US')}`),
    sides,
    ...(transcripts !== undefined && { transcripts }),
    ...(deleteIds !== undefined && { blacklists: deleteIds }),
    ...(kind !== undefined && { kind: kind as SoundKind }),
  };
}

const PHASES: Record<FilterProgress['phase'], string> = {
  text: 'Reading captions',
  duplicates: 'Comparing captions',
  join: 'Joining',
  write: 'Writing',
};

type Outcome = { stats: FilterStats; stages: Record<string, StageOutcome>; finished: boolean };

async function ofFiles(labels: readonly string[], shared: Shared, flags: FilterFlags): Promise<Outcome> {
  const { filterLabels, finishedStats } = await import('../../data/filter/index.js');
  const folder = flags.out;
  if (folder === undefined) {
    throw new BagpiperError(`${labels[0]} is no run's folder; for label files name a folder to write to with --out.`);
  }
  if (flags.endpoint !== undefined) {
    throw new BagpiperError('Judging by a model needs a run; import the labels with: bagpiper data label --from FILE.');
  }
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new BagpiperError(`${folder} cannot be made: ${messageOf(error)}; name another folder.`);
  }
  const request = { ...shared, labels, folder };
  const before = flags.again ? undefined : finishedStats(request);
  return { stats: before ?? (await filterLabels(request)), stages: {}, finished: before !== undefined };
}

async function ofRun(folder: string, shared: Shared, flags: FilterFlags, context: Context): Promise<Outcome> {
  const { io, screen, signal } = context;
  const { filterPrompts, filterRun } = await import('../../data/filter/index.js');
  const { Run } = await import('../../data/run/index.js');
  const run = await Run.open(folder);
  try {
    const skipFinished = flags.again !== true;
    if (flags.endpoint === undefined) return await filterRun(run, { ...shared, skipFinished });
    const { apiKey, window } = flags;
    const shown = {
      onProgress: (progress: Progress) => screen.progress(progressLine(progress)),
      warn: (text: string) => screen.warn(text),
      ...(window !== undefined && { window }),
    };
    const extras = { signal, env: io.env, ...(apiKey !== undefined && { apiKey }) };
    const judge = {
      chat: chatSettings(flags.endpoint, flags),
      extras,
      prompts: filterPrompts(flags.prompts),
      hears: flags.hear === true,
    };
    return await withQueue(run.folder, flags, context, (executor) => {
      const options = { ...shown, ...(executor && window === undefined && { window: QUEUE_WINDOW }) };
      return filterRun(run, { ...shared, skipFinished, judge: { ...judge, options, ...(executor && { executor }) } });
    });
  } finally {
    await run.close();
  }
}

/** The funnel with an example of each reason. */
function tableOf(stats: FilterStats, folder: string): string {
  const examples = new Map<string, string>();
  for (const line of readFileSync(join(folder, 'filter', 'demo.jsonl'), 'utf8').split('\n')) {
    if (line === '') continue;
    const { reason, utt_id, message } = JSON.parse(line) as { reason: string; utt_id: string; message: string };
    if (!examples.has(reason)) examples.set(reason, `${utt_id}: ${message}`);
  }
  const rows = stats.funnel.flatMap(({ step, reasons }) =>
    Object.entries(reasons).map(([reason, count]) => [
      step,
      reason,
      count.toLocaleString('en-US'),
      examples.get(reason) ?? '',
    ]),
  );
  const widths = [0, 1, 2].map((c) => Math.max(0, ...rows.map((row) => row[c].length)));
  const lines = rows.map(
    ([step, reason, count, example]) =>
      `${step.padEnd(widths[0])}  ${reason.padEnd(widths[1])}  ${count.padStart(widths[2])}  ${example}`,
  );
  const { survived, total, survival_rate, hours } = stats;
  const percent = (100 * survival_rate).toFixed(1);
  const kept = `kept ${survived.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} (${percent}%), ${hours.toFixed(2)} hours`;
  return [...lines, kept].join('\n');
}
