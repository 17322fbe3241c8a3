/**
 * Draws a random scene from a seed. Words decide how long speech takes and a generator decides how long a sound is, so
 * planning renders the parts first and then places them; the parts are handed on to `compose.ts`.
 */
import { Random } from '../random.js';
import type { Stems } from './compose.js';
import { placeEvents, settleLevels } from './place.js';
import type {
  Ambience,
  Mood,
  MusicPart,
  Pace,
  Quality,
  Room,
  Scene,
  SoundEvent,
  Speaker,
  SpeechTurn,
} from './scene.js';
import { RATE } from './sources/dsp.js';
import { AMBIENCES, EVENTS } from './sources/events.js';
import { INSTRUMENTS } from './sources/instruments.js';
import { composePiece, MUSIC_KEYS, moodsFor } from './sources/music.js';
import { renderAmbience, renderEvent } from './sources/render.js';
import { speak } from './sources/speech.js';
import { playPiece } from './sources/synth.js';
import { VOICES, voiceById } from './sources/voices.js';
import { planSentence } from './words/sentences.js';

/** A scene and its rendered parts. */
export interface Planned {
  scene: Scene;
  stems: Stems;
}

export const MIN_SECONDS = 3;
export const MAX_SECONDS = 10;

/** What scenes are made of: everything, or speech alone. */
export type Content = 'all' | 'speech';

/** How often each combination of speech (s), music (m) and sound (e) occurs, in per cent. */
const COMBINATIONS = { s: 19, m: 15, e: 17, sm: 12, se: 15, me: 10, sme: 12 } as const;
type Combination = keyof typeof COMBINATIONS;

/** By how many decibels a sound lies under the loudest part, at least and at most. */
const DISTANCE_LEVELS = { close: [0, 3], middle: [3, 7], far: [8, 12] } as const;

/**
 * Plans the scene of this seed and renders its parts. The same seed always gives the same scene and samples.
 * @param seed e.g. "nano-1/train/17"
 * @param content `speech`: speech alone, turn after turn until the clip is full
 * @throws BagpiperError when a synthesizer package is not installed
 */
export async function planScene(seed: string, split: Scene['split'], content: Content = 'all'): Promise<Planned> {
  const random = new Random(seed);
  const combination = content === 'speech' ? 's' : weighted(random, COMBINATIONS);
  const has = (letter: string) => combination.includes(letter);
  const talk = has('s') ? await planSpeech(random, content) : { speakers: [], speech: [], stems: [] };
  const sound = has('e') ? await drawEvents(random, combination) : { events: [], stems: [], ambience: null };
  const last = talk.speech.at(-1)?.end ?? 0;
  const seconds = clipLength(random, last, sound.stems.map(length));
  const placed = placeEvents(random, sound.events, sound.stems, talk.speech, seconds);
  const music = has('m') ? planMusic(random, seconds, has('s'), has('e')) : null;
  const quality = planQuality(random, sound.ambience !== null);
  const scene: Scene = {
    id: seed.replaceAll('/', '-'),
    seed,
    split,
    seconds,
    speakers: talk.speakers,
    speech: talk.speech,
    music,
    events: placed.events,
    ambience: sound.ambience,
    room: planRoom(random),
    quality,
  };
  const stems: Stems = {
    speech: talk.stems,
    music: music ? await playPiece(composePiece(random, music), music.end - music.start) : null,
    events: placed.stems,
    ambience: sound.ambience ? await renderAmbience(random, sound.ambience.label, seconds) : null,
  };
  settleLevels(scene, stems);
  return { scene, stems };
}

async function planSpeech(
  random: Random,
  content: Content,
): Promise<{ speakers: Speaker[]; speech: SpeechTurn[]; stems: Float32Array[] }> {
  const two = random.chance(0.28);
  const speakers = [drawSpeaker(random, null)];
  if (two) speakers.push(drawSpeaker(random, speakers[0] as Speaker));
  const drawn = two || random.chance(0.3) ? 2 : 1;
  const turns = content === 'speech' ? Number.POSITIVE_INFINITY : drawn;
  const speech: SpeechTurn[] = [];
  const stems: Float32Array[] = [];
  let at = round(random.range(0.15, random.chance(0.3) ? 1.6 : 0.6));
  for (let i = 0; i < turns; i++) {
    const who = two ? i % 2 : 0;
    const speaker = speakers[who] as Speaker;
    const { words, sentence } = planSentence(random, speaker.mood);
    const { samples: stem, wordEnds } = await speak(speaker, sentence);
    const end = round(at + length(stem));
    if (i > 0 && end > MAX_SECONDS - 0.3) break;
    const ends = wordEnds.map((seconds) => round(at + seconds));
    speech.push({ speaker: who, words, sentence, start: at, end, wordEnds: ends });
    stems.push(stem);
    at = round(end + random.range(0.3, 1));
  }
  return { speakers: speakers.slice(0, two ? Math.min(2, speech.length) : 1), speech, stems };
}

