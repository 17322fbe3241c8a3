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
const PICTURE = { width: 800, height: 260 };

/** Clips with a caption that was kept come first, among them those with dialogues. */
export async function samplesOf(tables: Tables, options: SampleOptions): Promise<Sample[]> {
  const clips = await chosen(tables, options);
  const labels = new Map((await resultsOf<Label>(tables, 'label', clips)).map((label) => [label.id, label]));
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

async function chosen(tables: Tables, { count, seed }: SampleOptions): Promise<Clip[]> {
  if (!tables.has('clips') || count === 0) return [];
  const wanted = ['filter', 'label'].filter((stage) => tables.has(stage));
  const kept = wanted.map((stage) => `(id IN (SELECT id FROM @${stage} WHERE result IS NOT NULL)) DESC, `);
  const spoken = VARIANTS.filter((variant) => tables.has(`${variant}-dialogues`)).map(
    (variant) => `SELECT result->>'$.metadata.original_idx' FROM @${variant}-dialogues WHERE result IS NOT NULL`,
  );
  const first = spoken.length > 0 ? `(id IN (${spoken.join(' UNION ')})) DESC, ` : '';
  const rows = await tables.rows<{ result: string }>(
    `SELECT result FROM @clips WHERE result IS NOT NULL ORDER BY ${kept.join('')}${first}md5(id || $seed), id LIMIT ${count}`,
    { seed: String(seed) },
  );
  return rows.map(({ result }) => JSON.parse(result) as Clip);
}

async function resultsOf<R>(tables: Tables, stage: string, records: readonly { id: string }[]): Promise<R[]> {
  if (!tables.has(stage) || records.length === 0) return [];
  const rows = await tables.rows<{ result: string }>(
    `SELECT result FROM @${stage} WHERE result IS NOT NULL AND id IN (${records.map((_, i) => `$id${i}`).join(', ')})`,
    Object.fromEntries(records.map(({ id }, i) => [`id${i}`, id])),
  );
  return rows.map(({ result }) => JSON.parse(result) as R);
}

/** Dialogues by the clip that they were made from. */
async function dialoguesOf(tables: Tables, clips: readonly Clip[]): Promise<Map<string, Spoken[]>> {
  const found = new Map<string, Spoken[]>();
  for (const variant of VARIANTS) {
    if (!tables.has(`${variant}-dialogues`) || clips.length === 0) continue;
    const rows = await tables.rows<{ result: string }>(
      `SELECT result FROM @${variant}-dialogues WHERE result->>'$.metadata.original_idx' IN (${clips.map((_, i) => `$id${i}`).join(', ')}) QUALIFY row_number() OVER (PARTITION BY result->>'$.metadata.original_idx' ORDER BY id) <= ${DIALOGUES} ORDER BY id`,
      Object.fromEntries(clips.map(({ id }, i) => [`id${i}`, id])),
    );
    const dialogues = rows.map(({ result }) => JSON.parse(result) as Dialogue);
    const judged = await resultsOf<Judged>(tables, `${variant}-judged`, dialogues);
    for (const dialogue of dialogues) {
      const judgement = judged.find(({ id }) => id === dialogue.id);
      const low = judgement && rejection(judgement, thresholdFor(judgement.part));
      const clip = String(dialogue.metadata.original_idx);
      const one = { variant, dialogue, ...(judgement && { judged: judgement }), ...(low && { rejected: low.message }) };
      found.set(clip, [...(found.get(clip) ?? []), one]);
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
  if (picture.length > left) return { note: 'Left out, as the page has reached its size.' };
  const sound = dataUri('audio/flac', encodeFlac(samples, RATE));
  if (picture.length + sound.length > left)
    return { picture, note: 'The sound is left out, as the page has reached its size.' };
  return { picture, sound, ...cut };
}

function dataUri(type: string, bytes: Uint8Array): string {
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}
