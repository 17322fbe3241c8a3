/** Puts rendered sounds on the time line and sets levels so that everything that is claimed can be heard. */
import type { Random } from '../random.js';
import { cellsOf, DEMANDS, type Demand, isAudible } from './audibility.js';
import { SPEECH_LEVEL, type Stems } from './compose.js';
import { limitBand, NOISE_LEVEL } from './room.js';
import type { Scene, SoundEvent, SpeechTurn } from './scene.js';
import { fade, loudness, RATE } from './sources/dsp.js';
import { UNIT } from './sources/render.js';

/** Silence between two events, and between two of the same kind, so that they can be counted. */
const GAP = 0.15;
const SAME_GAP = 0.5;

/**
 * Gives every event a start and an end inside the clip. Events never overlap each other; they keep away from speech
 * where there is room. What finds no room is left out, but never the first.
 * @returns events and stems in order of start
 */
export function placeEvents(
  random: Random,
  events: readonly SoundEvent[],
  stems: readonly Float32Array[],
  speech: readonly SpeechTurn[],
  seconds: number,
): { events: SoundEvent[]; stems: Float32Array[] } {
  const placed: { event: SoundEvent; stem: Float32Array }[] = [];
  events.forEach((event, i) => {
    const stem = i === 0 ? fitted(stems[i] as Float32Array, seconds - 0.15) : (stems[i] as Float32Array);
    const long = stem.length / RATE;
    const overSpeech = random.chance(0.35);
    for (let attempt = 0; attempt < 60 && long < seconds - 0.1; attempt++) {
      const start = Math.round(random.range(0.05, seconds - long - 0.03) * 100) / 100;
      const end = start + long;
      const gap = (other: SoundEvent) => (other.label === event.label ? SAME_GAP : GAP);
      if (placed.some(({ event: o }) => start < o.end + gap(o) && end > o.start - gap(o))) continue;
      const free = overSpeech || (i === 0 ? attempt > 40 : attempt > 55);
      if (!free && speech.some((turn) => start < turn.end && end > turn.start)) continue;
      placed.push({ event: { ...event, start, end: Math.round(end * 100) / 100 }, stem });
      break;
    }
  });
  placed.sort((a, b) => a.event.start - b.event.start);
  return { events: placed.map((p) => p.event), stems: placed.map((p) => p.stem) };
}

/**
 * Corrects a scene in place until every part stands out from the others by the measure of `audibility.ts`: raises
 * what is masked by up to 12 dB, lowers what masks speech, gives up the narrow band when it would swallow a sound, and
 * as the last resort leaves an event out. Finally sets levels relative to the loudest part.
 */
export function settleLevels(scene: Scene, stems: Stems): void {
  if (scene.quality.band === 'narrow' && [...stems.events, stems.ambience].some((x) => x && losesToNarrowBand(x))) {
    scene.quality.band = 'full';
  }
  const parts = partsOf(scene, stems);
  const floor = noiseFloor(scene);
  const masked = () => parts.filter((part, i) => !isAudible(parts, i, part.demand, floor));
  for (let round = 0, found = masked(); round < 6 && found.length > 0; round++, found = masked()) {
    for (const part of found) {
      // speech stays where it is; the others move around it
      if (part.holder) part.holder.level += round < 4 ? 3 : 1.5;
      else for (const other of parts) if (other.holder) other.holder.level -= 2.5;
    }
  }
  leaveOut(scene, stems, new Set(masked().map((part) => part.holder)));
  relativeLevels(scene);
}

interface Part {
  cells: ReturnType<typeof cellsOf>;
  readonly level: number;
  demand: Demand;
  /** whose level it is; speech has none */
  holder: { level: number } | null;
}

function partsOf(scene: Scene, stems: Stems): Part[] {
  const parts: Part[] = [];
  const add = (x: Float32Array, start: number, demand: Demand, holder: { level: number } | null) =>
    parts.push({
      cells: cellsOf(x, start, scene.seconds),
      get level() {
        return holder?.level ?? SPEECH_LEVEL;
      },
      demand,
      holder,
    });
  scene.speech.forEach((turn, i) => {
    add(stems.speech[i] as Float32Array, turn.start, DEMANDS.speech, null);
  });
  const { music, ambience } = scene;
  if (music && stems.music) add(stems.music, music.start, DEMANDS.music, music);
  scene.events.forEach((event, i) => {
    add(stems.events[i] as Float32Array, event.start, DEMANDS.event, event);
  });
  if (ambience && stems.ambience) add(stems.ambience, 0, DEMANDS.ambience, ambience);
  return parts;
}

/** Energy of the recording's noise in one cell: white, so about the same in every bin. */
function noiseFloor(scene: Scene): number {
  const rms = UNIT * 10 ** (Math.max(-50, NOISE_LEVEL[scene.quality.noise]) / 20);
  // a Hann window of 512 keeps 3/8 of the energy; a band holds about 10 bins
  return rms * rms * 512 * 0.375 * 10;
}

/** Takes masked events out, unless that would leave the scene without any sound. */
function leaveOut(scene: Scene, stems: Stems, masked: ReadonlySet<unknown>): void {
  const keep = scene.events.map((event) => !masked.has(event));
  if (!keep.some(Boolean) && !scene.ambience) return;
  stems.events = stems.events.filter((_, i) => keep[i]);
  scene.events = scene.events.filter((_, i) => keep[i]);
}

/** Shifts all levels so that the loudest part has 0 dB. With speech that is already so, or nearly. */
function relativeLevels(scene: Scene): void {
  const holders = [scene.music, scene.ambience, ...scene.events].filter((x) => x !== null);
  const top = scene.speech.length > 0 ? SPEECH_LEVEL : Math.max(...holders.map((h) => h.level));
  for (const holder of holders) holder.level = Math.round((holder.level - top) * 100) / 100;
}

function losesToNarrowBand(x: Float32Array): boolean {
  return loudness(limitBand(x.slice(), 'narrow')) < 0.35 * loudness(x);
}

function fitted(x: Float32Array, seconds: number): Float32Array {
  return x.length > seconds * RATE ? fade(x.slice(0, Math.floor(seconds * RATE)), 0, 0.1) : x;
}
