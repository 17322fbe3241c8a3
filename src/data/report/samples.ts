/** Clips to hear and look at: chosen by the seed, with all that became of them. */
import { encodeFlac, spectrogramPng } from '../../audio/index.js';
import { BagpiperError } from '../../errors.js';
import type { Judged } from '../simulate/index.js';
import { rejection, thresholdFor, VARIANTS, type Variant } from '../simulate/index.js';
import { Listener } from '../source/index.js';
import type { Clip, Dialogue, Label } from '../types.js';
import type { Tables } from './tables.js';

export interface Spoken {
  variant: Variant;
  dialogue: Dialogue;
  judged?: Judged;
  /** why it is not kept */
  rejected?: string;
}

export interface Sample {
  clip: Clip;
  label?: Label;
  dialogues: Spoken[];
  /** data URIs */
  sound?: string;
  picture?: string;
  /** why there is no sound, or not all of it */
  note?: string;
}

export interface SampleOptions {
  count: number;
  seed: number;
  /** the most that sounds and pictures may take together, bytes of the page */
  bytes: number;
  signal?: AbortSignal;
}

const RATE = 16_000;
/** Longer sounds are cut, seconds. */
const LONGEST = 30;
/** Dialogues shown of a clip and variant. */
const DIALOGUES = 3;
const FULL = 'Sound is left out, as the page has reached its size.';
/** Where a dialogue names its clip. */
const SOURCE = "(result->>'$.metadata.original_idx')";
const PICTURE = { width: 800, height: 260 };

/** Clips with a caption that was kept come first, among them those with dialogues. */
export async function samplesOf(tables: Tables, options: SampleOptions): Promise<Sample[]> {
  const clips = await chosen(tables, options);
  const ids = clips.map(({ id }) => id);
  const labels = new Map((await tables.results<Label>('label', ids)).map((label) => [label.id, label]));
  const spoken = await dialoguesOf(tables, clips);
  const listener = new Listener();
  let left = options.bytes;
  const samples: Sample[] = [];
  try {
    for (const clip of clips) {
      const label = labels.get(clip.id);
      const dialogues = spoken.get(clip.id) ?? [];
      const heard = await sounding(listener, clip, left, options.signal);
      left -= (heard.sound?.length ?? 0) + (heard.picture?.length ?? 0);
      samples.push({ clip, ...(label && { label }), dialogues, ...heard });
    }
  } finally {
    await listener.close();
  }
  return samples;
}

/** Clips of dialogues first, then such as the filters kept, such as have a caption, any. */
async function chosen(tables: Tables, { count, seed }: SampleOptions): Promise<Clip[]> {
  if (!tables.has('clips') || count === 0) return [];
  const ids = new Set<string>();
  const add = (drawn: readonly string[]): void => {
    for (const id of drawn) if (ids.size < count) ids.add(id);
  };
  // Several dialogues of a clip have one hash, so more are drawn than clips are wanted.
  for (const variant of VARIANTS) add(await tables.draw(`${variant}-dialogues`, count * 8, seed, SOURCE));
  for (const stage of ['filter', 'label', 'clips'])
    if (ids.size < count) add(await tables.draw(stage, 2 * count, seed));
  const clips = new Map((await tables.results<Clip>('clips', [...ids])).map((clip) => [clip.id, clip]));
  return [...ids].flatMap((id) => clips.get(id) ?? []);
}

/** Dialogues by the clip that they were made from. */
async function dialoguesOf(tables: Tables, clips: readonly Clip[]): Promise<Map<string, Spoken[]>> {
  const found = new Map<string, Spoken[]>();
  for (const variant of VARIANTS) {
    const ids = clips.map(({ id }) => id);
    const dialogues = await tables.results<Dialogue>(`${variant}-dialogues`, ids, SOURCE);
    const judged = await tables.results<Judged>(
      `${variant}-judged`,
      dialogues.map(({ id }) => id),
    );
    dialogues.sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const dialogue of dialogues) {
      const judgement = judged.find(({ id }) => id === dialogue.id);
      const low = judgement && rejection(judgement, thresholdFor(judgement.part));
      const clip = String(dialogue.metadata.original_idx);
      const one = { variant, dialogue, ...(judgement && { judged: judgement }), ...(low && { rejected: low.message }) };
      const others = found.get(clip) ?? [];
      if (others.filter((other) => other.variant === variant).length < DIALOGUES) found.set(clip, [...others, one]);
    }
  }
  return found;
}

async function sounding(
  listener: Listener,
  clip: Clip,
  left: number,
  signal: AbortSignal | undefined,
): Promise<Pick<Sample, 'sound' | 'picture' | 'note'>> {
  if (left <= 0) return { note: FULL };
  let whole: Float32Array;
  try {
    whole = await listener.samples(clip.audio, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BagpiperError) return { note: error.message };
    throw error;
  }
  const samples = whole.subarray(0, LONGEST * RATE);
  const cut = samples.length < whole.length ? { note: `The first ${LONGEST} seconds.` } : {};
  const picture = dataUri('image/png', await spectrogramPng(samples, RATE, PICTURE));
  if (picture.length > left) return { note: FULL };
  const sound = dataUri('audio/flac', encodeFlac(samples, RATE));
  if (picture.length + sound.length > left) return { picture, note: FULL };
  return { picture, sound, ...cut };
}

function dataUri(type: string, bytes: Uint8Array): string {
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}
