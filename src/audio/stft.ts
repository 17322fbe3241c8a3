import { realFft } from './fft.js';

/** A short-time spectrum, frame by frame. */
export interface Stft {
  /** `[frames, bins]`, row-major */
  re: Float32Array;
  /** `[frames, bins]`, row-major */
  im: Float32Array;
  frames: number;
  /** size / 2 + 1 */
  bins: number;
}

/** The periodic Hann window of a length: it sums to a constant when shifted by any whole fraction of it but all. */
export function hannWindow(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
}

/**
 * Short-time Fourier transform with a periodic Hann window. Frame t is centred on sample t * hop, with silence beyond
 * both ends, so there are floor(samples / hop) + 1 frames.
 * @param size FFT and window length, even @param hop samples between frames
 */
export function stft(samples: Float32Array, size: number, hop: number): Stft {
  const fft = realFft(size);
  const window = hannWindow(size);
  const frames = Math.floor(samples.length / hop) + 1;
  const bins = size / 2 + 1;
  const out = { re: new Float32Array(frames * bins), im: new Float32Array(frames * bins), frames, bins };
  const frame = new Float64Array(size);
  const re = new Float64Array(bins);
  const im = new Float64Array(bins);
  for (let t = 0; t < frames; t++) {
    const start = t * hop - size / 2;
    for (let i = 0; i < size; i++) frame[i] = (samples[start + i] ?? 0) * window[i];
    fft.forward(frame, re, im);
    out.re.set(re, t * bins);
    out.im.set(im, t * bins);
  }
  return out;
}

/**
 * Undoes {@link stft}: windowed frames are added up and divided by the sum of squared windows, which is the least-squares
 * answer for spectra that were changed (Griffin and Lim 1984).
 * @param hop as for {@link stft}, at most half the FFT length @param length samples to give
 */
export function istft(spectrum: Stft, hop: number, length: number): Float32Array {
  const { bins, frames } = spectrum;
  const size = 2 * (bins - 1);
  const fft = realFft(size);
  const window = hannWindow(size);
  const sum = new Float64Array(length);
  const weight = new Float64Array(length);
  const frame = new Float64Array(size);
  for (let t = 0; t < frames; t++) {
    const row = t * bins;
    const re = Float64Array.from(spectrum.re.subarray(row, row + bins));
    const im = Float64Array.from(spectrum.im.subarray(row, row + bins));
    fft.inverse(re, im, frame);
    const start = t * hop - size / 2;
    for (let i = Math.max(0, -start); i < size && start + i < length; i++) {
      sum[start + i] += frame[i] * window[i];
      weight[start + i] += window[i] * window[i];
    }
  }
  return Float32Array.from(sum, (x, i) => (weight[i] > 1e-8 ? x / weight[i] : 0));
}
