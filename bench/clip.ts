/** A sound to hear: a few gliding tones over noise, the same every time. */
import { Random } from '../src/random.js';

export const CLIP_RATE = 16000;

/** Samples at 16 kHz. */
export function clip(seconds: number): Float32Array {
  const random = new Random('bench clip');
  const tones = Array.from({ length: 5 }, () => ({ from: random.range(100, 2000), to: random.range(100, 4000) }));
  const samples = new Float32Array(Math.round(seconds * CLIP_RATE));
  for (let i = 0; i < samples.length; i++) {
    const t = i / CLIP_RATE;
    let sum = 0.02 * random.normal();
    for (const { from, to } of tones)
      sum += 0.1 * Math.sin(2 * Math.PI * (from * t + ((to - from) * t * t) / (2 * seconds)));
    samples[i] = sum;
  }
  return samples;
}
