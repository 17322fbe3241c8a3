/** Part "render": sounds made on request: are they sound at all, as long as planned, of the kinds asked for, and can the words be heard? */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWav } from '../../audio/index.js';
import { extractFacts, makeWords, presence, type Scene, VOICES } from '../../corpus/index.js';
import { isSpeechAlone, scenePresence } from '../../corpus/words/caption.js';
import { LEAST_SAMPLES } from '../../model/index.js';
import { Random } from '../../random.js';
import type { Parts } from '../../tasks/index.js';
import { KINDS, presenceRight } from './captions.js';
import { type Context, ofTakes, resultsOf, type TestClip } from './context.js';
import { missingSignals, signalRows } from './render-signals.js';
import { missingWords, wordRows } from './render-words.js';
import { missing, type Row, share } from './report.js';
import { fill } from './results.js';
import { isEventsAlone, isMusicAlone, renderedPath } from './stages.js';

const PART = 'render';
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

/** Of 12 requests so many are of each group, as far as there are scenes; the rest are mixtures. */
const SHARES = { speech: 4, music: 3, events: 3 } as const;

/**
 * Scenes of speech alone (for words and voices), music alone (instruments, tempo), events alone (found or not), and others in
 * their order. Of speech those come first that the recognizer understands best in the original (Flite voices, no echo, no
 * noise, full band), of music those on one instrument. The third argument: of 12 requests so many are of each group.
 */
export function pickScenes(
  clips: readonly TestClip[],
  count: number,
  { speech, music, events }: Record<keyof typeof SHARES, number> = SHARES,
): TestClip[] {
  const pick = (fits: (scene: Scene) => boolean, parts: number, order: (scene: Scene) => number): TestClip[] =>
    clips
      .filter(({ scene }) => fits(scene))
      .sort((a, b) => order(a.scene) - order(b.scene))
      .slice(0, Math.floor((count * parts) / 12));
  const groups = [
    pick(isSpeechAlone, speech, hardness),
    pick(isMusicAlone, music, ({ music }) => music?.instruments.length ?? 0),
    pick(isEventsAlone, events, () => 0),
  ].flat();
  const alone = ({ scene }: TestClip): boolean => isSpeechAlone(scene) || isMusicAlone(scene) || isEventsAlone(scene);
  const others = clips.filter((clip) => !alone(clip)).slice(0, count - groups.length);
  return [...groups, ...others];
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

/** @param train folder of train clips, on which the signal measures are fixed */
export async function renderScenes(
  context: Context,
  clips: readonly TestClip[],
  train: string | undefined,
): Promise<Row[]> {
  if (!context.bagpiper.info.codec) {
    const why = 'the model has no codec';
    return [missing(PART, 'rendered sound', why), ...missingWords(why), ...missingSignals(why)];
  }
  await mkdir(join(context.folder, ofTakes(context, PART)), { recursive: true });
  const renderings = await fill(
    resultsOf<Rendering>(context, ofTakes(context, PART)),
    clips,
    ({ scene }) => `${scene.id}: ${requestFor(scene, context.seed)}`,
    ({ scene }) => renderScene(context, scene),
    { together: context.together, tell: context.progress(PART) },
  );
  const scenes = clips.map(({ scene }) => scene);
  return [
    ...renderRows(renderings, scenes),
    ...(await wordRows(context, clips, renderings)),
    ...(await signalRows(context, clips, train)),
  ];
}

async function renderScene(context: Context, scene: Scene): Promise<Rendering> {
  const { bagpiper, seed, temperature, takes } = context;
  const request = requestFor(scene, seed);
  const rendered: Parts = await bagpiper.render(request, { seed, takes });
  const { audio, thinking, caption } = rendered;
  const samples = audio?.samples ?? new Float32Array(0);
  const finite = samples.every(Number.isFinite);
  const power = samples.reduce((sum, x) => sum + x * x, 0) / Math.max(1, samples.length);
  if (finite && samples.length > 0) await writeWav(renderedPath(context, scene), samples, 16000);
  const audible = finite && samples.length >= LEAST_SAMPLES;
  // The kept one of several takes was heard when it was chosen, greedily.
  const known = temperature === 0 ? rendered.takes?.find((take) => take.seed === rendered.seed)?.heard : undefined;
  const heard = audible ? (known ?? (await bagpiper.describe(samples, { seed, temperature })).caption) : '';
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
