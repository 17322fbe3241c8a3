/** Fits the codec's encoder: principal components of log-mel frames, then residual codebooks by k-means. */
import { Graph, matmul, sub } from '../../graph/index.js';
import type { NanoCodecConfig } from '../../model/codec/nano-config.js';
import { SUB_FRAMES, WINDOW } from '../../model/codec/nano-config.js';
import { frameCount, frameFeatures, windows } from '../../model/codec/nano-encoder.js';
import { nearest } from '../../nn/index.js';
import type { Random } from '../../random.js';
import { Session } from '../../runtime/index.js';
import { type Clip, toFloat } from './codec-data.js';

/** Rows of a table of numbers. */
export interface Rows {
  data: Float32Array;
  count: number;
  width: number;
}

/** Rows that go through the runtime at once. */
const BATCH = 8192;

/** Log-mel features of `count` frames drawn from the clips, or of all where there are fewer. */
export async function sampleFeatures(
  clips: readonly Clip[],
  bands: number,
  count: number,
  random: Random,
  threads: number,
): Promise<Rows> {
  const graph = new Graph();
  graph.output('features', frameFeatures(graph.input('windows', 'float32', ['rows', WINDOW]), bands, 'frames'));
  const session = await Session.create(graph, { threads });
  const width = SUB_FRAMES * bands;
  const total = clips.reduce((n, c) => n + frameCount(c.samples.length), 0);
  const data = new Float32Array(Math.min(total, count) * width);
  let at = 0;
  for (const { samples } of random.shuffle(clips)) {
    if (at >= data.length) break;
    const frames = frameCount(samples.length);
    const x = windows(toFloat(samples), 0, frames);
    const { features } = await session.run({ windows: { data: x, dims: [frames * SUB_FRAMES, WINDOW] } });
    const got = (features.data as Float32Array).subarray(0, data.length - at);
    data.set(got, at);
    at += got.length;
  }
  await session.release();
  return { data: data.subarray(0, at), count: at / width, width };
}

/** Mean and leading principal components of rows: projection [dims, width], its rows orthonormal. */
export function principalComponents(rows: Rows, dims: number): { mean: Float32Array; projection: Float32Array } {
  const { data, count, width } = rows;
  const mean = new Float64Array(width);
  for (let r = 0; r < count; r++) for (let i = 0; i < width; i++) mean[i] += data[r * width + i] / count;
  const covariance = new Float64Array(width * width);
  const row = new Float64Array(width);
  const stride = Math.max(1, Math.floor(count / 20000));
  for (let r = 0; r < count; r += stride) {
    for (let i = 0; i < width; i++) row[i] = data[r * width + i] - mean[i];
    for (let i = 0; i < width; i++) for (let j = 0; j <= i; j++) covariance[i * width + j] += row[i] * row[j];
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) covariance[j * width + i] = covariance[i * width + j];
  return { mean: Float32Array.from(mean), projection: leadingEigenvectors(covariance, width, dims) };
}

/** Orthogonal iteration: converges fast where it matters, the components with most variance. */
function leadingEigenvectors(matrix: Float64Array, n: number, dims: number): Float32Array {
  // Cosines as a start: smooth spectra are nearly combinations of them.
  let basis = Float64Array.from({ length: dims * n }, (_, i) =>
    Math.cos((Math.PI * Math.floor(i / n) * ((i % n) + 0.5)) / n),
  );
  for (let iteration = 0; iteration < 60; iteration++) {
    const next = new Float64Array(dims * n);
    for (let d = 0; d < dims; d++) {
      for (let i = 0; i < n; i++) {
        const b = basis[d * n + i];
        for (let j = 0; j < n; j++) next[d * n + j] += b * matrix[i * n + j];
      }
    }
    orthonormalize(next, dims, n);
    basis = next;
  }
  return Float32Array.from(basis);
}

/** Gram and Schmidt, twice for accuracy; a vector that vanishes becomes zero. */
function orthonormalize(basis: Float64Array, dims: number, n: number): void {
  for (let d = 0; d < dims; d++) {
    const v = basis.subarray(d * n, (d + 1) * n);
    for (let k = 0; k < 2 * d; k++) {
      const u = basis.subarray((k % d) * n, ((k % d) + 1) * n);
      let dot = 0;
      for (let i = 0; i < n; i++) dot += u[i] * v[i];
      for (let i = 0; i < n; i++) v[i] -= dot * u[i];
    }
    const norm = Math.hypot(...v);
    for (let i = 0; i < n; i++) v[i] = norm > 1e-12 ? v[i] / norm : 0;
  }
}

