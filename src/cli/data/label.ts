/** `bagpiper data label SOURCE... --run RUN`: lists sounds, and writes a rich caption of each. */
import { existsSync } from 'node:fs';
import type { EndpointLabels, LabelSettings, LocalLabels } from '../../data/label/index.js';
import type { Inputs, Run, RunStageOptions, StageOutcome } from '../../data/run/index.js';
import type { Keyed, Stage } from '../../data/types.js';
import { BagpiperError } from '../../errors.js';
import type { Context } from '../context.js';
import { EXIT } from '../failure.js';
import { chatSettings, type EndpointFlags, pricesOf } from './endpoint.js';
import { countsLine, kindsOf, number, progressLine, sumOf } from './progress.js';
import { QUEUE_WINDOW, withQueue } from './queue.js';

export interface LabelFlags extends EndpointFlags {
  run: string;
  maxSeconds?: number;
  list?: boolean;
  from?: string[];
  model?: string;
  threads?: number;
  temperature?: number;
  maxTokens?: number;
  seed?: number;
  /** false: `--no-prompt` */
  prompt?: boolean;
  limit?: number;
  json?: boolean;
}

/** Prints a line a stage. Records that failed make the exit code 1; the same command tries them again. */
export async function dataLabel(sources: readonly string[], flags: LabelFlags, context: Context): Promise<void> {
  checkFlags(sources, flags);
  const [{ Run }, { sourcesOf }] = await Promise.all([
    import('../../data/run/index.js'),
    import('../../data/source/index.js'),
  ]);
  const named = sourcesOf(sources);
  const run = await Run.open(flags.run, { create: sources.length > 0 || flags.from !== undefined });
  const outcomes: Record<string, StageOutcome> = {};
  try {
    if (named.length > 0) outcomes.files = await list(run, named, flags, context);
    if (flags.from) outcomes.label = await take(run, flags.from, flags, context);
    else if (!flags.list) outcomes.label = await caption(run, flags, context);
  } finally {
    context.screen.clearProgress();
    await run.close();
  }
  await tell(outcomes, flags, context);
}

function checkFlags(sources: readonly string[], flags: LabelFlags): void {
  const whole = (name: string, value: number | undefined, low: number): void => {
    if (value === undefined || (Number.isInteger(value) && value >= low)) return;
    throw new BagpiperError(`${name} is ${value}; a whole number from ${low} on is accepted.`);
  };
  whole('--limit', flags.limit, 1);
  whole('--window', flags.window, 1);
  whole('--max-tokens', flags.maxTokens, 1);
  whole('--seed', flags.seed, 0);
  whole('--threads', flags.threads, 1);
  if (flags.endpoint !== undefined && flags.model !== undefined) {
    throw new BagpiperError(
      '--endpoint and --model exclude each other; name the model of an endpoint with --llm-model.',
    );
  }
  pricesOf(flags);
  if (flags.list && sources.length === 0) throw new BagpiperError('--list needs sources to list; name a folder.');
}

/** What all stages of this command have in common. */
function common<I extends Keyed, O extends Keyed>(
  { window, limit }: LabelFlags,
  { screen, signal }: Context,
): RunStageOptions<I, O> {
  return {
    signal,
    onProgress: (progress) => screen.progress(progressLine(progress)),
    warn: (text) => screen.warn(text),
    ...(window !== undefined && { window }),
    ...(limit !== undefined && { limit }),
  };
}

/** Looks into all files that sources name, and makes clips of them. */
async function list(
  run: Run,
  sources: readonly import('../../data/source/index.js').Source[],
  flags: LabelFlags,
  context: Context,
): Promise<StageOutcome> {
  const { FileStage, Places, soundsOf, writeClips } = await import('../../data/source/index.js');
  const { runStage } = await import('../../data/run/index.js');
  const places = new Places(context.io.env);
  const { maxSeconds = 30 } = flags;
  const stage = new FileStage(
    { maxSeconds, sources: sources.map(({ place, pattern = '' }) => `${place}${pattern && `/${pattern}`}`) },
    places,
  );
  const { limit: _, window: __, ...options } = common<never, never>(flags, context);
  const sounds: Inputs<Keyed> = soundsOf(sources, places, context.signal);
  const { queue } = flags;
  const outcome = await withQueue(run.folder, queue === undefined ? {} : { queue }, context, (executorOf) => {
    const executor = executorOf?.(stage.spec);
    return runStage<Keyed, Keyed>(run, stage as Stage<Keyed, Keyed>, sounds, {
      ...(options as object),
      window: executor ? QUEUE_WINDOW : 16,
      ...(executor && { executor }),
      identity: { maxSeconds },
    });
  });
  const clips = await writeClips(run);
  context.screen.note(`${number(outcome.counts.results)} sound files, ${number(clips)} clips.`);
  if (clips === 0)
    throw new BagpiperError(
      `${sources.map(({ place }) => place).join(', ')}: there are no sounds; name a folder with sound files.`,
    );
  return outcome;
}

