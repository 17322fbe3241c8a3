/** The real engine on a converted model: how soon it is there, how fast it reads, writes and makes sound. */
import { existsSync } from 'node:fs';
import type * as EngineRoom from '../../src/engine/index.js';
import type { Engine, EngineEvent, GenerateRequest, GenerateStats } from '../../src/engine/types.js';
import type { Modality } from '../../src/model/index.js';
import type * as Tasks from '../../src/tasks/index.js';
import { clip } from '../clip.js';
import { secondsSince } from '../measure.js';
import { QUESTION, REQUEST } from '../verbs.js';
import { type Memory, memoryOf } from './memory.js';
import type { JobSettings } from './scale.js';

/** Tokens a second. */
export interface TextRates {
  /** after a prompt of a few rows */
  short: number;
  /** reading the long prompt, and after it */
  prefill: number;
  long: number;
}

/** What hearing and making sound takes; the verbs' own times in seconds. */
export interface SoundRates {
  /** frames a second without and with guidance, the codec's time left out */
  plain: number;
  guided: number;
  /** seconds a second of sound: hearing it, the first time (which compiles) and later; decoding it piece by piece */
  firstEncoder: number;
  encoder: number;
  codec: number;
  describe: number;
  ask: number;
  render: number;
}

export interface EngineRates {
  /** seconds */
  load: number;
  loaded: Memory | undefined;
  text: TextRates;
  sound?: SoundRates;
  /** rows of the key-value cache when it is largest, all slots together */
  cacheRows: number;
}

/** Samples a second. */
const RATE = 16_000;
/** Rows by which the engine's cache grows. */
const PAGE = 128;
/** Digits are tokens of their own in every tokenizer that splits text as Qwen's does. */
const prompt = (tokens: number): string => '7'.repeat(tokens);
const SHORT = 16;
/** Enough to be told of twice. */
const WARM = 11;

/** The compiled library: the engine's worker thread runs compiled code only. */
async function library(): Promise<{ openEngine: typeof EngineRoom.openEngine; verbsOf: typeof Tasks.verbsOf }> {
  const built = (file: string): string => new URL(`../../dist/${file}`, import.meta.url).href;
  if (!existsSync(new URL(built('engine/index.js')))) throw new Error('dist/ is missing; run "npm run build" first.');
  const { openEngine } = (await import(built('engine/index.js'))) as typeof EngineRoom;
  const { verbsOf } = (await import(built('tasks/index.js'))) as typeof Tasks;
  return { openEngine, verbsOf };
}

export async function engineRates(settings: JobSettings): Promise<EngineRates> {
  const { openEngine, verbsOf } = await library();
  const { steps, whole } = settings;
  const began = performance.now();
  const engine = await openEngine(settings.folder, { threads: settings.threads });
  const load = secondsSince(began);
  const loaded = memoryOf('self');
  const meter = new Meter(engine);
  // The first steps bring the weights into memory.
  await meter.text(SHORT, WARM);
  const short = await meter.text(SHORT, steps.decode);
  const long = await meter.text(steps.prompt, steps.decode);
  const text = { short: short.rate, prefill: long.prefill, long: long.rate };
  const sound = whole ? await soundRates(meter, verbsOf(engine), settings) : undefined;
  await engine.close();
  return { load, loaded, text, ...(sound ? { sound } : {}), cacheRows: meter.cacheRows };
}

async function soundRates(meter: Meter, bagpiper: Tasks.Bagpiper, { steps }: JobSettings): Promise<SoundRates> {
  await meter.sound(steps.frames, 3);
  const plain = await meter.sound(steps.frames, 1);
  const guided = await meter.sound(steps.frames, 3);
  const samples = clip(steps.clip);
  const verb = async (reply: Tasks.Reply): Promise<{ seconds: number; stats: GenerateStats; made: number }> => {
    const start = performance.now();
    const { stats, audio } = await reply;
    meter.holds(stats, audio ? 2 : 1);
    return { seconds: secondsSince(start), stats, made: audio ? audio.samples.length / RATE : 0 };
  };
  const describe = await verb(bagpiper.describe(samples, { seed: 1 }));
  const ask = await verb(bagpiper.ask(samples, QUESTION, { seed: 1 }));
  const render = await verb(bagpiper.render(REQUEST, { seed: 1, takes: 1 }));
  return {
    plain,
    guided,
    firstEncoder: describe.stats.seconds.encode / steps.clip,
    encoder: ask.stats.seconds.encode / steps.clip,
    codec: render.stats.seconds.codec / render.made,
    describe: describe.seconds,
    ask: ask.seconds,
    render: render.seconds,
  };
}

/** Asks the engine for so many rows of something and times them. */
class Meter {
  private longest = 0;
  private guided = 0;

  constructor(private readonly engine: Engine) {}

  /** Slots of one cache have room for the longest sequence; the all-zero rows of guidance have one of their own. */
  get cacheRows(): number {
    const room = (rows: number): number => Math.ceil(rows / PAGE) * PAGE;
    return this.guided > 0 ? 2 * room(this.longest) + room(this.guided) : room(this.longest);
  }

  /** Notes how long a request's sequence became. @param slots 2 where it was guided */
  holds(stats: GenerateStats, slots: number): void {
    const rows = stats.promptRows + stats.textTokens + stats.audioFrames;
    this.longest = Math.max(this.longest, rows);
    if (slots > 1) this.guided = Math.max(this.guided, rows);
  }

  /** Tokens a second after a prompt of so many, and while reading it. */
  async text(promptTokens: number, tokens: number): Promise<{ rate: number; prefill: number }> {
    const exactly = { min_step: tokens, max_step: tokens };
    const { rate, stats } = await this.run('text', { ...this.request('text', promptTokens), text: exactly });
    this.holds(stats, 1);
    return { rate, prefill: stats.promptRows / stats.seconds.prefill };
  }

  /** Frames a second, the codec's time left out. */
  async sound(frames: number, cfg: number): Promise<number> {
    const rows = frames + 7;
    const audio = { min_step: rows, max_step: rows, cfg };
    const { stats } = await this.run('audio', { ...this.request('audio', SHORT), audio });
    this.holds(stats, cfg > 1 ? 2 : 1);
    return rows / (stats.seconds.audio - stats.seconds.codec);
  }

  private request(segment: Modality, tokens: number): GenerateRequest {
    return { messages: [{ role: 'user', modality: 'text', text: prompt(tokens) }], segments: [segment], seed: 1 };
  }

  /** `rate`: rows a second between the first and the last that the engine tells of. */
  private async run(segment: Modality, request: GenerateRequest): Promise<{ rate: number; stats: GenerateStats }> {
    const marks: { rows: number; at: number }[] = [];
    let end: Extract<EngineEvent, { type: 'end' }> | undefined;
    for await (const event of this.engine.generate(request)) {
      if (event.type === 'progress') marks.push({ rows: event.rows, at: performance.now() });
      if (event.type === 'end') end = event;
    }
    if (!end || marks.length < 2) throw new Error(`the engine made less ${segment} than it was asked for`);
    const [first, last] = [marks[0], marks.at(-1)!];
    return { rate: (last.rows - first.rows) / ((last.at - first.at) / 1000), stats: end.stats };
  }
}