export interface KMeansOptions {
  iterations: number;
  threads: number;
  random: Random;
  progress?: (message: string) => void;
}

/**
 * Residual codebooks, coarse to fine: each is fitted by k-means (Lloyd) to what those before it leave over.
 *
 * @param rows projected frames [count, dims]; overwritten by what the last codebook leaves over
 */
export async function residualCodebooks(
  rows: Rows,
  config: NanoCodecConfig,
  { iterations, threads, random, progress }: KMeansOptions,
): Promise<Float32Array[]> {
  const { codebook_size: size, codebooks } = config;
  const session = await assignmentSession(rows.width, size, threads);
  const books: Float32Array[] = [];
  for (let level = 0; level < codebooks; level++) {
    const book = new Float32Array(size * rows.width);
    const codes = new Int32Array(rows.count);
    for (let k = 0; k < size; k++) reseed(book, k, rows, random);
    for (let i = 0; i < iterations; i++) {
      await assign(session, rows, book, size, codes);
      recentre(rows, codes, book, size, random, i + 1 < iterations);
    }
    await assign(session, rows, book, size, codes);
    const energy = subtract(rows, codes, book);
    books.push(book);
    progress?.(`codebook ${level}: mean squared error ${energy.toFixed(3)} a frame`);
  }
  await session.release();
  return books;
}

async function assignmentSession(width: number, size: number, threads: number): Promise<Session> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['rows', width]);
  graph.output('codes', nearest(x, graph.input('book', 'float32', [size, width])));
  return Session.create(graph, { threads });
}

async function assign(
  session: Session,
  rows: Rows,
  book: Float32Array,
  size: number,
  codes: Int32Array,
): Promise<void> {
  const { data, count, width } = rows;
  for (let from = 0; from < count; from += BATCH) {
    const n = Math.min(BATCH, count - from);
    const x = { data: data.subarray(from * width, (from + n) * width), dims: [n, width] };
    const { codes: got } = await session.run({ x, book: { data: book, dims: [size, width] } });
    for (let i = 0; i < n; i++) codes[from + i] = Number(got.data[i]);
  }
}

/** Moves every centre to the mean of its rows; a centre without rows starts again at a random row. */
function recentre(
  rows: Rows,
  codes: Int32Array,
  book: Float32Array,
  size: number,
  random: Random,
  revive: boolean,
): void {
  const { data, count, width } = rows;
  const sums = new Float64Array(size * width);
  const counts = new Int32Array(size);
  for (let r = 0; r < count; r++) {
    const c = codes[r];
    counts[c]++;
    for (let i = 0; i < width; i++) sums[c * width + i] += data[r * width + i];
  }
  for (let k = 0; k < size; k++) {
    if (counts[k] === 0) {
      if (revive) reseed(book, k, rows, random);
      continue;
    }
    for (let i = 0; i < width; i++) book[k * width + i] = sums[k * width + i] / counts[k];
  }
}

function reseed(book: Float32Array, k: number, { data, count, width }: Rows, random: Random): void {
  const r = random.int(count);
  book.set(data.subarray(r * width, (r + 1) * width), k * width);
}

/** Leaves what the codes do not explain; gives its mean squared length. */
function subtract({ data, count, width }: Rows, codes: Int32Array, book: Float32Array): number {
  let energy = 0;
  for (let r = 0; r < count; r++) {
    const c = codes[r] * width;
    for (let i = 0; i < width; i++) {
      data[r * width + i] -= book[c + i];
      energy += data[r * width + i] ** 2;
    }
  }
  return energy / count;
}

/** Rows times the transpose of `projection` [dims, width], after taking off `mean`. */
export async function project(
  rows: Rows,
  mean: Float32Array,
  projection: Float32Array,
  threads: number,
): Promise<Rows> {
  const { data, count, width } = rows;
  const dims = projection.length / width;
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['rows', width]);
  const centred = sub(x, graph.constant(mean, [width]));
  graph.output('z', matmul(centred, graph.constant(projection, [dims, width]), { transB: true }));
  const session = await Session.create(graph, { threads });
  const out = new Float32Array(count * dims);
  for (let from = 0; from < count; from += BATCH) {
    const n = Math.min(BATCH, count - from);
    const part = { data: data.subarray(from * width, (from + n) * width), dims: [n, width] };
    out.set((await session.run({ x: part })).z.data as Float32Array, from * dims);
  }
  await session.release();
  return { data: out, count, width: dims };
}
