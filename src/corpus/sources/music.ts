/** Short generated pieces: from the labels of a MusicPart to notes. The SoundFont synthesizer plays them. */
import type { Random } from '../../random.js';
import type { MusicPart } from '../scene.js';
import { instrumentById } from './instruments.js';

/** One note. Times in beats from the start of the piece. */
export interface Note {
  channel: number;
  /** MIDI note number, on the drum channel (9) the drum */
  pitch: number;
  start: number;
  length: number;
  velocity: number;
}

/** A piece ready to be played. */
export interface Piece {
  notes: Note[];
  /** General MIDI program of channels 0 and 1 */
  programs: number[];
  beatsPerMinute: number;
}

const KEYS = ['C', 'C sharp', 'D', 'E flat', 'E', 'F', 'F sharp', 'G', 'A flat', 'A', 'B flat', 'B'];
const SCALES = { major: [0, 2, 4, 5, 7, 9, 11], minor: [0, 2, 3, 5, 7, 8, 10] } as const;
/** Chord roots as scale degrees, one chord a bar of four beats. */
const PROGRESSIONS: Readonly<Record<'major' | 'minor', readonly (readonly number[])[]>> = {
  major: [
    [0, 3, 4, 0],
    [0, 5, 3, 4],
    [0, 4, 5, 3],
    [0, 3, 0, 4],
  ],
  minor: [
    [0, 3, 4, 0],
    [0, 5, 2, 6],
    [0, 6, 5, 4],
    [0, 3, 6, 0],
  ],
};

/** How a mood moves: note lengths in beats for the melody, chord pattern, loudness, register in semitones. */
const MOODS = {
  cheerful: { lengths: [0.5, 0.5, 1], chords: 'offbeat', velocity: 100, register: 3, short: 0.8 },
  playful: { lengths: [0.5, 0.5, 0.5, 1], chords: 'broken', velocity: 95, register: 6, short: 0.45 },
  calm: { lengths: [1, 2, 1], chords: 'broken', velocity: 70, register: 0, short: 1 },
  sad: { lengths: [1, 1, 2], chords: 'held', velocity: 75, register: -4, short: 1 },
  tense: { lengths: [0.5, 0.5, 0.5, 0.5, 1], chords: 'pulse', velocity: 110, register: -3, short: 0.6 },
  solemn: { lengths: [2, 1, 1], chords: 'held', velocity: 90, register: -5, short: 1 },
} as const;

/** All keys, by pitch class from C. */
export const MUSIC_KEYS: readonly string[] = KEYS;

/** Which moods a mode and tempo can carry; a listener expects them to agree. */
export function moodsFor(mode: 'major' | 'minor', tempo: MusicPart['tempo']): readonly MusicPart['mood'][] {
  if (mode === 'major')
    return tempo === 'slow' ? ['calm', 'solemn'] : tempo === 'medium' ? ['cheerful', 'calm'] : ['cheerful', 'playful'];
  return tempo === 'slow' ? ['sad', 'solemn'] : tempo === 'medium' ? ['sad', 'tense'] : ['tense'];
}

/** Writes a piece that lasts at least `part.end - part.start` seconds. */
export function composePiece(random: Random, part: MusicPart): Piece {
  const beats = ((part.end - part.start) * part.beatsPerMinute) / 60;
  const root = KEYS.indexOf(part.key);
  const scale = SCALES[part.mode];
  const progression = random.pick(PROGRESSIONS[part.mode]);
  const style = MOODS[part.mood];
  const lead = instrumentById(part.instruments[0] as string);
  const second = part.instruments[1] ? instrumentById(part.instruments[1]) : null;
  const notes = melody(random, { beats, root, scale, progression, style, low: lead.low, high: lead.high });
  const accompanist = second ?? (lead.chords ? lead : null);
  if (accompanist) notes.push(...accompaniment({ beats, root, scale, progression, style, solo: !accompanist.chords }));
  if (part.drums) notes.push(...drumBeat(random, beats, part.tempo));
  return { notes, programs: [lead.program, (accompanist ?? lead).program], beatsPerMinute: part.beatsPerMinute };
}

interface Frame {
  beats: number;
  root: number;
  scale: readonly number[];
  progression: readonly number[];
  style: (typeof MOODS)[MusicPart['mood']];
}

