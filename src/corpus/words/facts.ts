/**
 * The facts that a caption states, read back from its text. This is the exact inverse of `caption.ts` over all its
 * forms; in text by a model, sentences that are none of ours are passed over.
 */

import type { Age, Gender, Mood, MusicPart, Pace, Quality, Room } from '../scene.js';
import { readForm } from './caption-forms.js';
import { lowered, splitSentences } from './forms.js';
import * as p from './phrases.js';

/** Someone who speaks, as a caption states it; null is not stated. */
export interface SpeakerFact {
  gender: Gender;
  age: Age;
  accent: string | null;
  pace: Pace | null;
  mood: Mood | null;
}

export interface TurnFact {
  /** index into CaptionFacts.speakers */
  speaker: number;
  /** the quoted sentence, with its punctuation */
  sentence: string;
  /** seconds, to the half second */
  start: number | null;
}

export interface MusicFact {
  instruments: string[];
  tempo: MusicPart['tempo'];
  mood: MusicPart['mood'] | null;
  key: string | null;
  mode: MusicPart['mode'] | null;
  role: MusicPart['role'] | null;
  start: number | null;
  end: number | null;
  drums: boolean | null;
}

/** Everything that a caption states; null is not stated. */
export interface CaptionFacts {
  presence: p.Presence;
  /** whole seconds */
  seconds: number | null;
  speakers: SpeakerFact[];
  turns: TurnFact[];
  music: MusicFact | null;
  events: p.EventFact[];
  ambience: string | null;
  room: Room['kind'] | null;
  band: Quality['band'] | null;
  noise: Quality['noise'] | null;
  /** kinds of sound that the caption says are not there */
  absent: (keyof p.Presence)[];
}

/** Reads a caption. Never throws; a text that states nothing gives empty facts. */
export function extractFacts(caption: string): CaptionFacts {
  const facts = noFacts();
  let global = false;
  let waiting: number | null = null;
  for (const raw of splitSentences(caption)) {
    const sentence = lowered(raw);
    const form = readForm(sentence);
    if (!form) {
      facts.events.push(...p.readEvents(sentence));
    } else if (form.name === 'global' || form.name === 'globalOnly') {
      if (global) continue;
      global = true;
      facts.presence = p.kinds.read(form.slots.kinds as string);
      facts.seconds = form.slots.seconds === undefined ? null : Number(form.slots.seconds);
    } else if (form.slots.quote !== undefined || form.slots.who !== undefined)
      waiting = readSpeech(form.slots, facts, waiting);
    else readOther(form.name, form.slots, facts);
  }
  facts.absent.sort();
  return facts;
}

/**
 * Which kinds of sound a caption claims: what its first sentence says, or, when that is none of our forms, what the
 * rest of the caption states.
 */
export function presence(caption: string): p.Presence {
  const facts = extractFacts(caption);
  const form = readForm(lowered(splitSentences(caption)[0] ?? ''));
  if (form?.name === 'global' || form?.name === 'globalOnly') return facts.presence;
  return {
    speech: facts.turns.length > 0 || facts.speakers.length > 0,
    music: facts.music !== null,
    sound: facts.events.length > 0 || facts.ambience !== null,
  };
}

/** Facts of a caption that states nothing. */
export function noFacts(): CaptionFacts {
  return {
    presence: { speech: false, music: false, sound: false },
    seconds: null,
    speakers: [],
    turns: [],
    music: null,
    events: [],
    ambience: null,
    room: null,
    band: null,
    noise: null,
    absent: [],
  };
}

type Slots = Record<string, string>;

/**
 * @param waiting the time of "a man speaks at about 2 seconds", whose words come in the next sentence
 * @returns the time that now waits for its words
 */
function readSpeech(slots: Slots, facts: CaptionFacts, waiting: number | null): number | null {
  const start = slots.when === undefined ? null : p.when.read(slots.when);
  let speaker = slots.ref === undefined ? facts.speakers.length - 1 : resolve(slots.ref, facts.speakers);
  if (slots.who !== undefined) {
    speaker = facts.speakers.length;
    facts.speakers.push({
      ...p.person.read(slots.who),
      accent: slots.accent === undefined ? null : p.accent.read(slots.accent),
      ...(slots.manner === undefined ? { pace: null, mood: null } : p.manner.read(slots.manner)),
    });
  }
  const sentence = slots.quote?.slice(1, -1);
  if (sentence !== undefined) {
    facts.turns.push({ speaker: Math.max(0, speaker), sentence, start: start ?? waiting });
    return null;
  }
  return start;
}

/** Who is meant by "she", "the man" or "the second boy"; the last speaker when nobody fits. */
function resolve(ref: string, speakers: readonly SpeakerFact[]): number {
  const last = speakers.length - 1;
  if (ref === 'he' || ref === 'she') {
    const index = speakers.findIndex((s) => p.PRONOUN[s.gender] === ref);
    return index < 0 ? last : index;
  }
  const fitting = speakers.map((s, i) => (ref.endsWith(` ${p.headNoun(s)}`) ? i : -1)).filter((i) => i >= 0);
  return (/second|other/.test(ref) ? fitting[1] : fitting[0]) ?? last;
}

function readOther(name: string, slots: Slots, facts: CaptionFacts): void {
  if (name === 'musicWhole' || name === 'musicPlay' || name === 'musicIs') {
    facts.music = { ...(facts.music ?? emptyMusic()), ...readMusic(slots) };
  } else if (name === 'drums' || name === 'noDrums') {
    if (facts.music) facts.music.drums = name === 'drums';
  } else if (slots.ambience !== undefined) facts.ambience = p.ambience.read(slots.ambience);
  else if (name === 'dry' || name === 'room' || name === 'hall') facts.room = name;
  else if (name === 'narrow') facts.band = 'narrow';
  else if (name === 'noisy') facts.noise = slots.noise as Quality['noise'];
  else if (name === 'clean') Object.assign(facts, { band: 'full', noise: 'none' });
  else if (name === 'noSpeech') facts.absent.push('speech');
  else if (name === 'noMusic') facts.absent.push('music');
  else if (name === 'noSound') facts.absent.push('sound');
  else if (slots.absent !== undefined) {
    const kinds = p.kinds.read(slots.absent);
    facts.absent.push(...(Object.keys(kinds) as (keyof p.Presence)[]).filter((kind) => kinds[kind]));
  }
}

function emptyMusic(): MusicFact {
  return {
    instruments: [],
    tempo: 'medium',
    mood: null,
    key: null,
    mode: null,
    role: null,
    start: null,
    end: null,
    drums: null,
  };
}

function readMusic(slots: Slots): Partial<MusicFact> {
  return {
    ...(slots.instruments !== undefined && { instruments: p.instruments.read(slots.instruments) }),
    ...(slots.tempo !== undefined && { tempo: p.tempo.read(slots.tempo) }),
    ...(slots.mood !== undefined && { mood: p.musicMood.read(slots.mood) }),
    ...(slots.key !== undefined && p.key.read(slots.key)),
    ...(slots.role !== undefined && { role: p.role.read(slots.role) }),
    ...(slots.from !== undefined && { start: p.from.read(slots.from) }),
    ...(slots.until !== undefined && { end: p.until.read(slots.until) }),
  };
}
