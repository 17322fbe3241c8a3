/** How long a loaded model takes to describe, to answer and to render. */
import { existsSync } from 'node:fs';
import type * as Library from '../src/index.js';
import { clip } from './clip.js';
import { type BenchOptions, median, type Row, row, secondsSince } from './measure.js';

export const CLIP_SECONDS = 10;
const RENDER_SECONDS = 5;
/** What nano makes of a request by itself. */
const TAKES = 4;
/** The target for a clip of 10 s. */
const DESCRIBE_SECONDS = 2;
export const QUESTION = 'Is anyone speaking, and what else can be heard?';
export const REQUEST = 'A dog barks twice in a large hall, five seconds in all.';

/** The compiled library: the engine's worker thread runs compiled code only. */
async function library(): Promise<typeof Library> {
  const built = new URL('../dist/index.js', import.meta.url);
  if (!existsSync(built)) throw new Error('dist/ is missing; run "npm run build" first.');
  return (await import(built.href)) as typeof Library;
}

/** What one run of a verb took, in seconds, and what it made. */
interface Timing {
  firstText: number;
  firstAudio: number;
  end: number;
  tokens: number;
  textSeconds: number;
  soundSeconds: number;
}

async function follow(reply: Library.Reply): Promise<Timing> {
  const start = performance.now();
  const timing: Timing = { firstText: NaN, firstAudio: NaN, end: 0, tokens: 0, textSeconds: 0, soundSeconds: 0 };
  for await (const event of reply) {
    if (event.type === 'text' && Number.isNaN(timing.firstText)) timing.firstText = secondsSince(start);
    if (event.type === 'audio' && Number.isNaN(timing.firstAudio)) timing.firstAudio = secondsSince(start);
  }
  timing.end = secondsSince(start);
  const { stats, audio } = await reply;
  timing.tokens = stats.textTokens;
  timing.textSeconds = stats.seconds.text;
  timing.soundSeconds = audio ? audio.samples.length / audio.sampleRate : 0;
  return timing;
}

export async function verbRows(options: BenchOptions): Promise<Row[]> {
  const { model, threads, runs, progress } = options;
  const { loadBagpiper } = await library();
  const samples = clip(CLIP_SECONDS);
  const load = performance.now();
  const bagpiper = await loadBagpiper(model, { threads });
  const loaded = secondsSince(load);
  const verbs = {
    describe: () => bagpiper.describe(samples, { seed: 1 }),
    ask: () => bagpiper.ask(samples, QUESTION, { seed: 1 }),
    render: () => bagpiper.render(REQUEST, { seed: 1, guidance: 3, takes: 1 }),
    takes: () => bagpiper.render(REQUEST, { seed: 1, guidance: 3, takes: TAKES }),
  };
  const timings: Record<keyof typeof verbs, Timing[]> = { describe: [], ask: [], render: [], takes: [] };
  // The first round makes graphs and is not counted; the verbs take turns so that each meets the machine's moods alike.
  for (let i = -1; i < runs; i++) {
    for (const name of Object.keys(verbs) as (keyof typeof verbs)[]) {
      progress(i < 0 ? `${name}, first time` : `${name} ${i + 1} of ${runs}`);
      const timing = await follow(verbs[name]());
      if (i >= 0) timings[name].push(timing);
    }
  }
  await bagpiper.close();
  return [
    row('load the model', 's', [loaded]),
    ...heardRows(timings),
    ...renderRows(timings.render),
    takesRow(timings),
  ];
}

function heardRows(timings: Record<'describe' | 'ask', Timing[]>): Row[] {
  const rows: Row[] = [];
  const clipLength = { name: 'length of the clip', value: CLIP_SECONDS };
  const target = { text: `within ${DESCRIBE_SECONDS} s`, met: (x: number) => x <= DESCRIBE_SECONDS };
  for (const verb of ['describe', 'ask'] as const) {
    const name = `${verb} ${CLIP_SECONDS} s`;
    const of = timings[verb];
    const ends = of.map((t) => t.end);
    rows.push(row(`${name}: first text`, 's', firsts(of, 'firstText')));
    rows.push(row(`${name}: end`, 's', ends, { baseline: clipLength, ...(verb === 'describe' ? { target } : {}) }));
    rows.push(
      row(
        `${name}: text`,
        'tokens',
        of.map((t) => t.tokens),
      ),
    );
    rows.push(
      row(
        `${name}: speed of text`,
        'tokens/s',
        of.map((t) => t.tokens / t.textSeconds),
      ),
    );
  }
  return rows;
}

/** The moments that came; a model may say nothing at all, and then the end stands for them. */
const firsts = (of: Timing[], which: 'firstText' | 'firstAudio'): number[] =>
  of.map((t) => (Number.isNaN(t[which]) ? t.end : t[which]));

/** Seconds that a second of sound took. */
const perSecond = (of: Timing[]): number[] => of.map((t) => t.end / (t.soundSeconds || Number.NaN));

function renderRows(of: Timing[]): Row[] {
  const name = `render ${RENDER_SECONDS} s, guidance 3`;
  const target = { text: 'below 1', met: (x: number) => x < 1 };
  const soundOnly = of.map((t) => (t.end - firstsOf(t)) / (t.soundSeconds || Number.NaN));
  return [
    row(`${name}: first audio`, 's', firsts(of, 'firstAudio')),
    row(
      `${name}: end`,
      's',
      of.map((t) => t.end),
    ),
    row(
      `${name}: sound made`,
      's',
      of.map((t) => t.soundSeconds),
    ),
    row(`${name}: seconds a second of sound`, '', perSecond(of), { target }),
    row(`${name}: the same from the first audio on`, '', soundOnly),
  ];
}

/** Several takes side by side, each heard, against one. */
function takesRow({ render, takes }: Record<'render' | 'takes', Timing[]>): Row {
  return row(`render, the best of ${TAKES} takes: seconds a second of sound`, '', perSecond(takes), {
    baseline: { name: 'one take', value: median(perSecond(render)) },
  });
}

const firstsOf = (t: Timing): number => (Number.isNaN(t.firstAudio) ? 0 : t.firstAudio);
