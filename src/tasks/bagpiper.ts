import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAddress } from '../endpoints/index.js';
import type { PreparedFolder, RemoteOptions } from '../engine/index.js';
import type { Engine, EngineInfo, EngineMessage, FinishedSegment, GenerateRequest } from '../engine/types.js';
import { BagpiperError } from '../errors.js';
import { joinNovelty, type Novelty } from '../model/novelty.js';
import type { DeviceChoice } from '../runtime/index.js';
import { listChoices } from '../text/index.js';
import { looksLikeRepo, pulledFolder } from '../weights/hub/index.js';
import { checkChoices, choiceWarning, chosen } from './choice.js';
import { checkOptions, cleanText, clock, hear, hearPieces, joined, overlapOf, RATE, windowsOf } from './input.js';
import { PartSplitter, parseGeneration, parseUnderstanding, type TextForm } from './parse.js';
import { SYSTEM_PROMPT } from './prompts.js';
import { startReply } from './reply.js';
import { addStats, noStats } from './stats.js';
import { bestTake } from './takes.js';
import type { AskOptions, AudioInput, Bagpiper, Parts, RenderOptions, Reply, VerbEvent, VerbOptions } from './types.js';

type Tell = (event: VerbEvent) => void;

/** Of a model folder: `threads` and `device`; of a server: the rest. */
export interface LoadOptions extends RemoteOptions {
  /** threads of the numeric engine; default: one a core */
  threads?: number;
  /** where the networks run: 'cpu', 'webgpu', 'cuda' or 'auto' (docs/gpu.md); default: 'cpu' */
  device?: DeviceChoice;
}

/** Where the model that comes with the package lies. */
export function packagedModel(): string {
  return fileURLToPath(new URL('../../models/nano', import.meta.url));
}

/**
 * The folder or address of a model; of a name on the hub (`org/name`, perhaps `@revision`) the folder where it was pulled to.
 * @throws BagpiperError when it is the packaged one and was left out, or one that was not pulled
 */
export function modelSource(source?: string): string {
  if (source !== undefined) return looksLikeRepo(source) && !existsSync(source) ? pulledFolder(source) : source;
  const packaged = packagedModel();
  if (!existsSync(join(packaged, 'config.json'))) {
    throw new BagpiperError(
      `The small model is missing (${packaged}): make it with "npm run train:nano", or name another model folder.`,
    );
  }
  return packaged;
}

/**
 * Loads a model. @param source a model folder, or the name of a pulled one, or the address of a server, or several
 * addresses with commas between (docs/remote.md); default: the small model of this package
 * @throws BagpiperError when the folder is missing, something in it is not as it must be, or the device is absent; a ServerError when no server
 * answers
 */
export async function loadBagpiper(source?: string, options: LoadOptions = {}): Promise<Bagpiper> {
  const path = modelSource(source);
  const { openEngine } = await import('../engine/index.js');
  return verbsOf(await openEngine(path, options));
}

/**
 * Compiles a model in 4 or 8 bits for this machine and leaves the result in its folder `prepared`; from then on its weights are
 * mapped from there instead of copied into memory when it is loaded.
 *
 * @throws BagpiperError when the model is at a server, stored in plain numbers or damaged, or the disk is full; the signal's
 * reason
 */
export async function prepareModel(
  source?: string,
  options: { threads?: number; signal?: AbortSignal } = {},
): Promise<PreparedFolder> {
  const path = modelSource(source);
  if (isAddress(path)) throw new BagpiperError(`${path} is a server; only a model folder on this machine is prepared.`);
  const { prepareFolder } = await import('../engine/index.js');
  return prepareFolder(path, options);
}

/** The verbs on any engine. Closing them closes the engine. */
export function verbsOf(engine: Engine): Bagpiper {
  return {
    info: engine.info,
    describe: (audio, options = {}) => describe(engine, audio, options),
    ask: (audio, question, options = {}) => ask(engine, audio, question, options),
    render: (text, options = {}) => render(engine, text, options),
    close: () => engine.close(),
  };
}

