import type { Mood, Pace, Speaker } from '../scene.js';
import { fade, filter, loudness, RATE, resample, saturate } from './dsp.js';
import { loadEspeak } from './espeak.js';
import { loadFlite } from './flite.js';
import { voiceById } from './voices.js';

/** What a mood does to a voice. Both engines read text flatly, so a mood is pitch, liveliness, pace and spectral tilt. */
interface Colour {
  /** all frequencies, beyond the voice's own shift */
  shift: number;
  /** speaking time */
  stretch: number;
  /** eSpeak NG: liveliness of the melody, 0 to 100 */
  range: number;
  /** spectral tilt: above 0 a tense, bright voice, below 0 a soft, dull one */
  tilt: number;
}

const MOODS: Record<Mood, Colour> = {
  neutral: { shift: 1, stretch: 1, range: 50, tilt: 0 },
  happy: { shift: 1.06, stretch: 0.97, range: 75, tilt: 0.3 },
  excited: { shift: 1.11, stretch: 0.92, range: 95, tilt: 0.6 },
  sad: { shift: 0.94, stretch: 1.1, range: 20, tilt: -0.6 },
  calm: { shift: 0.98, stretch: 1.05, range: 35, tilt: -0.35 },
  angry: { shift: 1, stretch: 0.94, range: 65, tilt: 1 },
};

const PACES: Record<Pace, number> = { slow: 1.35, normal: 1.06, fast: 0.8 };

/**
 * Speaks one sentence in the speaker's voice, mood and pace.
 * @returns mono 16 kHz samples without leading and trailing silence, of loudness 0.1
 * @throws BagpiperError when the voice's synthesizer is not installed
 */
export async function speak(speaker: Speaker, sentence: string): Promise<Float32Array> {
  const voice = voiceById(speaker.voice);
  const colour = MOODS[speaker.mood];
  const shift = voice.shift * colour.shift;
  const stretch = voice.stretch * colour.stretch * PACES[speaker.pace];
  let x: Float32Array;
  if (voice.engine === 'flite') {
    const flite = await loadFlite();
    x = resample(flite.say(voice.engineVoice, sentence, stretch * shift), shift);
  } else {
    const espeak = await loadEspeak();
    // eSpeak NG moves the pitch itself and leaves the vocal tract alone; 50 points are about an octave
    const pitch = Math.min(99, Math.max(0, (voice.pitch ?? 50) + 70 * Math.log2(shift)));
    x = espeak.say(voice.engineVoice, sentence, { wordsPerMinute: 150 / stretch, pitch, range: colour.range });
  }
  x = colourTilt(trim(x), colour.tilt);
  const gain = 0.1 / Math.max(1e-6, loudness(x));
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * gain;
  return x;
}

function colourTilt(x: Float32Array, tilt: number): Float32Array {
  if (tilt === 0) return x;
  if (tilt < 0) return filter(x, 'low', 4200 + 2800 * tilt, 0.6);
  const gain = 0.25 / Math.max(1e-6, loudness(x));
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * gain;
  const bright = filter(x.slice(), 'high', 1800, 0.6);
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) + 0.9 * tilt * (bright[i] as number);
  return tilt >= 0.6 ? saturate(x, 1 + 1.5 * tilt) : x;
}

/** Cuts silence at both ends, keeping 30 ms. */
function trim(x: Float32Array): Float32Array {
  const floor = 0.02 * x.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  let from = 0;
  let to = x.length;
  while (from < to && Math.abs(x[from] as number) < floor) from++;
  while (to > from && Math.abs(x[to - 1] as number) < floor) to--;
  const margin = Math.round(0.03 * RATE);
  return fade(x.slice(Math.max(0, from - margin), Math.min(x.length, to + margin)), 0.005, 0.005);
}
