import { realFft } from './fft.js';
import { type MelBank, melBank } from './mel.js';

/** Samples a second that {@link logMel} expects. */
export const MODEL_RATE = 16000;
const N_FFT = 400;
const HOP = 160;
const EDGE = N_FFT / 2;
/** 30 s: what the encoder takes at once */
const MAX_SAMPLES = 480000;

export interface LogMelOptions {
  /**
   * `training` (default): the wave is normalised over the whole clip and the last incomplete hop is dropped, as in
   * ESPnet's training and inference. `serving`: not normalised, zeros appended up to a whole hop, as in ESPnet's vLLM
   * fork.
   */
  recipe?: 'training' | 'serving';
  /** Zero mean, unit variance first; overrides the recipe. */
  normalize?: boolean;
  /** Append zeros up to a multiple of 160 samples; overrides the recipe. */
  padToHop?: boolean;
  /** Mel bands, default 128. */
  bands?: number;
  /** Longer clips are cut to this; default 480,000 (30 s). */
  maxSamples?: number;
}

/** A log-mel spectrogram. */
export interface LogMel {
  /** `[bands, frames]`, row-major; about -1 to 2, spanning at most 2.0 */
  data: Float32Array;
  bands: number;
  /** 100 a second */
  frames: number;
}

const banks = new Map<number, MelBank>();
const fft = realFft(N_FFT);
// Periodic Hann: the symmetric one would be off by up to 0.14 in the result.
const hann = Float64Array.from({ length: N_FFT }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / N_FFT));

/**
 * Whisper's log-mel features: 400-point Hann windows every 160 samples, mirrored edges, Slaney mel bands, log10, the
 * last frame dropped, values more than 8 below the loudest raised to that floor, (y + 4) / 4. Computed in float64 up to
 * the logarithm. Source: WhisperFeatureExtractor of Hugging Face transformers (numpy branch).
 *
 * @param samples mono, 16 kHz. Clips shorter than the 200 mirrored samples are mirrored several times over; clips
 * without a whole hop give 0 frames.
 */
export function logMel(samples: Float32Array, options: LogMelOptions = {}): LogMel {
  const serving = options.recipe === 'serving';
  const bands = options.bands ?? 128;
  const padToHop = options.padToHop ?? serving;
  const cut = samples.subarray(0, Math.min(samples.length, options.maxSamples ?? MAX_SAMPLES));
  const length = padToHop ? Math.ceil(cut.length / HOP) * HOP : cut.length;
  const wave = mirrored(cut, length, options.normalize ?? !serving);
  const frames = Math.floor(length / HOP);
  const data = new Float32Array(bands * frames);
  const max = logPowers(wave, bank(bands), frames, data);
  const floor = Math.fround(max - 8);
  for (let i = 0; i < data.length; i++) data[i] = Math.fround(Math.max(data[i], floor) + 4) / 4;
  return { data, bands, frames };
}

function bank(bands: number): MelBank {
  let found = banks.get(bands);
  if (!found) {
    found = melBank(bands, N_FFT, MODEL_RATE);
    banks.set(bands, found);
  }
  return found;
}

/** The wave with {@link EDGE} mirrored samples on both sides. */
function mirrored(samples: Float32Array, length: number, normalize: boolean): Float64Array {
  const wave = new Float64Array(length + 2 * EDGE);
  if (length === 0) return wave;
  const [mean, deviation] = normalize ? moments(samples) : [0, 1];
  // The reference normalises in float32; following it keeps quiet frames within 1e-6.
  for (let i = 0; i < samples.length; i++) wave[EDGE + i] = Math.fround(Math.fround(samples[i] - mean) / deviation);
  const period = Math.max(1, 2 * (length - 1));
  const at = (i: number): number => {
    const folded = ((i % period) + period) % period;
    return wave[EDGE + (folded < length ? folded : period - folded)];
  };
  for (let i = 1; i <= EDGE; i++) wave[EDGE - i] = at(i);
  for (let i = 0; i < EDGE; i++) wave[EDGE + length + i] = at(length + i);
  return wave;
}

/** Mean and sqrt(population variance + 1e-7), rounded to float32. */
function moments(x: Float32Array): [number, number] {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  const mean = sum / x.length;
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += (x[i] - mean) ** 2;
  return [Math.fround(mean), Math.fround(Math.sqrt(squares / x.length + 1e-7))];
}

/** Fills `out` [bands, frames] with log10 of band powers; gives the largest. */
function logPowers(wave: Float64Array, mel: MelBank, frames: number, out: Float32Array): number {
  const frame = new Float64Array(N_FFT);
  const re = new Float64Array(mel.bins);
  const im = new Float64Array(mel.bins);
  const power = new Float64Array(mel.bins);
  const band = new Float64Array(mel.bands);
  let max = -10;
  for (let t = 0; t < frames; t++) {
    const start = t * HOP;
    for (let i = 0; i < N_FFT; i++) frame[i] = wave[start + i] * hann[i];
    fft.forward(frame, re, im);
    for (let k = 0; k < power.length; k++) power[k] = re[k] * re[k] + im[k] * im[k];
    mel.apply(power, band);
    for (let b = 0; b < mel.bands; b++) {
      const y = Math.log10(Math.max(1e-10, band[b]));
      out[b * frames + t] = y;
      if (y > max) max = y;
    }
  }
  return Math.fround(max);
}
