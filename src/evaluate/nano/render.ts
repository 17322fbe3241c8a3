/** Part "render": sounds made on request: are they sound at all, as long as planned, of the kinds asked for, and can the words be heard? */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadMono16k, writeWav } from '../../audio/index.js';
import { extractFacts, makeWords, presence, type Scene, VOICES } from '../../corpus/index.js';
import { scenePresence } from '../../corpus/words/caption.js';
import { openModel } from '../../model/bagpiper.js';
import { openCodec } from '../../model/codec/open.js';
import { Random } from '../../random.js';
import type { Parts } from '../../tasks/index.js';
import type { WordErrors } from '../../text/index.js';
import { heardWords, KINDS, presenceRight } from './captions.js';
import { codecRoundTrip } from './codec.js';
import { type Context, resultsOf, samplesOf, type TestClip } from './context.js';
import { findRecognizer, type Recognizer } from './recognizer.js';
import { missing, type Row, share, wordErrorRow } from './report.js';
import { fill } from './results.js';

const PART = 'render';
const GUIDANCE = 3;
/** Root mean square below which a sound counts as silent: -60 dB of full scale. */
const SILENT = 1e-3;
/** How far a length may be off. */
const LENGTH_TOLERANCE = 0.3;

/** One rendering, without its samples. */
export interface Rendering {
  request: string;
  thinking: string;
  caption: string;
  seconds: number;
  finite: boolean;
  rms: number;
  /** how the model itself describes it; "" where there is nothing to describe */
  heard: string;
}

/**
 * Half scenes with speech alone, for the words, half others in their order. Of the first kind those come first that the
 * recognizer understands best in the original: Flite voices, no echo, no noise, full band.
 */
export function pickScenes(clips: readonly TestClip[], count: number): TestClip[] {
  const spoken = clips
    .filter(({ scene }) => isSpeechAlone(scene))
    .map((clip) => ({ clip, hardness: hardness(clip.scene) }))
    .sort((a, b) => a.hardness - b.hardness)
    .slice(0, Math.floor(count / 2))
    .map(({ clip }) => clip);
  const others = clips.filter(({ scene }) => !isSpeechAlone(scene)).slice(0, count - spoken.length);
  return [...spoken, ...others];
}

function isSpeechAlone(scene: Scene): boolean {
  const { speech, music, sound } = scenePresence(scene);
  return speech && !music && !sound;
}

function hardness({ speakers, room, quality }: Scene): number {
  const engines = new Map(VOICES.map(({ id, engine }) => [id, engine]));
  const foreign = speakers.filter(({ voice }) => engines.get(voice) !== 'flite').length;
  return (
    4 * foreign +
    { dry: 0, room: 2, hall: 4 }[room.kind] +
    { none: 0, slight: 1, strong: 3 }[quality.noise] +
    (quality.band === 'narrow' ? 3 : 0)
  );
}

/** The plain request for a scene. */
export function requestFor(scene: Scene, seed: number): string {
  const { requests } = makeWords(scene, new Random(`evaluate/${seed}/${scene.id}/request`));
  return requests.find(({ style }) => style === 'realistic')!.text;
}

const soundPath = (context: Context, scene: Scene): string => join(context.folder, PART, `${scene.id}.wav`);

export async function renderScenes(context: Context, clips: readonly TestClip[]): Promise<Row[]> {
  if (!context.bagpiper.info.codec) return [missing(PART, 'rendered sound', 'the model has no codec')];
  await mkdir(join(context.folder, PART), { recursive: true });
  const renderings = await fill(
    resultsOf<Rendering>(context, PART),
    clips,
    ({ scene }) => `${scene.id}: ${requestFor(scene, context.seed)}`,
    ({ scene }) => renderScene(context, scene),
    { together: context.together, tell: context.progress(PART) },
  );
  const scenes = clips.map(({ scene }) => scene);
  return [...renderRows(renderings, scenes), ...(await wordRows(context, clips, renderings))];
}

async function renderScene(context: Context, scene: Scene): Promise<Rendering> {
  const { bagpiper, seed, temperature } = context;
  const request = requestFor(scene, seed);
  const { audio, thinking, caption }: Parts = await bagpiper.render(request, { seed, guidance: GUIDANCE });
  const samples = audio?.samples ?? new Float32Array(0);
  const finite = samples.every(Number.isFinite);
  const power = samples.reduce((sum, x) => sum + x * x, 0) / Math.max(1, samples.length);
  if (finite && samples.length > 0) await writeWav(soundPath(context, scene), samples, 16000);
  // 10 ms is the least that the encoder takes.
  const audible = finite && samples.length >= 160;
  const heard = audible ? (await bagpiper.describe(samples, { seed, temperature })).caption : '';
  return { request, thinking, caption, seconds: samples.length / 16000, finite, rms: Math.sqrt(power), heard };
}