function describe(engine: Engine, audio: AudioInput, options: VerbOptions): Reply {
  return startReply(async (tell, signal) => {
    checkOptions(options);
    const { maxInputSeconds, prompts } = engine.info;
    const parts = emptyParts(options, []);
    const heard: Novelty[] = [];
    let count = 0;
    let end = 0;
    for await (const window of windowsOf(hearPieces(audio, parts.warnings, signal), maxInputSeconds)) {
      const alone = count === 0 && window.last;
      const head = alone ? '' : `[${clock(window.from)} to ${clock(window.to)}] `;
      const lead = (count === 0 ? '' : '\n\n') + head;
      if (lead !== '') tell({ type: 'text', part: 'caption', delta: lead });
      const run = await generate(engine, tell, parts, 'understanding', {
        ...settings(options, 'text'),
        messages: [
          ...words('system', options.system),
          { role: 'user', modality: 'audio', samples: window.samples },
          ...words('user', prompts?.describe),
        ],
        segments: ['text'],
        signal,
      });
      parts.caption += lead + parseUnderstanding(run.text).caption;
      if (run.novelty) heard.push(run.novelty);
      count++;
      end = window.to;
    }
    if (count > 1) {
      parts.warnings.push(
        `The sound lasts ${clock(end)}; it was described in ${count} windows of up to ${maxInputSeconds} s that overlap by ${Number(overlapOf(maxInputSeconds).toFixed(1))} s.`,
      );
    }
    tellNovelty(parts, heard, 'caption');
    return parts;
  }, options.signal);
}

function ask(engine: Engine, audio: AudioInput, question: string, options: AskOptions): Reply {
  return startReply(async (tell, signal) => {
    checkOptions(options);
    const choices = options.choices && checkChoices(options.choices);
    const asked = cleanText(question, 'The question');
    const text = choices ? `${asked} ${listChoices(choices)}` : asked;
    const { samples, warnings } = await hear(audio, engine.info.maxInputSeconds, signal);
    const parts = emptyParts(options, warnings);
    const run = await generate(engine, tell, parts, 'understanding', {
      ...settings(options, 'text'),
      messages: [
        ...words('system', options.system ?? engine.info.prompts?.ask),
        { role: 'user', modality: 'audio', samples },
        { role: 'user', modality: 'text', text },
      ],
      segments: ['text'],
      ...(choices ? { endings: { after: '</think>', texts: choices } } : {}),
      signal,
    });
    Object.assign(parts, parseUnderstanding(run.text));
    if (choices) tellChoice(parts, choices, run.endings);
    tellNovelty(parts, run.novelty ? [run.novelty] : [], 'answer');
    if (parts.answer === '') parts.warnings.push('The model gave no separate answer; its caption is all it said.');
    return parts;
  }, options.signal);
}

function render(engine: Engine, wanted: string, options: RenderOptions): Reply {
  return startReply(async (tell, signal) => {
    checkOptions(options);
    const { seed = 0 } = options;
    const takes = takesOf(options, engine.info);
    if (takes === 1) return makeSound(engine, wanted, options, tell, signal);
    return bestTake({
      takes,
      seed,
      make: (seed, tell, signal) => makeSound(engine, wanted, { ...options, seed }, tell, signal),
      hear: (samples, signal) => describe(engine, samples, { seed, temperature: 0, signal }),
      tell,
      signal,
    });
  }, options.signal);
}

/** As many as asked for, or as the model is used to; where nothing is drawn, all would be the same. */
function takesOf({ takes, temperature }: RenderOptions, { audio, takes: usual = 1 }: EngineInfo): number {
  return takes ?? ((temperature ?? audio.temperature) === 0 ? 1 : usual);
}

async function makeSound(
  engine: Engine,
  wanted: string,
  options: RenderOptions,
  tell: Tell,
  signal: AbortSignal,
): Promise<Parts> {
  const text = cleanText(wanted, options.direct ? 'The caption' : 'The request');
  const parts = emptyParts(options, []);
  const { prompts, soundNeedsText } = engine.info;
  const direct = options.direct === true && !soundNeedsText;
  if (options.direct && !direct) {
    parts.warnings.push(
      'The server renders no caption as it is: it took it as a request and wrote a caption of its own.',
    );
  }
  const system = options.system ?? (direct ? '' : (prompts?.render ?? SYSTEM_PROMPT));
  const request = settings(options, 'audio');
  const rows = rowsOf(options.seconds, engine.info);
  if (rows !== undefined) request.audio = { ...request.audio, min_step: rows, max_step: rows };
  const run = await generate(engine, tell, parts, 'generation', {
    ...request,
    messages: [...words('system', system), { role: 'user', modality: 'text', text }],
    segments: direct ? ['audio'] : ['text', 'audio'],
    signal,
  });
  Object.assign(parts, direct ? { caption: text } : parseGeneration(run.text));
  parts.audio = run.sounds ? { samples: run.samples, sampleRate: RATE } : null;
  if (rows !== undefined) tellLength(parts, options.seconds!);
  if (run.sounds && run.samples.length === 0) parts.warnings.push('The model ended at once: there is no sound.');
  return parts;
}

