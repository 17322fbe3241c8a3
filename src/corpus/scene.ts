/**
 * A scene: the whole truth about one composed clip, before it becomes sound (`compose.ts`, `sources/`) and words
 * (`words/`). Everything that a caption may claim stands here; nothing here is guessed from audio.
 * Times are seconds from the start of the clip; levels are dB relative to the loudest part.
 */

export type Gender = 'man' | 'woman';
export type Age = 'child' | 'young' | 'adult' | 'elderly';
export type Mood = 'neutral' | 'happy' | 'sad' | 'angry' | 'calm' | 'excited';
export type Pace = 'slow' | 'normal' | 'fast';

/** Someone who speaks. `voice` names an entry of `sources/voices.ts`. */
export interface Speaker {
  voice: string;
  gender: Gender;
  age: Age;
  /** e.g. "American", "British", "Scottish" */
  accent: string;
  pace: Pace;
  mood: Mood;
}

/** One stretch of speech by one speaker. */
export interface SpeechTurn {
  /** index into Scene.speakers */
  speaker: number;
  /** the exact words, lower case, no punctuation beyond apostrophes */
  words: string;
  /** the same words as a written sentence, with capital and final punctuation */
  sentence: string;
  start: number;
  end: number;
  /** when each of the words is over, as the synthesizer has it; absent: not known */
  wordEnds?: number[];
}

/** The musical part: one short generated piece. */
export interface MusicPart {
  /** entries of `sources/instruments.ts`, the leading one first (1 or 2) */
  instruments: string[];
  drums: boolean;
  beatsPerMinute: number;
  tempo: 'slow' | 'medium' | 'fast';
  /** e.g. "C", "F sharp" */
  key: string;
  mode: 'major' | 'minor';
  mood: 'cheerful' | 'sad' | 'calm' | 'tense' | 'playful' | 'solemn';
  start: number;
  end: number;
  /** foreground: alone or loud; background: under speech */
  role: 'foreground' | 'background';
  level: number;
}

/** A sound event at a known time. `label` names an entry of `sources/events.ts`. */
export interface SoundEvent {
  label: string;
  start: number;
  end: number;
  level: number;
  distance: 'close' | 'middle' | 'far';
}

/** A continuous background, over the whole clip. `label` names an ambience of `sources/events.ts`. */
export interface Ambience {
  label: string;
  level: number;
}

export interface Room {
  kind: 'dry' | 'room' | 'hall';
  /** reverberation time in seconds, 0 when dry */
  rt60: number;
}

export interface Quality {
  /** full: up to 8 kHz; narrow: telephone-like, 300 to 3400 Hz */
  band: 'full' | 'narrow';
  /** broadband noise added to the recording */
  noise: 'none' | 'slight' | 'strong';
}

/** One composed clip. Speech turns and events are in order of start; turns never overlap each other. */
export interface Scene {
  id: string;
  seed: string;
  split: 'train' | 'valid' | 'test';
  seconds: number;
  speakers: Speaker[];
  speech: SpeechTurn[];
  music: MusicPart | null;
  events: SoundEvent[];
  ambience: Ambience | null;
  room: Room;
  quality: Quality;
}

/** A question about a scene with its true answer. */
export interface Question {
  kind:
    | 'presence'
    | 'absence'
    | 'who'
    | 'what'
    | 'when'
    | 'count'
    | 'order'
    | 'where'
    | 'mood'
    | 'transcript'
    | 'music';
  text: string;
  /** four choices for a multiple-choice question, else absent; the question's text then lists them as (A) to (D) */
  choices?: string[];
  /** one of the choices, or a short phrase */
  answer: string;
  /** two to four short sentences that lead from the caption to the answer */
  thinking: string;
}

/** A request for audio, and the four-part thinking that leads to the caption. */
export interface RenderRequest {
  style: 'realistic' | 'imaginary';
  text: string;
  /** "1. User Intent: ...\n2. Inferred Details: ...\n3. Audio Quality: ...\n4. Generation Plan: ..." */
  thinking: string;
}

/** What the corpus stores for a clip, one JSON object a line in records.jsonl. */
export interface CorpusRecord {
  scene: Scene;
  /** path of the 16 kHz mono WAV, relative to records.jsonl */
  audio: string;
  caption: string;
  questions: Question[];
  requests: RenderRequest[];
}
