/** What happens to the sound on its way: reverberation of the room, bandwidth and noise of the recording. */
import { type RealFft, realFft } from '../audio/fft.js';
import type { Random } from '../random.js';
import type { Quality, Room } from './scene.js';
import { filter, loudness, noise, RATE } from './sources/dsp.js';

/**
 * Adds the room's reverberation: the clip convolved with exponentially decaying noise, whose high frequencies die
 * first, after an undisturbed direct sound.
 * @returns samples of the same length; the input itself when the room is dry
 */
export function reverberate(random: Random, x: Float32Array, room: Room): Float32Array {
  if (room.kind === 'dry' || room.rt60 <= 0) return x;
  const tail = convolve(x, impulseResponse(random, room.rt60));
  const wet = room.kind === 'hall' ? 0.55 : 0.4;
  // the tail's level is set against the direct sound, so that wetness does not depend on the material
  const gain = (wet * loudness(x)) / Math.max(1e-9, loudness(tail));
  return x.map((v, i) => v + gain * (tail[i] as number));
}

function impulseResponse(random: Random, rt60: number): Float32Array {
  const ir = noise(random, Math.min(2, rt60));
  const preDelay = Math.round(random.range(0.004, 0.02) * RATE);
  const k = 10 ** (-3 / (rt60 * RATE));
  for (let i = 0, g = 1; i < ir.length; i++, g *= k) ir[i] = i < preDelay ? 0 : (ir[i] as number) * g;
  return filter(ir, 'low', (_, u) => 6500 - 4500 * u, 0.5);
}

const transforms = new Map<number, RealFft>();

/** A transform of at least this length; lengths are few, so that their tables are made once. */
function transformFor(least: number): RealFft {
  const size = [1, 1.5].map((k) => k * 2 ** Math.ceil(Math.log2(least / k))).sort((a, b) => a - b)[0] as number;
  let fft = transforms.get(size);
  if (!fft) {
    fft = realFft(size);
    transforms.set(size, fft);
  }
  return fft;
}

/** The first `x.length` samples of the convolution. */
function convolve(x: Float32Array, ir: Float32Array): Float32Array {
  const fft = transformFor(x.length + ir.length);
  const { size } = fft;
  const bins = size / 2 + 1;
  const buffer = new Float64Array(size);
  const [ar, ai, br, bi] = [0, 0, 0, 0].map(() => new Float64Array(bins)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  buffer.set(x);
  fft.forward(buffer, ar, ai);
  buffer.fill(0);
  buffer.set(ir);
  fft.forward(buffer, br, bi);
  for (let i = 0; i < bins; i++) {
    const re = (ar[i] as number) * (br[i] as number) - (ai[i] as number) * (bi[i] as number);
    ai[i] = (ar[i] as number) * (bi[i] as number) + (ai[i] as number) * (br[i] as number);
    ar[i] = re;
  }
  fft.inverse(ar, ai, buffer);
  return Float32Array.from(buffer.subarray(0, x.length));
}

/** Limits the band like a telephone when the quality says so. Changes and returns its argument. */
export function limitBand(x: Float32Array, band: Quality['band']): Float32Array {
  if (band === 'full') return x;
  for (const q of [0.54, 1.31]) {
    filter(x, 'high', 300, q);
    filter(x, 'low', 3400, q);
  }
  return x;
}

/** Noise level of each quality, dB relative to the clip's loudest part. */
export const NOISE_LEVEL = { none: Number.NEGATIVE_INFINITY, slight: -34, strong: -23 } as const;

/** Adds the recording's own noise. Changes and returns its argument. */
export function addNoise(random: Random, x: Float32Array, level: Quality['noise']): Float32Array {
  if (level === 'none') return x;
  const gain = loudness(x) * 10 ** (NOISE_LEVEL[level] / 20) * Math.sqrt(3);
  const hiss = noise(random, x.length / RATE);
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) + gain * (hiss[i] as number);
  return x;
}