/** Rows of exactly so many seconds of sound: a row a frame, and the last streams' delay. */
function rowsOf(seconds: number | undefined, { codec, source }: EngineInfo): number | undefined {
  if (seconds === undefined) return undefined;
  if (!codec || isAddress(source)) {
    throw new BagpiperError(`${source} alone decides how long its sounds last; leave the length out.`);
  }
  return Math.max(1, Math.round((seconds * RATE) / codec.hop)) + codec.codebooks - 1;
}

/** A sound that was ended where it was to end is not cut off; one that the model had no room for is too short. */
function tellLength(parts: Parts, seconds: number): void {
  parts.warnings = parts.warnings.filter((warning) => warning !== longest('sound'));
  const made = (parts.audio?.samples.length ?? 0) / RATE;
  if (parts.audio && made < 0.9 * seconds && seconds - made > 0.1) {
    parts.warnings.push(`The model has no room for ${seconds} s of sound; it lasts ${made.toFixed(1)} s.`);
  }
}

const longest = (what: 'text' | 'sound'): string => `The ${what} reached its longest length and may be cut off.`;

/** Puts the judgement of a sound, heard in one stretch or several, into an answer; a sound unlike the model's own is warned of. */
function tellNovelty(parts: Parts, heard: readonly Novelty[], made: 'caption' | 'answer'): void {
  const novelty = joinNovelty(heard);
  if (!novelty) return;
  parts.novelty = novelty;
  if (!novelty.foreign) return;
  const [score, usual] = [novelty.score, novelty.threshold].map((x) => x.toFixed(2));
  parts.warnings.push(
    `This sound is unlike what the model was trained on (novelty ${score}, usual up to ${usual}): take the ${made} as a guess.`,
  );
}

/** Puts the choice that the answer comes to into it, and warns where it names none. */
function tellChoice(parts: Parts, choices: readonly string[], scores: readonly number[] | undefined): void {
  const choice = chosen(parts.answer, choices, scores ?? null);
  if (choice) parts.choice = choice;
  const warning = choiceWarning(choice);
  if (warning) parts.warnings.push(warning);
}

/** A text as a message, where there is one. */
function words(role: 'system' | 'user', text: string | undefined): EngineMessage[] {
  return text === undefined || text === '' ? [] : [{ role, modality: 'text', text }];
}

function emptyParts({ seed = 0 }: VerbOptions, warnings: string[]): Parts {
  return { caption: '', thinking: '', answer: '', audio: null, seed, stats: noStats(), warnings };
}

function settings(options: VerbOptions, modality: 'text' | 'audio'): Pick<GenerateRequest, 'seed' | 'text' | 'audio'> {
  const { seed = 0, temperature, topK, guidance } = options;
  const given = Object.entries({ temperature, topk: topK, cfg: guidance }).filter(([, value]) => value !== undefined);
  return { seed, [modality]: Object.fromEntries(given) };
}

/**
 * Runs a request, telling what happens; adds to the statistics and warnings of `parts`.
 * @returns `sounds`: the model made a segment of sound, be it empty
 */
async function generate(
  engine: Engine,
  tell: Tell,
  parts: Parts,
  form: TextForm,
  request: GenerateRequest,
): Promise<{
  text: string;
  sounds: boolean;
  samples: Float32Array;
  endings?: readonly number[];
  novelty?: Novelty;
}> {
  const splitter = new PartSplitter(form);
  let novelty: Novelty | undefined;
  let endings: readonly number[] | undefined;
  let finished: FinishedSegment[] = [];
  for await (const event of engine.generate(request)) {
    if (event.type === 'phase') tell(event);
    else if (event.type === 'segment') tell({ type: 'phase', phase: event.modality });
    else if (event.type === 'progress') tell({ type: 'progress', rows: event.rows });
    else if (event.type === 'audio') tell({ type: 'audio', samples: event.samples });
    else if (event.type === 'text') for (const delta of splitter.push(event.delta)) tell({ type: 'text', ...delta });
    else {
      finished = event.segments;
      ({ novelty, endings } = event);
      addStats(parts.stats, event.stats);
      for (const warning of event.warnings ?? []) if (!parts.warnings.includes(warning)) parts.warnings.push(warning);
    }
  }
  for (const delta of splitter.end()) tell({ type: 'text', ...delta });
  for (const { modality, endedBy } of finished) {
    const warning = longest(modality === 'text' ? 'text' : 'sound');
    if (endedBy === 'max_step' && !parts.warnings.includes(warning)) parts.warnings.push(warning);
  }
  return {
    text: finished.map(({ text = '' }) => text).join(''),
    sounds: finished.some(({ modality }) => modality === 'audio'),
    samples: joined(finished.flatMap(({ samples }) => (samples ? [samples] : []))),
    ...(endings ? { endings } : {}),
    ...(novelty ? { novelty } : {}),
  };
}