/**
 * The length that a text names: "a 6-second clip", "6 seconds long", "about 6 seconds"; null where it names none. Times
 * ("at about 2 seconds") are no lengths.
 */
export function secondsNamed(text: string): number | null {
  const number = String.raw`(\d+(?:\.\d+)?)`;
  const forms = `${number}-second|${number} seconds? long|(?<!(?:at|from|until) )about ${number} seconds?`;
  const match = new RegExp(`\\b(?:${forms})\\b`, 'i').exec(text);
  return match ? Number(match.slice(1).find((group) => group !== undefined)) : null;
}

/** The length that the model planned: what its caption says of the whole clip, else its thinking. */
function plannedSeconds({ caption, thinking }: Rendering): number | null {
  return extractFacts(caption).seconds ?? secondsNamed(thinking);
}

const near = (seconds: number, wanted: number): boolean => Math.abs(seconds - wanted) <= LENGTH_TOLERANCE * wanted;

export function renderRows(renderings: readonly Rendering[], scenes: readonly Scene[]): Row[] {
  const lengths = (measure: string, wanted: (r: Rendering) => number | null): Row => {
    const named = renderings.filter((r) => wanted(r) !== null);
    return share(
      PART,
      measure,
      named.map((r) => near(r.seconds, wanted(r)!)),
      'renderings that name one',
    );
  };
  const heard = renderings.map((r, i) => ({ told: presence(r.heard), there: scenePresence(scenes[i]) }));
  return [
    share(
      PART,
      'finite samples',
      renderings.map((r) => r.finite && r.seconds > 0),
      'renderings',
    ),
    share(
      PART,
      'not silent (above -60 dB of full scale)',
      renderings.map((r) => r.rms > SILENT),
      'renderings',
    ),
    lengths('length within 30 % of the length asked', (r) => secondsNamed(r.request)),
    lengths('length within 30 % of the length that the model planned', plannedSeconds),
    share(
      PART,
      'speech, music and sound all as asked, heard by the model itself',
      heard.map(presenceRight),
      'renderings',
    ),
    ...KINDS.map((kind) =>
      share(
        PART,
        `${kind} as asked, heard by the model itself`,
        heard.map(({ told, there }) => told[kind] === there[kind]),
        'renderings',
      ),
    ),
  ];
}

async function wordRows(
  context: Context,
  clips: readonly TestClip[],
  renderings: readonly Rendering[],
): Promise<Row[]> {
  const spoken = clips
    .map((clip, i) => ({ ...clip, rendering: renderings[i] }))
    .filter(({ scene }) => isSpeechAlone(scene));
  const own = spoken.map(({ scene, rendering }) =>
    heardWords(
      scene,
      extractFacts(rendering.heard).turns.map(({ sentence }) => sentence),
    ),
  );
  const rows = [wordErrorRow(PART, 'word error rate, the model hearing its own renderings', own)];
  const recognizer = await findRecognizer();
  if (!recognizer) {
    return [...rows, missing(PART, 'word error rate, heard by a recognizer', 'pocketsphinx is not installed')];
  }
  const errors = await recognized(context, recognizer, spoken);
  const titles = {
    original: 'of the original recordings',
    coded: 'of their codec round trips',
    rendered: 'of renderings',
  };
  for (const stage of ['original', 'coded', 'rendered'] as const) {
    rows.push(wordErrorRow(PART, `word error rate by pocketsphinx ${titles[stage]}`, errors[stage]));
  }
  return rows;
}

type Stages = Record<'original' | 'coded' | 'rendered', WordErrors[]>;

/** The recognizer on the recordings, on what the codec makes of them, and on the renderings: it, the codec and the model told apart. */
async function recognized(context: Context, recognizer: Recognizer, clips: readonly TestClip[]): Promise<Stages> {
  const { source, threads } = context.bagpiper.info;
  const codec = openCodec(openModel(source), threads)!;
  const original = await Promise.all(clips.map(samplesOf));
  const coded: Float32Array[] = [];
  for (const samples of original) coded.push(await codecRoundTrip(codec, samples));
  await codec.release();
  const rendered = await Promise.all(
    clips.map(async ({ scene }) => {
      const path = soundPath(context, scene);
      return existsSync(path) ? (await loadMono16k(path)).samples : new Float32Array(0);
    }),
  );
  const hear = async (sounds: Float32Array[]): Promise<WordErrors[]> => {
    const heard = await recognizer.hear(sounds);
    return clips.map(({ scene }, i) => heardWords(scene, [heard[i]]));
  };
  return { original: await hear(original), coded: await hear(coded), rendered: await hear(rendered) };
}
