import type { Ambience, MusicPart, Scene, SoundEvent, Speaker, SpeechTurn } from '../../src/corpus/scene.js';
import { AMBIENCES, EVENTS } from '../../src/corpus/sources/events.js';
import { INSTRUMENTS } from '../../src/corpus/sources/instruments.js';
import { VOICES } from '../../src/corpus/sources/voices.js';
import { planSentence } from '../../src/corpus/words/sentences.js';
import type { Random } from '../../src/random.js';

/** A scene with every combination of parts, less plausible than a planned one. */
export function randomScene(random: Random): Scene {
  const seconds = random.range(4, 12);
  const speakers = speakersOf(random);
  const speech = speechOf(random, speakers, seconds);
  const ambience: Ambience | null = random.chance(0.3)
    ? { label: random.pick(AMBIENCES).label, level: random.range(-30, -10) }
    : null;
  return {
    id: `scene-${random.uint32()}`,
    seed: 'test',
    split: 'test',
    seconds,
    speakers,
    speech,
    music: random.chance(0.4) ? musicOf(random, seconds, speech.length > 0) : null,
    events: eventsOf(random, seconds),
    ambience,
    room: { kind: random.pick(['dry', 'room', 'hall'] as const), rt60: 0 },
    quality: {
      band: random.chance(0.2) ? 'narrow' : 'full',
      noise: random.pick(['none', 'none', 'slight', 'strong'] as const),
    },
  };
}

function speakersOf(random: Random): Speaker[] {
  const count = random.pick([0, 1, 1, 1, 2, 2]);
  return random
    .shuffle(VOICES)
    .slice(0, count)
    .map((voice) => ({
      voice: voice.id,
      gender: voice.gender,
      age: voice.age,
      accent: voice.accent,
      pace: random.pick(['slow', 'normal', 'normal', 'fast'] as const),
      mood: random.pick(['neutral', 'neutral', 'happy', 'sad', 'angry', 'calm', 'excited'] as const),
    }));
}

function speechOf(random: Random, speakers: readonly Speaker[], seconds: number): SpeechTurn[] {
  if (speakers.length === 0) return [];
  const turns = speakers.length === 1 ? random.pick([1, 1, 2]) : random.pick([2, 2, 3, 4]);
  const width = seconds / turns;
  return Array.from({ length: turns }, (_, i) => {
    const speaker = i < speakers.length ? i : random.int(speakers.length);
    const start = i * width + random.range(0, 0.4) * width;
    return {
      speaker,
      ...planSentence(random, (speakers[speaker] as Speaker).mood),
      start,
      end: (i + 1) * width - 0.05,
    };
  });
}

function musicOf(random: Random, seconds: number, speech: boolean): MusicPart {
  const partial = random.chance(0.3);
  return {
    instruments: random.shuffle(INSTRUMENTS.map((i) => i.id)).slice(0, random.pick([1, 2])),
    drums: random.chance(0.3),
    beatsPerMinute: 100,
    tempo: random.pick(['slow', 'medium', 'fast'] as const),
    key: random.pick(['C', 'D', 'F sharp', 'B flat', 'A']),
    mode: random.pick(['major', 'minor'] as const),
    mood: random.pick(['cheerful', 'sad', 'calm', 'tense', 'playful', 'solemn'] as const),
    start: partial ? random.range(0, seconds / 2) : 0,
    end: partial ? random.range(seconds * 0.6, seconds) : seconds,
    role: speech && random.chance(0.7) ? 'background' : 'foreground',
    level: 0,
  };
}

function eventsOf(random: Random, seconds: number): SoundEvent[] {
  const count = random.pick([0, 0, 1, 2, 3, 4]);
  const some = random.shuffle(EVENTS).slice(0, 3);
  return Array.from({ length: count }, () => {
    const start = random.range(0, seconds - 1);
    const label = random.pick(some).label;
    return {
      label,
      start,
      end: start + 0.8,
      level: random.range(-15, 0),
      distance: random.pick(['close', 'middle', 'middle', 'far'] as const),
    };
  }).sort((a, b) => a.start - b.start);
}