/** A melody that steps through the scale, lands on chord notes on strong beats and repeats its rhythm. */
function melody(random: Random, frame: Frame & { low: number; high: number }): Note[] {
  const { beats, root, scale, progression, style } = frame;
  const centre = Math.min(frame.high - 7, Math.max(frame.low + 5, (frame.low + frame.high) / 2 + style.register));
  const base = root + 12 * Math.round((centre - root) / 12);
  const pitchOf = (degree: number) =>
    fold(base + 12 * Math.floor(degree / 7) + (scale[((degree % 7) + 7) % 7] as number), frame.low, frame.high);
  const rhythm: number[] = [];
  for (let sum = 0; sum < 4; ) {
    const length = Math.min(4 - sum, random.pick(style.lengths));
    rhythm.push(length);
    sum += length;
  }
  const notes: Note[] = [];
  let degree = random.pick([0, 2, 4]);
  for (let at = 0, i = 0; at < beats; i++) {
    const length = rhythm[i % rhythm.length] as number;
    const chord = progression[Math.floor(at / 4) % progression.length] as number;
    degree = at % 2 === 0 ? nearest(degree, chord) : degree + random.pick([-1, 1, 1, -1, 2, -2]);
    if (Math.abs(degree) > 6) degree -= Math.sign(degree) * 3;
    const accent = at % 4 === 0 ? 12 : at % 1 === 0 ? 4 : -4;
    notes.push({
      channel: 0,
      pitch: pitchOf(degree),
      start: at,
      length: length * style.short * 0.95,
      velocity: Math.min(127, style.velocity + accent + random.int(8)),
    });
    at += length;
  }
  return notes;
}

/** Chords (or their roots alone when the instrument plays one note) below the melody. */
function accompaniment(frame: Frame & { solo: boolean }): Note[] {
  const { beats, root, scale, progression, style, solo } = frame;
  const base = 48 + ((root + 5) % 12) - 5;
  const notes: Note[] = [];
  const velocity = style.velocity - 28;
  const add = (pitch: number, start: number, length: number) =>
    notes.push({ channel: 1, pitch, start, length, velocity });
  for (let bar = 0; bar * 4 < beats; bar++) {
    const chord = progression[bar % progression.length] as number;
    const triad = [0, 2, 4].map((k) => base + 12 * Math.floor((chord + k) / 7) + (scale[(chord + k) % 7] as number));
    const start = bar * 4;
    const pitches = solo ? [triad[0] as number] : triad;
    if (style.chords === 'held' || solo) for (const p of pitches) add(p, start, 3.9);
    else if (style.chords === 'broken') {
      for (let i = 0; i < 8; i++) add(triad[[0, 1, 2, 1][i % 4] as number] as number, start + i / 2, 0.5);
    } else if (style.chords === 'pulse') for (let i = 0; i < 4; i++) for (const p of pitches) add(p, start + i, 0.5);
    else {
      for (const beat of [0, 2]) add((triad[0] as number) - 12, start + beat, 0.9);
      for (const beat of [1, 3]) for (const p of triad) add(p, start + beat, 0.6);
    }
  }
  return notes;
}

function drumBeat(random: Random, beats: number, tempo: MusicPart['tempo']): Note[] {
  const notes: Note[] = [];
  const hit = (pitch: number, start: number, velocity: number) =>
    notes.push({ channel: 9, pitch, start, length: 0.2, velocity: velocity + random.int(10) });
  const syncopated = random.chance(0.5);
  const step = tempo === 'fast' ? 1 : 0.5;
  for (let at = 0; at < beats; at += step) {
    const beat = at % 4;
    hit(42, at, at % 1 === 0 ? 80 : 60);
    if (beat === 0 || beat === 2 || (syncopated && beat === 2.5)) hit(36, at, 105);
    if (beat === 1 || beat === 3) hit(38, at, 95);
  }
  return notes;
}

function nearest(degree: number, chord: number): number {
  let best = degree;
  let distance = 99;
  for (let octave = -7; octave <= 7; octave += 7) {
    for (const k of [0, 2, 4]) {
      const candidate = chord + k + octave;
      if (Math.abs(candidate - degree) < distance && Math.abs(candidate) <= 7) {
        best = candidate;
        distance = Math.abs(candidate - degree);
      }
    }
  }
  return best;
}

function fold(pitch: number, low: number, high: number): number {
  let p = pitch;
  while (p < low) p += 12;
  while (p > high) p -= 12;
  return p;
}
