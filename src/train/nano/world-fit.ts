/**
 * Statistics of what the frozen encoder makes of the corpus, by which sounds from elsewhere are told apart: kinds of tokens by
 * k-means, and how tokens scatter around them. What is computed with them: docs/model.md, "Novelty".
 */
import { symmetricEigen } from '../../algebra/index.js';
import { BagpiperError } from '../../errors.js';
import { project, type WorldStatistics } from '../../model/index.js';
import type { Random } from '../../random.js';
import { float32ToHalf, halfToFloat32 } from '../../weights/index.js';

export interface FitOptions {
  /** kinds of tokens */
  centres: number;
  /** rounds of k-means */
  rounds: number;
  /** share of the directions that count as leading */
  leading: number;
  exponent: number;
  random: Random;
}

/**
 * Variance that is added to every direction, as a share of the mean variance: the last directions hardly vary, and what is
 * found there must not be noise of half floats or eight bits. (0.1 tells foreign sounds better than 0.01 or 0.05, too.)
 */
const FLOOR = 0.1;
/** Least variance that counts: what does not vary at all is divided by no zero. */
const LEAST = 1e-8;
/** Tokens that a kind needs, or nothing is left to scatter around it. */
const TOKENS_EACH = 10;

/** @param features tokens [count, width] @throws BagpiperError where they hardly vary, so that their scales exceed half floats */
export function fitWorld(features: Float32Array, width: number, options: FitOptions): WorldStatistics {
  const count = features.length / width;
  const mean = meanOf(features, width);
  const centred = features.map((x, i) => x - mean[i % width]);
  const whole = whitening(centred, width);
  const white = projected(centred, whole, width);
  const own = kMeans(white, width, Math.min(options.centres, Math.ceil(count / TOKENS_EACH)), options);
  const kinds = meansOf(centred, width, own);
  for (let i = 0; i < centred.length; i++) centred[i] -= kinds[own[Math.floor(i / width)] * width + (i % width)];
  // Halves from here on, so that what is stored is what was fitted.
  const directions = halved(withinWhitening(centred, whole, width));
  const leading = halved(whole.slice(0, Math.ceil(options.leading * width) * width));
  const centres = halved(projected(kinds, directions, width));
  if (![directions, leading, centres].every((numbers) => numbers.every(Number.isFinite))) {
    throw new BagpiperError(
      'The audio encoder makes nearly the same of all sounds; train it before statistics are made.',
    );
  }
  return { mean, directions, centres, leading, exponent: options.exponent };
}

const halved = (x: Float32Array): Float32Array => halfToFloat32(float32ToHalf(x));

function meanOf(rows: Float32Array, width: number): Float32Array {
  const sum = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) sum[i % width] += rows[i];
  return Float32Array.from(sum, (x) => x / (rows.length / width));
}

/** Of rows of mean 0: [width, width], eigenvectors divided by their deviation, that of most variance first. */
function whitening(rows: Float32Array, width: number): Float32Array {
  const { values, vectors } = symmetricEigen(covariance(rows, width), width);
  const floor = (FLOOR * values.reduce((a, b) => a + b, 0)) / width + LEAST;
  return Float32Array.from(vectors, (x, i) => x / Math.sqrt(Math.max(0, values[Math.floor(i / width)]) + floor));
}

/** Rows are whitened as a whole, then what is left there of directions that do not scatter alike around the centres. */
function withinWhitening(rows: Float32Array, whole: Float32Array, width: number): Float32Array {
  const second = whitening(projected(rows, whole, width), width);
  const columns = transposed(whole, width);
  return projected(second, columns, width);
}

function covariance(rows: Float32Array, width: number): Float64Array {
  const count = rows.length / width;
  const sum = new Float64Array(width * width);
  for (let r = 0; r < rows.length; r += width) {
    for (let i = 0; i < width; i++) {
      const x = rows[r + i] / count;
      for (let j = 0; j <= i; j++) sum[i * width + j] += x * rows[r + j];
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) sum[j * width + i] = sum[i * width + j];
  return sum;
}

/** Each row times the matrix's rows: [count, matrix rows]. */
function projected(rows: Float32Array, matrix: Float32Array, width: number): Float32Array {
  const along = matrix.length / width;
  const count = rows.length / width;
  const out = new Float32Array(count * along);
  for (let r = 0; r < count; r++) {
    project(matrix, rows.subarray(r * width, (r + 1) * width), out.subarray(r * along, (r + 1) * along));
  }
  return out;
}

function transposed(square: Float32Array, n: number): Float32Array {
  return square.map((_, i) => square[(i % n) * n + Math.floor(i / n)]);
}

/** Lloyd's k-means. @returns the kind of each row */
function kMeans(rows: Float32Array, width: number, kinds: number, { rounds, random }: FitOptions): Int32Array {
  const count = rows.length / width;
  const own = new Int32Array(count);
  const any = (): Float32Array => {
    const at = random.int(count) * width;
    return rows.subarray(at, at + width);
  };
  let centres = new Float32Array(kinds * width);
  for (let k = 0; k < kinds; k++) centres.set(any(), k * width);
  for (let round = 0; ; round++) {
    for (let r = 0; r < count; r++) own[r] = nearest(centres, rows, r * width, width);
    if (round >= rounds) return own;
    centres = meansOf(rows, width, own, kinds);
    const used = new Set(own);
    for (let k = 0; k < kinds; k++) if (!used.has(k)) centres.set(any(), k * width);
  }
}

function nearest(centres: Float32Array, rows: Float32Array, at: number, width: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k * width < centres.length; k++) {
    let distance = 0;
    for (let i = 0, c = k * width; i < width && distance < least; i++, c++) {
      const apart = rows[at + i] - centres[c];
      distance += apart * apart;
    }
    if (distance < least) {
      least = distance;
      best = k;
    }
  }
  return best;
}

/** Means of the rows of each kind, zeros where there are none: [kinds, width]. */
function meansOf(
  rows: Float32Array,
  width: number,
  own: Int32Array,
  kinds = own.reduce((most, k) => Math.max(most, k + 1), 0),
): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(kinds * width);
  const counts = new Float64Array(kinds);
  for (const [r, k] of own.entries()) {
    counts[k]++;
    for (let i = 0; i < width; i++) sums[k * width + i] += rows[r * width + i];
  }
  return Float32Array.from(sums, (x, i) => x / Math.max(1, counts[Math.floor(i / width)]));
}
