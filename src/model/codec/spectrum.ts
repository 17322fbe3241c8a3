/** Fixed matrices between samples, spectra and mel bands: Fourier transforms as matrix products. */
import { melBank } from '../../audio/mel.js';

/** Periodic Hann window. */
export function hann(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
}

/**
 * Windowed real Fourier transform, scaled so that a sine of amplitude 1 has magnitude 1/2: [size, 2 * bins], cosine parts
 * first.
 */
export function forwardBasis(size: number): Float32Array {
  const bins = size / 2 + 1;
  const window = hann(size);
  const scale = 2 / size;
  const out = new Float32Array(size * 2 * bins);
  for (let n = 0; n < size; n++) {
    for (let k = 0; k < bins; k++) {
      const angle = (2 * Math.PI * ((n * k) % size)) / size;
      out[n * 2 * bins + k] = window[n] * scale * Math.cos(angle);
      out[n * 2 * bins + bins + k] = -window[n] * scale * Math.sin(angle);
    }
  }
  return out;
}

/**
 * What undoes {@link forwardBasis} when windows overlap by three quarters: [2 * bins, size], windowed again, so that the
 * sum of overlapping results is the signal.
 */
export function inverseBasis(size: number): Float32Array {
  const bins = size / 2 + 1;
  const window = hann(size);
  const out = new Float32Array(2 * bins * size);
  for (let k = 0; k < bins; k++) {
    // The squares of Hann windows a quarter apart add up to 3/2; the inverse transform's 1/size meets forward's 2/size.
    const scale = (k === 0 || k === bins - 1 ? 0.5 : 1) / 1.5;
    for (let n = 0; n < size; n++) {
      const angle = (2 * Math.PI * ((n * k) % size)) / size;
      out[k * size + n] = window[n] * scale * Math.cos(angle);
      out[(bins + k) * size + n] = -window[n] * scale * Math.sin(angle);
    }
  }
  return out;
}

/** Mean power of each mel band: [bins, bands], columns add up to 1. */
export function melMatrix(bands: number, size: number, rate: number): Float32Array {
  const bank = melBank(bands, size, rate);
  const out = new Float32Array(bank.bins * bands);
  for (let b = 0; b < bands; b++) {
    const total = bank.weights[b].reduce((s, w) => s + w, 0);
    bank.weights[b].forEach((w, i) => {
      out[(bank.first[b] + i) * bands + b] = w / total;
    });
  }
  return out;
}
