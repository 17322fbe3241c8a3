/** Sounds as the shipped model and an independent recognizer hear them, against the scenes that they were asked to be. */
import { presence, type Scene } from '../src/corpus/index.js';
import { scenePresence } from '../src/corpus/words/caption.js';
import { f1Part } from '../src/evaluate/index.js';
import { ratioOf } from '../src/evaluate/metrics/statistics.js';
import { heardWords, KINDS, presenceRight, scoreCaption } from '../src/evaluate/nano/captions.js';
import { findRecognizer } from '../src/evaluate/nano/recognizer.js';
import { addErrors, differences } from '../src/text/index.js';
import type { Material } from './material.js';

/** Shares and ratios from 0 to 1 by name; null where it could not be measured. */
export type Measures = Record<string, number | null>;

/** Requests in the engine at once. */
const TOGETHER = 4;
/** 10 ms at 16 kHz: the least that the encoder takes. */
const LEAST = 160;
const LENGTH_TOLERANCE = 0.3;
/** Root mean square below which a sound counts as silent: -60 dB of full scale. */
const SILENT = 1e-3;

/** Captions of sounds by the shipped model, greedy; "" of what is too short to be heard. */
export async function describeSounds(
  material: Material,
  sounds: readonly Float32Array[],
  signal?: AbortSignal,
): Promise<string[]> {
  const bagpiper = await material.hearing();
  const out = new Array<string>(sounds.length).fill('');
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < sounds.length) {
      signal?.throwIfAborted();
      const i = next++;
      const usable = sounds[i].length >= LEAST && sounds[i].every(Number.isFinite);
      if (usable) out[i] = (await bagpiper.describe(sounds[i], { temperature: 0, signal })).caption;
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  return out;
}

/** Kinds and events as asked, by captions of the sounds; lengths against those of the scenes. */
export function asAsked(
  captions: readonly string[],
  sounds: readonly Float32Array[],
  scenes: readonly Scene[],
): Measures {
  const told = captions.map((caption, i) => ({ told: presence(caption), there: scenePresence(scenes[i]) }));
  const share = (right: readonly boolean[]): number => right.filter(Boolean).length / Math.max(1, right.length);
  const events = captions.map((caption, i) => f1Part(scoreCaption(caption, scenes[i]).events));
  const near = sounds.map(({ length }, i) => Math.abs(length / 16000 / scenes[i].seconds - 1) <= LENGTH_TOLERANCE);
  return {
    kinds: share(told.map(presenceRight)),
    ...Object.fromEntries(KINDS.map((kind) => [kind, share(told.map((t) => t.told[kind] === t.there[kind]))])),
    'event F1': finite(ratioOf(events)),
    length: share(near),
    silent: share(sounds.map(isSilent)),
  };
}

function isSilent(sound: Float32Array): boolean {
  const power = sound.reduce((sum, x) => sum + x * x, 0) / Math.max(1, sound.length);
  return !(Math.sqrt(power) > SILENT);
}

/** Word error rate by PocketSphinx over the sounds of scenes with speech alone; null where it is not installed. */
export async function wordErrors(sounds: readonly Float32Array[], scenes: readonly Scene[]): Promise<number | null> {
  const spoken = scenes.flatMap((scene, i) => {
    const { speech, music, sound } = scenePresence(scene);
    return speech && !music && !sound ? [i] : [];
  });
  const recognizer = await findRecognizer();
  if (!recognizer || spoken.length === 0) return null;
  const heard = await recognizer.hear(spoken.map((i) => sounds[i]));
  const errors = addErrors(spoken.map((i, k) => heardWords(scenes[i], [heard[k]])));
  return finite(differences(errors) / errors.reference);
}

export const finite = (x: number): number | null => (Number.isFinite(x) ? x : null);
