/** Makes the card's samples: captions of heard clips, and renderings with what is heard in them. */
import { encodeFlac, loadMono16k } from '../../audio/index.js';
import { extractFacts, presence } from '../../corpus/index.js';
import { scenePresence } from '../../corpus/words/caption.js';
import { LEAST_SAMPLES } from '../../model/index.js';
import type { Bagpiper } from '../../tasks/index.js';
import { heardWords, presenceRight } from '../nano/captions.js';
import type { TestClip } from '../nano/context.js';
import type { Recognizer } from '../nano/recognizer.js';
import type { Chosen, KindShown } from './choose.js';
import { type Fact, factsOf } from './facts.js';

const RATE = 16_000;
/** Longer renderings are cut in their files, seconds. */
const LONGEST_FILE = 8;
/** A rendering of speech of which the recognizer gets more of the words wrong has failed. */
export const WORDS_WRONG = 0.5;
/** One that is so many times shorter or longer than planned has failed, too. */
export const LENGTH_OFF = 2;

export interface HeardSample {
  kind: KindShown;
  id: string;
  /** name of the clip's file */
  file: string;
  seconds: number;
  truth: string;
  caption: string;
  facts: Fact[];
}

export interface RenderedSample {
  kind: KindShown;
  id: string;
  /** name of the rendering's file; null where the model made no sound */
  file: string | null;
  seconds: number;
  request: string;
  thinking: string;
  caption: string;
  /** how the model itself describes it */
  heard: string;
  /** where words were asked for: those, what the recognizer heard (null: not installed), and errors by word */
  words: { asked: string; heard: string | null; errorRate: number } | null;
  /** why it has failed; empty where it has not */
  failures: string[];
}

export interface Gallery {
  heard: HeardSample[];
  rendered: RenderedSample[];
  /** samples at 16 kHz by the file's name */
  sounds: Map<string, Float32Array>;
}

/** Sounds as FLAC files, each at most so many seconds of it that all fit. */
export interface Files {
  files: Map<string, Uint8Array>;
  /** seconds of the longest; what is longer is cut */
  cut: number;
}

export interface MakeOptions {
  seed: number;
  recognizer: Recognizer | null;
  onProgress?: (text: string) => void;
}

/** The same model, clips and seed give the same bytes. */
export async function makeGallery(
  bagpiper: Bagpiper,
  chosen: readonly Chosen[],
  options: MakeOptions,
): Promise<Gallery> {
  const gallery: Gallery = { heard: [], rendered: [], sounds: new Map() };
  for (const { kind, heard } of chosen) {
    options.onProgress?.(`hearing ${heard.scene.id}`);
    gallery.heard.push(await hear(bagpiper, kind, heard, gallery.sounds));
  }
  for (const { kind, rendered } of chosen) {
    options.onProgress?.(`rendering ${rendered.scene.id}`);
    gallery.rendered.push(await render(bagpiper, kind, rendered, gallery.sounds, options));
  }
  return gallery;
}

/**
 * The files, of 8 seconds at most, or of fewer until all together are small enough.
 *
 * @param most bytes of all files
 */
export function filesOf({ sounds }: Gallery, most: number): Files {
  for (let cut = LONGEST_FILE; ; cut--) {
    const files = new Map(
      [...sounds].map(([name, samples]) => [name, encodeFlac(samples.subarray(0, cut * RATE), RATE)]),
    );
    const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0);
    if (bytes <= most || cut === 1) return { files, cut };
  }
}

const nameOf = (what: string, kind: string): string => `${what}-${kind.replaceAll(' + ', '-')}.flac`;

async function hear(
  bagpiper: Bagpiper,
  kind: KindShown,
  clip: TestClip,
  sounds: Map<string, Float32Array>,
): Promise<HeardSample> {
  const { record, scene } = clip;
  const { samples } = await loadMono16k(clip.path);
  const { caption } = await bagpiper.describe(samples, { temperature: 0 });
  const file = nameOf('heard', kind);
  sounds.set(file, samples);
  const facts = factsOf(caption, record.caption, scene);
  return { kind, id: scene.id, file, seconds: samples.length / RATE, truth: record.caption, caption, facts };
}

async function render(
  bagpiper: Bagpiper,
  kind: KindShown,
  { record, scene }: TestClip,
  sounds: Map<string, Float32Array>,
  { seed, recognizer }: MakeOptions,
): Promise<RenderedSample> {
  const request = record.requests.find(({ style }) => style === 'realistic')!.text;
  const { audio, thinking, caption } = await bagpiper.render(request, { seed });
  const samples = audio?.samples ?? new Float32Array(0);
  const seconds = samples.length / RATE;
  const made = { kind, id: scene.id, seconds, request, thinking, caption };
  if (samples.length < LEAST_SAMPLES || !samples.every(Number.isFinite)) {
    return { ...made, file: null, heard: '', words: null, failures: ['no sound came of it'] };
  }
  const file = nameOf('rendered', kind);
  sounds.set(file, samples);
  const heard = (await bagpiper.describe(samples, { temperature: 0 })).caption;
  const said = scene.speech.length > 0 && recognizer ? (await recognizer.hear([samples]))[0] : null;
  const asked = scene.speech.map(({ words }) => words).join(' ');
  const errors = heardWords(scene, said === null ? [] : [said]);
  const errorRate = (errors.substitutions + errors.insertions + errors.deletions) / Math.max(1, errors.reference);
  const failures = [
    ...lengthFailures(seconds, extractFacts(caption).seconds),
    ...kindFailures(heard, scenePresence(scene)),
    ...(said !== null && errorRate > WORDS_WRONG ? [`${Math.round(100 * errorRate)} errors to a hundred words`] : []),
  ];
  return { ...made, file, heard, words: scene.speech.length > 0 ? { asked, heard: said, errorRate } : null, failures };
}

/** @param planned seconds that the model's own caption names; null where it names none */
function lengthFailures(seconds: number, planned: number | null): string[] {
  if (planned === null || (seconds >= planned / LENGTH_OFF && seconds <= planned * LENGTH_OFF)) return [];
  return [`${seconds.toFixed(1)} s long, ${planned} s planned`];
}

function kindFailures(heard: string, there: ReturnType<typeof presence>): string[] {
  const told = presence(heard);
  if (presenceRight({ told, there })) return [];
  const kinds = (found: typeof there): string =>
    Object.entries(found)
      .flatMap(([kind, is]) => (is ? [kind] : []))
      .join(' and ') || 'nothing';
  return [`${kinds(there)} asked for, ${kinds(told)} heard`];
}
