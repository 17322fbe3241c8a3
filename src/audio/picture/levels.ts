import { realFft } from '../fft.js';
import { hzToMel, melToHz } from '../mel.js';
import { hannWindow } from '../stft.js';

/** A spectrogram at the size of its picture. */
export interface Levels {
  /** `[rows][columns]`, row-major, the highest frequency first: dB, 0 for a sine of full scale */
  data: Float32Array;
  rows: number;
  columns: number;
}

/** What is silent is this loud, dB. */
const SILENCE = -200;

/** The length of the analysis window in samples: 32 ms or a little more. */
export function windowSize(sampleRate: number): number {
  return Math.min(2 ** 16, Math.max(64, 2 ** Math.ceil(Math.log2(0.032 * sampleRate))));
}

/** Position on the frequency axis, 0 at the bottom to 1 at half the rate -> Hz */
function axisToHz(share: number, sampleRate: number, mel: boolean): number {
  return mel ? melToHz(share * hzToMel(sampleRate / 2)) : (share * sampleRate) / 2;
}

/** Hz -> position on the frequency axis, 0 to 1 */
export function hzToAxis(hz: number, sampleRate: number, mel: boolean): number {
  return mel ? hzToMel(hz) / hzToMel(sampleRate / 2) : (2 * hz) / sampleRate;
}

/**
 * Spectra of a sound for every pixel of a picture. A column that covers more than half a window is the average power of
 * frames half a window apart, so nothing is skipped however long the sound; a row that covers several bins is their
 * average, one that covers less than a bin is interpolated.
 * @param samples mono; what is not finite counts as 0
 */
export function spectrogramLevels(
  samples: Float32Array,
  sampleRate: number,
  size: { rows: number; columns: number; mel: boolean },
): Levels {
  const { rows, columns } = size;
  const length = windowSize(sampleRate);
  const spectrum = new Float64Array(length / 2 + 1);
  const analyse = analyser(samples, length);
  const read = rowReader(length, sampleRate, rows, size.mel);
  const data = new Float32Array(rows * columns);
  const span = samples.length / columns;
  const count = Math.max(1, Math.ceil(span / (length / 2)));
  for (let x = 0; x < columns; x++) {
    spectrum.fill(0);
    for (let i = 0; i < count; i++) analyse((x + (i + 0.5) / count) * span, spectrum);
    for (let y = 0; y < rows; y++) {
      const power = read(spectrum, y) / count;
      data[y * columns + x] = power > 0 ? Math.max(SILENCE, 10 * Math.log10(power)) : SILENCE;
    }
  }
  return { data, rows, columns };
}

/** Adds the power spectrum around a position to `sum`, scaled so that a sine of full scale peaks at 1. */
function analyser(samples: Float32Array, length: number): (centre: number, sum: Float64Array) => void {
  const fft = realFft(length);
  const window = hannWindow(length);
  const frame = new Float64Array(length);
  const re = new Float64Array(length / 2 + 1);
  const im = new Float64Array(length / 2 + 1);
  const scale = (4 / length) ** 2;
  return (centre, sum) => {
    const start = Math.round(centre) - length / 2;
    for (let i = 0; i < length; i++) {
      const sample = samples[start + i];
      frame[i] = Number.isFinite(sample) ? sample * window[i] : 0;
    }
    fft.forward(frame, re, im);
    // At 0 Hz and at half the rate both halves of a sine's spectrum fall together.
    const last = sum.length - 1;
    for (let k = 0; k <= last; k++) {
      const power = re[k] * re[k] + im[k] * im[k];
      sum[k] += k === 0 || k === last ? (scale / 4) * power : scale * power;
    }
  };
}

/** Reads a row of the picture from a spectrum. */
function rowReader(
  length: number,
  sampleRate: number,
  rows: number,
  mel: boolean,
): (spectrum: Float64Array, row: number) => number {
  const binAt = (row: number): number => (axisToHz(1 - row / rows, sampleRate, mel) * length) / sampleRate;
  const edges = Float64Array.from({ length: rows + 1 }, (_, row) => binAt(row));
  const centres = Float64Array.from({ length: rows }, (_, row) => binAt(row + 0.5));
  return (spectrum, row) => {
    const low = edges[row + 1];
    const high = edges[row];
    if (high - low <= 1) {
      const k = Math.min(spectrum.length - 2, Math.floor(centres[row]));
      return spectrum[k] + (centres[row] - k) * (spectrum[k + 1] - spectrum[k]);
    }
    let sum = 0;
    let weights = 0;
    // A bin reaches half a bin to both sides.
    for (let k = Math.round(low); k <= Math.min(spectrum.length - 1, Math.round(high)); k++) {
      const weight = Math.min(high, k + 0.5) - Math.max(low, k - 0.5);
      sum += weight * spectrum[k];
      weights += weight;
    }
    return sum / weights;
  };
}
