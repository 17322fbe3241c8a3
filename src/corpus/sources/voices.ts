import type { Age, Gender } from '../scene.js';

/**
 * A voice of the small world. One voice is one recognisable person: its attributes are what a listener would say, and
 * they hold in every clip it speaks in.
 */
export interface Voice {
  id: string;
  engine: 'flite' | 'espeak';
  /** the engine's own name: a Flite voice, or an eSpeak NG language and variant */
  engineVoice: string;
  gender: Gender;
  age: Age;
  accent: string;
  /** one word for the sound of the voice */
  timbre: 'clear' | 'deep' | 'bright' | 'thin' | 'robotic' | 'hoarse' | 'warm';
  /** every frequency of the engine's voice is multiplied by this (pitch and vocal tract together); 1 leaves it alone */
  shift: number;
  /** speaking time relative to the engine's own pace, before the speaker's pace; above 1 is slower */
  stretch: number;
  /** eSpeak NG: base pitch 0 to 100 */
  pitch?: number;
  /** how often the voice is cast, relative to the others */
  weight: number;
}

/**
 * The cast. Flite voices speak most (an independent recogniser understands them far better than eSpeak NG); two of
 * them are also heard shifted, as a child and as elderly people.
 */
export const VOICES: readonly Voice[] = [
  flite('adam', 'kal16', 'man', 'adult', 'American', 'robotic', 1, 1, 4),
  flite('russell', 'rms', 'man', 'adult', 'American', 'clear', 1, 1, 4),
  flite('sally', 'slt', 'woman', 'adult', 'American', 'clear', 1, 1, 5),
  flite('angus', 'awb', 'man', 'adult', 'Scottish', 'warm', 1, 1.1, 4),
  flite('molly', 'slt', 'woman', 'child', 'American', 'bright', 1.26, 1, 3),
  flite('walter', 'rms', 'man', 'elderly', 'American', 'deep', 0.84, 1.12, 3),
  flite('hamish', 'awb', 'man', 'young', 'Scottish', 'bright', 1.18, 1.1, 2),
  espeak('harold', 'en-gb+m3', 'man', 'adult', 'British', 'robotic', 35, 2),
  espeak('emma', 'en-gb+f3', 'woman', 'young', 'British', 'clear', 60, 3),
  espeak('george', 'en-gb+grandpa', 'man', 'elderly', 'British', 'hoarse', 30, 2),
  espeak('agnes', 'en-gb+grandma', 'woman', 'elderly', 'British', 'hoarse', 50, 2),
  espeak('fiona', 'en-gb-scotland+f2', 'woman', 'adult', 'Scottish', 'thin', 55, 2),
  espeak('tommy', 'en-us+m5', 'man', 'child', 'American', 'thin', 95, 2),
];

/** The voice with this id. @throws Error when there is none: a defect of the program. */
export function voiceById(id: string): Voice {
  const voice = VOICES.find((v) => v.id === id);
  if (!voice) throw new Error(`no voice ${id}`);
  return voice;
}

function flite(
  id: string,
  engineVoice: string,
  gender: Gender,
  age: Age,
  accent: string,
  timbre: Voice['timbre'],
  shift: number,
  stretch: number,
  weight: number,
): Voice {
  return { id, engine: 'flite', engineVoice, gender, age, accent, timbre, shift, stretch, weight };
}

function espeak(
  id: string,
  engineVoice: string,
  gender: Gender,
  age: Age,
  accent: string,
  timbre: Voice['timbre'],
  pitch: number,
  weight: number,
): Voice {
  return { id, engine: 'espeak', engineVoice, gender, age, accent, timbre, shift: 1, stretch: 1, pitch, weight };
}
