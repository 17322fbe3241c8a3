/** How far one sound is from another of the same length and timing: spectra at several resolutions, and mel cepstra. */
import { melBank } from '../../audio/index.js';
import { type Stft, stft } from '../../audio/stft.js';

const RATE = 16000;
/** Windows of 10, 25 and 50 ms with hops of 2, 5 and 10 ms, as in Yamamoto et al. 2020 (table 1) at our rate. */
const RESOLUTIONS = [
  [160, 32],
  [400, 80],
  [800, 160],
] as const;
/** Magnitudes further below the reference's largest one count as equal: nobody hears them, and logarithms need an end. */
const FLOOR_DB = 60;
/** Mel cepstra: windows of 25 ms every 5 ms. */
const [MEL_WINDOW, MEL_HOP] = RESOLUTIONS[1];
const MEL_BANDS = 40;
/** Cepstral coefficients 1 to this; coefficient 0, the level, is left out. */
const COEFFICIENTS = 13;
/** Frames quieter than the reference's loudest one by more than this are left out of mel-cepstral distortion. */
const ACTIVE_DB = 50;

export interface SpectralDistance {
  /** mean over resolutions of ||S - S'|| / ||S|| of magnitude spectra (Frobenius norms); 0 is equal */
  convergence: number;
  /** mean over resolutions of the mean absolute difference of log magnitudes, in dB */
  logMagnitude: number;
}

/**
 * Multi-resolution STFT distance (Yamamoto, Song and Kim 2020, "Parallel WaveGAN"), at 16 kHz. The log magnitudes end 60 dB
 * below the reference's largest magnitude.
 * @param reference samples at 16 kHz @param other the same number of samples; a longer one is cut, a shorter one is silent
 */
export function spectralDistance(reference: Float32Array, other: Float32Array): SpectralDistance {
  let convergence = 0;
  let logMagnitude = 0;
  const fitted = fit(other, reference.length);
  for (const [window, hop] of RESOLUTIONS) {
    const [a, b] = [magnitudes(stft(reference, window, hop)), magnitudes(stft(fitted, window, hop))];
    const floor = largest(a) * 10 ** (-FLOOR_DB / 20);
    let [difference, whole, logs] = [0, 0, 0];
    for (let i = 0; i < a.length; i++) {
      difference += (a[i] - b[i]) ** 2;
      whole += a[i] ** 2;
      logs += Math.abs(Math.log10(Math.max(a[i], floor) / Math.max(b[i], floor)));
    }
    convergence += Math.sqrt(difference / whole) / RESOLUTIONS.length;
    logMagnitude += (20 * logs) / a.length / RESOLUTIONS.length;
  }
  return { convergence, logMagnitude };
}

/**
 * Mel-cepstral distortion in dB (Kubichek 1993), mean over the frames in which the reference is active. Cepstra are cosine
 * transforms of the log magnitudes of 40 mel bands; there is no time warping.
 * @param reference samples at 16 kHz @param other as for {@link spectralDistance}
 * @returns NaN when the reference is silent
 */
export function melCepstralDistortion(reference: Float32Array, other: Float32Array): number {
  const [a, b] = [melFrames(reference), melFrames(fit(other, reference.length))];
  const top = largest(a);
  if (top === 0) return Number.NaN;
  const floor = top * 10 ** (-FLOOR_DB / 10);
  const level = (frame: number): number =>
    a.subarray(frame * MEL_BANDS, (frame + 1) * MEL_BANDS).reduce((sum, x) => sum + x, 0);
  const levels = Array.from({ length: a.length / MEL_BANDS }, (_, frame) => level(frame));
  const active = Math.max(...levels) * 10 ** (-ACTIVE_DB / 10);
  const logs = (bands: Float64Array, frame: number): Float64Array =>
    Float64Array.from({ length: MEL_BANDS }, (_, k) => 0.5 * Math.log(Math.max(bands[frame * MEL_BANDS + k], floor)));
  let sum = 0;
  let frames = 0;
  for (let frame = 0; frame < levels.length; frame++) {
    if (levels[frame] < active) continue;
    sum += cepstralDistance(logs(a, frame), logs(b, frame));
    frames++;
  }
  return sum / frames;
}

/**
 * Distance of two frames in dB: (10 / ln 10) sqrt(2 sum over d = 1..13 of (c_d - c'_d)^2), where c_d is 2 / bands times the
 * cosine transform of log magnitudes, so that the log spectrum is the sum of c_d cos(pi d (k + 1/2) / bands).
 * @param a natural logs of band magnitudes @param b as many
 */
export function cepstralDistance(a: Float64Array, b: Float64Array): number {
  const bands = a.length;
  let sum = 0;
  for (let d = 1; d <= COEFFICIENTS; d++) {
    let c = 0;
    for (let k = 0; k < bands; k++) c += (a[k] - b[k]) * Math.cos((Math.PI * d * (k + 0.5)) / bands);
    sum += ((2 * c) / bands) ** 2;
  }
  return (10 / Math.LN10) * Math.sqrt(2 * sum);
}

function fit(samples: Float32Array, length: number): Float32Array {
  if (samples.length === length) return samples;
  const out = new Float32Array(length);
  out.set(samples.subarray(0, length));
  return out;
}

function magnitudes({ re, im }: Stft): Float64Array {
  return Float64Array.from(re, (x, i) => Math.hypot(x, im[i]));
}

function largest(values: Float64Array): number {
  let top = 0;
  for (const x of values) if (x > top) top = x;
  return top;
}

/** Power of mel bands: [frames, bands]. */
function melFrames(samples: Float32Array): Float64Array {
  const bank = melBank(MEL_BANDS, MEL_WINDOW, RATE);
  const { re, im, frames, bins } = stft(samples, MEL_WINDOW, MEL_HOP);
  const out = new Float64Array(frames * MEL_BANDS);
  const power = new Float64Array(bins);
  for (let t = 0; t < frames; t++) {
    for (let k = 0; k < bins; k++) power[k] = re[t * bins + k] ** 2 + im[t * bins + k] ** 2;
    bank.apply(power, out.subarray(t * MEL_BANDS, (t + 1) * MEL_BANDS));
  }
  return out;
}