function drawSpeaker(random: Random, other: Speaker | null): Speaker {
  const pool = VOICES.filter(
    (v) =>
      !other ||
      (v.id !== other.voice && (v.gender !== other.gender || v.age !== other.age || v.accent !== other.accent)),
  );
  const voice = voiceById(weighted(random, Object.fromEntries(pool.map((v) => [v.id, v.weight]))));
  const mood = weighted<Mood>(random, { neutral: 40, happy: 12, sad: 12, angry: 12, calm: 12, excited: 12 });
  const pace = weighted<Pace>(random, { slow: 20, normal: 60, fast: 20 });
  return { voice: voice.id, gender: voice.gender, age: voice.age, accent: voice.accent, pace, mood };
}

async function drawEvents(
  random: Random,
  combination: Combination,
): Promise<{ events: SoundEvent[]; stems: Float32Array[]; ambience: Ambience | null }> {
  const shape = weighted(random, { events: 64, both: 22, ambience: 14 });
  const ambience = shape === 'events' ? null : { label: random.pick(AMBIENCES).label, level: -random.range(7, 15) };
  if (ambience && combination === 'e' && shape === 'ambience') ambience.level = 0;
  const most = combination === 'e' ? 4 : 3;
  const count = shape === 'ambience' ? 0 : Math.min(most, Number(weighted(random, { 1: 40, 2: 30, 3: 20, 4: 10 })));
  const events: SoundEvent[] = [];
  const stems: Float32Array[] = [];
  for (let i = 0; i < count; i++) {
    const again = i > 0 && random.chance(0.3);
    const label = again ? random.pick(events).label : random.pick(EVENTS).label;
    const distance = weighted(random, { close: 40, middle: 40, far: 20 });
    const [near, deep] = DISTANCE_LEVELS[distance];
    const level = -random.range(near, deep);
    events.push({ label, start: 0, end: 0, level: round(level), distance });
    stems.push(await renderEvent(random, label, distance));
  }
  return { events, stems, ambience };
}

/** Speech fixes a least length; sounds ask for some room of their own; short clips are the most common. */
function clipLength(random: Random, speechEnd: number, events: number[]): number {
  const room = events.reduce((sum, s) => sum + s, 0);
  const wish =
    speechEnd > 0 ? speechEnd + random.range(0.2, 1.2) + 0.6 * room : MIN_SECONDS + 6.9 * random.next() ** 1.5;
  const least = Math.max(MIN_SECONDS, speechEnd + 0.15, speechEnd > 0 ? 0 : 1.15 * room + 0.3);
  return round(Math.min(MAX_SECONDS, Math.max(wish, least)));
}

function planMusic(random: Random, seconds: number, speech: boolean, sound: boolean): MusicPart {
  const tempo = weighted<MusicPart['tempo']>(random, { slow: 30, medium: 40, fast: 30 });
  const [low, high] = ({ slow: [60, 80], medium: [95, 115], fast: [135, 170] } as const)[tempo];
  const mode = random.chance(0.55) ? 'major' : 'minor';
  const lead = random.pick(INSTRUMENTS);
  const instruments = [lead.id];
  if (random.chance(0.55)) instruments.push(random.pick(INSTRUMENTS.filter((i) => i.chords && i.id !== lead.id)).id);
  let start = 0;
  let end = seconds;
  if (seconds > 4.5 && random.chance(0.3)) {
    if (random.chance(0.5)) start = round(random.range(0.5, seconds - 3.5));
    else end = round(random.range(3, seconds - 0.5));
  }
  const level = speech ? -random.range(7, 13) : sound ? -random.range(2, 7) : 0;
  return {
    instruments,
    drums: random.chance(tempo === 'slow' ? 0.12 : 0.4),
    beatsPerMinute: Math.round(random.range(low, high)),
    tempo,
    key: random.pick(MUSIC_KEYS),
    mode,
    mood: random.pick(moodsFor(mode, tempo)),
    start,
    end,
    role: speech ? 'background' : 'foreground',
    level: round(level),
  };
}

function planRoom(random: Random): Room {
  const kind = weighted<Room['kind']>(random, { dry: 52, room: 32, hall: 16 });
  const rt60 = kind === 'dry' ? 0 : kind === 'room' ? random.range(0.3, 0.7) : random.range(1.2, 2);
  return { kind, rt60: round(rt60) };
}

function planQuality(random: Random, ambience: boolean): Quality {
  const band = random.chance(0.13) ? 'narrow' : 'full';
  // strong noise beside rain or wind could not be told from it
  const noise = weighted<Quality['noise']>(random, { none: 70, slight: 19, strong: ambience ? 0 : 11 });
  return { band, noise };
}

/** Picks a key in proportion to its value. */
function weighted<K extends string>(random: Random, weights: Readonly<Record<K, number>>): K {
  const entries = Object.entries(weights) as [K, number][];
  let ticket = random.range(
    0,
    entries.reduce((sum, [, w]) => sum + w, 0),
  );
  for (const [key, weight] of entries) {
    ticket -= weight;
    if (ticket < 0) return key;
  }
  return (entries.at(-1) as [K, number])[0];
}

function length(x: Float32Array): number {
  return x.length / RATE;
}

/** Times and levels to a hundredth: what a caption can say, and what the JSON repeats exactly. */
function round(x: number): number {
  return Math.round(x * 100) / 100;
}
