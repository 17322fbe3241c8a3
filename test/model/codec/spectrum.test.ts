import { describe, expect, it } from 'vitest';
import { hzToMel, melToHz } from '../../../src/audio/index.js';
import { forwardBasis, hann, inverseBasis, melMatrix } from '../../../src/model/codec/spectrum.js';
import { farthest, noise } from './tiny-codec.js';

/** A row times a matrix [row.length, columns]. */
function times(row: ArrayLike<number>, matrix: Float32Array): Float64Array {
  const columns = matrix.length / row.length;
  const out = new Float64Array(columns);
  for (let i = 0; i < row.length; i++) for (let j = 0; j < columns; j++) out[j] += row[i] * matrix[i * columns + j];
  return out;
}

const magnitude = (spectrum: Float64Array, bin: number): number =>
  Math.hypot(spectrum[bin], spectrum[spectrum.length / 2 + bin]);

describe('forward and inverse basis', () => {
  it.each([16, 64, 640])('restore a signal of windows of %i that overlap by three quarters', (size) => {
    const hop = size / 4;
    const signal = noise(9 * hop);
    const [forward, inverse] = [forwardBasis(size), inverseBasis(size)];
    const sum = new Float64Array(signal.length);
    for (let start = 0; start + size <= signal.length; start += hop) {
      const piece = times(times(signal.subarray(start, start + size), forward), inverse);
      for (let i = 0; i < size; i++) sum[start + i] += piece[i];
    }
    // Whole wherever four windows meet.
    const [low, high] = [size - hop, signal.length - size + hop];
    expect(farthest(sum.subarray(low, high), signal.subarray(low, high))).toBeLessThan(1e-5);
  });

  it.each([
    [8, 0],
    [8, 1.1],
    [50, 2.5],
  ])('gives a sine of amplitude 1 on bin %i, phase %d, magnitude 1/2', (bin, phase) => {
    const size = 128;
    const wave = Float64Array.from({ length: size }, (_, n) => Math.cos((2 * Math.PI * bin * n) / size + phase));
    const spectrum = times(wave, forwardBasis(size));
    expect(magnitude(spectrum, bin)).toBeCloseTo(0.5, 6);
    // A Hann window leaves half of it to each neighbour and nothing to others.
    expect(magnitude(spectrum, bin + 1)).toBeCloseTo(0.25, 6);
    expect(magnitude(spectrum, bin - 2)).toBeCloseTo(0, 6);
    const angle = Math.atan2(spectrum[size / 2 + 1 + bin], spectrum[bin]);
    expect(angle).toBeCloseTo(phase, 5);
  });

  it('uses a periodic window: quarter-shifted squares sum to 3/2', () => {
    const window = hann(32);
    for (let n = 0; n < 8; n++) {
      expect([0, 8, 16, 24].reduce((sum, shift) => sum + window[n + shift] ** 2, 0)).toBeCloseTo(1.5, 12);
    }
  });
});

describe('melMatrix', () => {
  it.each([
    [8, 640],
    [80, 640],
    [128, 640],
    [80, 1024],
  ])('has columns of sum 1 for %i bands of windows of %i', (bands, size) => {
    const matrix = melMatrix(bands, size, 16000);
    const bins = size / 2 + 1;
    expect(matrix.length).toBe(bins * bands);
    const flat = times(new Float64Array(bins).fill(1), matrix);
    expect(farthest(flat, new Float64Array(bands).fill(1))).toBeLessThan(1e-5);
  });

  it('lets each band hear its own stretch of the mel scale only', () => {
    const [bands, size] = [20, 640];
    const matrix = melMatrix(bands, size, 16000);
    const edge = (i: number): number => melToHz((hzToMel(8000) * i) / (bands + 1));
    const inside = (k: number, b: number): boolean => k * 25 > edge(b) && k * 25 < edge(b + 2);
    const wrong = [...matrix.keys()].filter((i) => matrix[i] > 0 !== inside(Math.floor(i / bands), i % bands));
    expect(wrong).toEqual([]);
  });
});
