/**
 * Signal measures of voices, music and events that know nothing of the model: features in closed form, compared with the same
 * features of the synthesizers' own clips of the split train. The nearest class is what is heard.
 */

import { join } from 'node:path';
import { loadMono16k } from '../../audio/index.js';
import { EVENTS, INSTRUMENTS, type Scene, VOICES } from '../../corpus/index.js';
import { isSpeechAlone } from '../../corpus/words/caption.js';
import { BagpiperError } from '../../errors.js';
import { listShards, readShard } from '../../train/nano/shards.js';
import { fitClasses, type Sample } from '../metrics/classes.js';
import { tempoFeatures, timbreFeatures } from '../metrics/features.js';
import { momentFeatures, moments } from '../metrics/moments.js';
import { medianPitch } from '../metrics/pitch.js';
import type { Tell } from './results.js';
import { isEventsAlone, isMusicAlone } from './stages.js';

/** What is measured of sounds (samples at 16 kHz); null where a sound is silent or has no pitch. */
export interface Measures {
  gender(samples: Float32Array): string | null;
  genderByPitch(samples: Float32Array): string | null;
  instrument(samples: Float32Array): string | null;
  tempo(samples: Float32Array): string | null;
  /** kinds of event that are nearest where something begins, in any number */
  events(samples: Float32Array): Set<string>;
}

/** How many train clips are enough of each: of speech, of music, of each instrument and of each event. */
const ENOUGH: ReadonlyMap<string, number> = new Map([
  ['speech', 300],
  ['music', 420],
  ...INSTRUMENTS.map(({ id }) => [`instrument ${id}`, 30] as const),
  ...EVENTS.map(({ label }) => [`event ${label}`, 24] as const),
]);
const SHRINKAGE = { voices: 0.1, instrument: 0.1, tempo: 0.1, events: 0.2 } as const;
/** Offsets from an event's start at which it is learned, in frames of 10 ms: long ones sound on after a pause. */
const OFFSETS = [-1, 0, 29, 59, 99, 149] as const;
/** Frames that must be left of a long event. */
const REST = 30;

interface Samples {
  voices: Sample[];
  pitches: { gender: string; hertz: number }[];
  instruments: Sample[];
  tempos: Sample[];
  events: Sample[];
}

/** @throws BagpiperError when the folder holds no train clips of one of the kinds that are needed */
export async function fitMeasures(train: string, tell: Tell): Promise<Measures> {
  const { voices, pitches, instruments, tempos, events } = await collect(train, tell);
  for (const samples of [voices, instruments, tempos, events]) {
    if (samples.length === 0) {
      throw new BagpiperError(
        `${train} has too few clips to fix the signal measures on; make more: npm run corpus -- --split train --scenes 4000`,
      );
    }
  }
  const voice = fitClasses(voices, SHRINKAGE.voices);
  const genders = new Map(VOICES.map(({ id, gender }) => [id, gender]));
  const threshold = pitchThreshold(pitches);
  const instrument = fitClasses(instruments, SHRINKAGE.instrument);
  const tempo = fitClasses(tempos, SHRINKAGE.tempo);
  const event = fitClasses(events, SHRINKAGE.events);
  const orNull = (features: number[] | null, nearest: (f: number[]) => string): string | null =>
    features && nearest(features);
  return {
    gender: (samples) =>
      orNull(voiceFeatures(samples, medianPitch(samples)), (f) => genders.get(voice.nearest(f)) as string),
    genderByPitch: (samples) => {
      const hertz = medianPitch(samples);
      return hertz === null ? null : hertz > threshold ? 'woman' : 'man';
    },
    instrument: (samples) => orNull(timbreFeatures(samples), instrument.nearest),
    tempo: (samples) => orNull(tempoFeatures(samples), tempo.nearest),
    events: (samples) => {
      const { frames, at } = moments(samples);
      return new Set(at.map((t) => event.nearest(momentFeatures(frames, t))));
    },
  };
}

/** Reads clips of one kind of sound alone until there are enough of each. */
async function collect(train: string, tell: Tell): Promise<Samples> {
  const out: Samples = { voices: [], pitches: [], instruments: [], tempos: [], events: [] };
  const left = new Map(ENOUGH);
  const all = [...left.values()].reduce((sum, count) => sum + count, 0);
  for (const name of listShards(train)) {
    const { folder, records } = readShard(train, name);
    for (const { scene, audio } of records) {
      if (scene.split !== 'train') {
        throw new BagpiperError(`${train} is of the split "${scene.split}"; --train takes clips of the split "train".`);
      }
      const names = teaches(scene);
      if (!names.some((what) => left.has(what))) continue;
      for (const what of names) {
        const count = (left.get(what) ?? 1) - 1;
        if (count > 0) left.set(what, count);
        else left.delete(what);
      }
      addSamples(out, scene, (await loadMono16k(join(folder, audio))).samples);
    }
    tell(all - [...left.values()].reduce((sum, count) => sum + count, 0), all);
    if (left.size === 0) break;
  }
  return out;
}

/** What a clip can teach, by the names of {@link ENOUGH}. */
function teaches(scene: Scene): string[] {
  if (isSpeechAlone(scene)) return scene.speakers.length === 1 ? ['speech'] : [];
  if (isEventsAlone(scene)) return scene.events.map(({ label }) => `event ${label}`);
  if (!isMusicAlone(scene) || !scene.music) return [];
  const { instruments } = scene.music;
  return instruments.length === 1 ? ['music', `instrument ${instruments[0]}`] : ['music'];
}

function addSamples(out: Samples, scene: Scene, samples: Float32Array): void {
  const add = (list: Sample[], label: string, features: number[] | null): void => {
    if (features) list.push({ label, features });
  };
  const { speakers, music, events } = scene;
  if (music) {
    if (music.instruments.length === 1) add(out.instruments, music.instruments[0], timbreFeatures(samples));
    add(out.tempos, music.tempo, tempoFeatures(samples));
  } else if (events.length > 0) {
    const { frames } = moments(samples);
    for (const { label, start, end } of events) {
      const first = Math.round(start * 100);
      for (const offset of OFFSETS) {
        if (offset > 0 && first + offset + REST >= end * 100) continue;
        add(out.events, label, momentFeatures(frames, first + offset));
      }
    }
  } else {
    const hertz = medianPitch(samples);
    add(out.voices, speakers[0].voice, voiceFeatures(samples, hertz));
    if (hertz !== null && speakers[0].age !== 'child') out.pitches.push({ gender: speakers[0].gender, hertz });
  }
}

/** Log of the median pitch and timbre; a voice without any pitch counts as one in the middle of all. */
function voiceFeatures(samples: Float32Array, hertz: number | null): number[] | null {
  const timbre = timbreFeatures(samples);
  return timbre && [Math.log(hertz ?? 150), ...timbre];
}

/** The frequency that tells most men (below) from women (above). */
export function pitchThreshold(pitches: readonly { gender: string; hertz: number }[]): number {
  const right = (threshold: number): number =>
    pitches.filter(({ gender, hertz }) => (hertz > threshold ? 'woman' : 'man') === gender).length;
  const candidates = Array.from({ length: 81 }, (_, i) => 100 + 2 * i);
  return candidates.reduce((best, threshold) => (right(threshold) > right(best) ? threshold : best));
}
