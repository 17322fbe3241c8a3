/** Measurements of the shipped model, without training: guidance, and what measures give for the recordings themselves. */

import { codecRoundTrip } from '../src/evaluate/nano/codec.js';
import { samplesOf, type TestClip } from '../src/evaluate/nano/context.js';
import { pickScenes, requestFor } from '../src/evaluate/nano/render.js';
import type { TrainingSizes } from '../src/model/index.js';
import { asAsked, describeSounds, finite, type Measures, wordErrors } from './hearing.js';
import type { Material } from './material.js';
import { type Counts, requested } from './measures.js';
import type { GuidanceRun } from './plan.js';
import type { Speech } from './samples.js';
import { Scorer } from './scorer.js';
import { heldSet, MANY } from './train-run.js';

/** Of 12 requests so many are of one group: half of speech alone, for the words. */
const SHARES = { speech: 6, music: 0, events: 0 };
/** Requests of each guidance run. */
const REQUESTS = 24;
/** Two sequences each where guided, of the four that the engine takes. */
const TOGETHER = 2;

export interface ShippedResult {
  measures: Measures;
  examples?: string[];
}

/** Renderings of fixed requests under one guidance scale; the run's seed is that of the sampling. */
export async function guidanceRun(
  { scale, seed }: GuidanceRun,
  material: Material,
  signal: AbortSignal,
): Promise<ShippedResult> {
  const clips = pickScenes(material.clips, Math.min(REQUESTS, material.clips.length), SHARES);
  const bagpiper = await material.hearing();
  const sounds = new Array<Float32Array>(clips.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < clips.length) {
      signal.throwIfAborted();
      const i = next++;
      const request = requestFor(clips[i].scene, 1);
      const { audio } = await bagpiper.render(request, { seed, guidance: scale, signal });
      sounds[i] = audio?.samples ?? new Float32Array(0);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  const heard = await describeSounds(material, sounds, signal);
  return { measures: await scored(clips, sounds, heard), examples: heard.slice(0, 3) };
}

async function scored(
  clips: readonly TestClip[],
  sounds: readonly Float32Array[],
  heard: readonly string[],
): Promise<Measures> {
  const scenes = clips.map(({ scene }) => scene);
  return { ...asAsked(heard, sounds, scenes), WER: await wordErrors(sounds, scenes) };
}

/**
 * The recordings behind the requests, as they are and through the codec, heard in the same way: no rendering can be
 * expected to do better. And the shipped language model's losses on the held-out sets of the small ones.
 */
export async function referenceRun(
  material: Material,
  sizes: TrainingSizes,
  counts: Counts,
  signal: AbortSignal,
): Promise<ShippedResult> {
  const measures: Measures = {};
  const add = (name: string, found: Measures): void => {
    for (const [key, value] of Object.entries(found)) measures[`${name}: ${key}`] = value;
  };
  const byId = new Map(material.clips.map((clip) => [clip.scene.id, clip]));
  const sets = {
    renderings: requested(material, counts.renderings).map(({ example }) => byId.get(example.scene.id)!),
    guidance: pickScenes(material.clips, Math.min(REQUESTS, material.clips.length), SHARES),
  };
  for (const [name, clips] of Object.entries(sets)) {
    const original = await Promise.all(clips.map(samplesOf));
    const coded: Float32Array[] = [];
    for (const samples of original) {
      signal.throwIfAborted();
      coded.push(await codecRoundTrip(material.codec, samples));
    }
    add(`${name}, recordings`, await scored(clips, original, await describeSounds(material, original, signal)));
    add(`${name}, coded`, await scored(clips, coded, await describeSounds(material, coded, signal)));
  }
  return { measures: { ...measures, ...(await shippedLosses(material, sizes)) } };
}

async function shippedLosses(material: Material, sizes: TrainingSizes): Promise<Measures> {
  const speech: Speech = { tokenizer: material.tokenizer, config: material.shipped.config };
  const scorer = await Scorer.create(speech, sizes, material.shippedParameters(), material.threads);
  const measures: Measures = {};
  try {
    for (const kind of ['caption', 'sound'] as const) {
      const samples = heldSet(kind, material.held, speech);
      measures[`held-out loss: ${kind}`] = finite(await scorer.loss(samples, MANY));
    }
  } finally {
    await scorer.release();
  }
  return measures;
}