/** Takes labels that others made. */
async function take(run: Run, files: readonly string[], flags: LabelFlags, context: Context): Promise<StageOutcome> {
  const { LabelImport, labelRows } = await import('../../data/label/index.js');
  const { runStage } = await import('../../data/run/index.js');
  for (const file of files)
    if (!existsSync(file)) throw new BagpiperError(`${file}: there is no such file; check the path.`);
  return runStage(run, new LabelImport(files), labelRows(files), {
    ...common(flags, context),
    identity: { by: 'import' },
  });
}

/** Has clips captioned, by an endpoint or here. */
async function caption(run: Run, flags: LabelFlags, context: Context): Promise<StageOutcome> {
  const { CAPTION_PROMPT, captionPrompt, openLabeller, outlineLabeller } = await import('../../data/label/index.js');
  const { resultsIn, runStage } = await import('../../data/run/index.js');
  const { screen, signal, io } = context;
  if (!existsSync(run.file('clips')))
    throw new BagpiperError(`${run.folder}: no sounds are listed in it yet; name a source.`);
  const text = flags.prompt === false ? null : captionPrompt(flags.prompts);
  const settings = settingsOf(flags, text);
  const prices = pricesOf(flags);
  if (settings.by === 'endpoint') screen.progress('Reaching the server ...');
  else if (flags.queue === undefined) screen.progress('Loading the model ...');
  const apiKey = flags.apiKey ?? (io.env.BAGPIPER_API_KEY || io.env.OPENAI_API_KEY);
  const open: typeof outlineLabeller = flags.queue === undefined ? openLabeller : outlineLabeller;
  const labeller = await open(settings, {
    env: io.env,
    signal,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(flags.budget === undefined ? {} : { spent: await run.spent('label') }),
  });
  try {
    return await withQueue(run.folder, flags, context, (executorOf) => {
      const executor = executorOf?.(labeller.spec);
      return runStage<Keyed, Keyed>(run, labeller as Stage<Keyed, Keyed>, resultsIn(run.file('clips')), {
        window: executor ? QUEUE_WINDOW : settings.by === 'local' ? 4 : 64,
        ...common(flags, context),
        ...(executor && { executor }),
        total: run.entry('clips').counts.results,
        identity: labeller.identity,
        ...(prices && { prices }),
        ...(settings.by === 'endpoint' && text !== null ? { prompts: { [CAPTION_PROMPT]: text } } : {}),
      });
    });
  } finally {
    await labeller.close();
  }
}

function settingsOf(flags: LabelFlags, prompt: string | null): LabelSettings {
  const { endpoint, model, threads, temperature, maxTokens, seed } = flags;
  const made = { ...(temperature !== undefined && { temperature }), ...(seed !== undefined && { seed }) };
  if (endpoint === undefined) {
    const local: LocalLabels = { by: 'local', ...made };
    return { ...local, ...(model !== undefined && { model }), ...(threads !== undefined && { threads }) };
  }
  const chat = chatSettings(endpoint, flags);
  const labels: EndpointLabels = { by: 'endpoint', chat, prompt, ...made };
  return { ...labels, ...(maxTokens !== undefined && { maxTokens }) };
}

async function tell(
  outcomes: Record<string, StageOutcome>,
  { run, json }: LabelFlags,
  { screen, fail }: Context,
): Promise<void> {
  for (const [stage, { counts, cost }] of Object.entries(outcomes)) {
    const money = cost === undefined ? '' : `; cost ${cost.toFixed(2)}`;
    if (!json) await screen.result(`${countsLine(stage, counts)}${money}`);
    if (sumOf(counts.errors) === 0) continue;
    screen.warn(
      `${stage}: some failed (${kindsOf(counts.errors)}), see ${run}/${stage}.jsonl; the same command tries them again.`,
    );
    fail(EXIT.failed);
  }
  if (json) await screen.result(JSON.stringify(outcomes));
}
