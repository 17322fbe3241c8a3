import type { Mood, Pace, Speaker } from '../scene.js';
import { fade, filter, loudness, RATE, resample, saturate } from './dsp.js';
import { loadEspeak } from './espeak.js';
import { loadFlite } from './flite.js';
import type { Utterance } from './utterance.js';
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
 * @returns without leading and trailing silence, of loudness 0.1
 * @throws BagpiperError when the voice's synthesizer is not installed
 */
export async function speak(speaker: Speaker, sentence: string): Promise<Utterance> {
  const { samples, wordEnds } = await synthesize(speaker, sentence);
  const { from, to } = withoutSilence(samples);
  const x = colourTilt(fade(samples.slice(from, to), 0.005, 0.005), MOODS[speaker.mood].tilt);
  const gain = 0.1 / Math.max(1e-6, loudness(x));
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * gain;
  return { samples: x, wordEnds: wordEnds.map((end) => Math.min(Math.max(0, end - from / RATE), x.length / RATE)) };
}

async function synthesize({ voice: id, mood, pace }: Speaker, sentence: string): Promise<Utterance> {
  const voice = voiceById(id);
  const colour = MOODS[mood];
  const shift = voice.shift * colour.shift;
  const stretch = voice.stretch * colour.stretch * PACES[pace];
  if (voice.engine === 'flite') {
    const flite = await loadFlite();
    const { samples, wordEnds } = flite.say(voice.engineVoice, sentence, stretch * shift);
    return { samples: resample(samples, shift), wordEnds: wordEnds.map((end) => end / shift) };
  }
  const espeak = await loadEspeak();
  // eSpeak NG moves the pitch itself and leaves the vocal tract alone; 50 points are about an octave
  const pitch = Math.min(99, Math.max(0, (voice.pitch ?? 50) + 70 * Math.log2(shift)));
  return espeak.say(voice.engineVoice, sentence, { wordsPerMinute: 150 / stretch, pitch, range: colour.range });
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

/** What is left, in samples, without silence at both ends; 30 ms of it are kept. */
function withoutSilence(x: Float32Array): { from: number; to: number } {
  const floor = 0.02 * x.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  let from = 0;
  let to = x.length;
  while (from < to && Math.abs(x[from] as number) < floor) from++;
  while (to > from && Math.abs(x[to - 1] as number) < floor) to--;
  const margin = Math.round(0.03 * RATE);
  return { from: Math.max(0, from - margin), to: Math.min(x.length, to + margin) };
}
