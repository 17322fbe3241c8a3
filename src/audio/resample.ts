/**
 * Change of sampling rate in two steps, both in float64 with 130 dB filters. A sharp low-pass by FFT brings the sound to
 * the wanted rate where that is a simple ratio (48 -> 16 kHz), else to one at which nothing lies in the upper half of
 * the band; there a short windowed sinc then interpolates any ratio (44.1 -> 16 kHz). Flat to 95% of the lower half
 * rate; from the lower half rate on everything is stopped, so nothing aliases. See J. O. Smith, "Digital Audio
 * Resampling".
 */
import { designKaiser } from './kaiser.js';
import { FftLowpass } from './lowpass.js';
import { MAX_RATE, MIN_RATE } from './types.js';

/** Width of the sharp transition band as a share of the lower half rate. */
const TRANSITION = 0.05;
/** Ratios with more phases are interpolated (cubic, error below -150 dB) in a table of 256. */
const MAX_PHASES = 1024;
const INTERPOLATED_PHASES = 256;

/** Resamples a stream of any length piece by piece, without delay: output k sits at k / toRate, input i at i / fromRate. */
export class Resampler {
  private readonly lowpass: FftLowpass | undefined;
  private readonly interpolator: Interpolator | undefined;
  private inputs = 0;
  private outputs = 0;

  /** @param fromRate @param toRate samples a second, integers from 1,000 to 1,536,000 */
  constructor(
    readonly fromRate: number,
    readonly toRate: number,
  ) {
    for (const rate of [fromRate, toRate]) {
      if (!Number.isInteger(rate) || rate < MIN_RATE || rate > MAX_RATE) {
        throw new RangeError(`a sampling rate is an integer from ${MIN_RATE} to ${MAX_RATE}, not ${rate}`);
      }
    }
    if (fromRate === toRate) return;
    const [up, down] = simpleRatio(fromRate, toRate);
    this.lowpass = new FftLowpass(up, down, Math.min(1, toRate / fromRate), TRANSITION);
    if (fromRate * up !== toRate * down) {
      this.interpolator = new Interpolator(
        fromRate * up,
        toRate * down,
        (Math.min(fromRate, toRate) * down) / (fromRate * up),
      );
    }
  }

  /** Takes input samples; gives the output samples that are ready. */
  push(samples: Float32Array): Float32Array {
    this.inputs += samples.length;
    if (!this.lowpass) return samples.slice();
    return this.collect(Number.POSITIVE_INFINITY, (emit) => this.lowpass?.push(samples, emit));
  }

  /** No more input: gives the rest, so that round(inputs * toRate / fromRate) samples came out in all. */
  flush(): Float32Array {
    if (!this.lowpass) return new Float32Array(0);
    const total = Math.round((this.inputs * this.toRate) / this.fromRate);
    // What the interpolator looks ahead has to come out of the low-pass as well.
    const ahead = Math.ceil(((this.interpolator?.half ?? 0) + 2) * Math.max(1, this.fromRate / this.toRate)) + 1;
    return this.collect(total, (emit) => this.lowpass?.flush(this.inputs + ahead, emit));
  }

  private collect(total: number, run: (emit: (stretch: Float64Array) => void) => void): Float32Array {
    const parts: Float32Array[] = [];
    let length = 0;
    run((stretch) => {
      const made = this.interpolator ? this.interpolator.push(stretch) : Float32Array.from(stretch);
      const part = made.subarray(0, Math.max(0, total - this.outputs));
      parts.push(part);
      length += part.length;
      this.outputs += part.length;
    });
    if (parts.length === 1) return parts[0];
    const out = new Float32Array(length);
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

/**
 * A whole signal at another rate.
 * @param samples any length
 * @returns round(samples.length * toRate / fromRate) samples; sample k sits at time k / toRate exactly
 */
export function resample(samples: Float32Array, fromRate: number, toRate: number): Float32Array {
  const resampler = new Resampler(fromRate, toRate);
  const head = resampler.push(samples);
  const tail = resampler.flush();
  const out = new Float32Array(head.length + tail.length);
  out.set(head);
  out.set(tail, head.length);
  return out;
}

/** What the low-pass makes of the rate: exactly the wanted one, or one at least twice the lower of both rates. */
function simpleRatio(from: number, to: number): [up: number, down: number] {
  if (from % to === 0 && from / to <= 64) return [1, from / to];
  if (from < 2 * to) return [2, 1];
  let down = 1;
  while (from >= 4 * to * down) down *= 2;
  return [1, down];
}

/** Any ratio, for sound whose upper half band is empty: about 20 taps an output sample. */
class Interpolator {
  readonly half: number;
  private readonly up: number;
  private readonly down: number;
  private readonly phases: number;
  private readonly table: Float64Array;
  private readonly row: Float64Array | undefined;
  private buffer: Float64Array;
  /** absolute input index of buffer[0] */
  private start: number;
  private filled: number;
  private outputs = 0;

  /** @param band what is occupied, as a share of half the input rate (at most 0.5) */
  constructor(from: number, to: number, band: number) {
    const divisor = gcd(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    const { half, phases, table } = tableFor(this.up, band);
    this.half = half;
    this.phases = phases;
    this.table = table;
    if (phases !== this.up) this.row = new Float64Array(2 * half);
    this.buffer = new Float64Array(half);
    this.start = -half;
    this.filled = half;
  }

  push(samples: Float64Array): Float32Array {
    const { up, down, half, phases, table, row } = this;
    this.append(samples);
    // Output k needs inputs up to floor(k * down / up) + half.
    const last = this.start + this.filled - 1 - half;
    const end = last < 0 ? 0 : Math.floor(((last + 1) * up - 1) / down) + 1;
    const out = new Float32Array(Math.max(0, end - this.outputs));
    const width = 2 * half;
    for (let i = 0; i < out.length; i++, this.outputs++) {
      const position = this.outputs * down;
      const base = Math.floor(position / up);
      const phase = position - base * up;
      const from = base - half + 1 - this.start;
      if (row) {
        interpolateRow(table, width, (phase * phases) / up, row);
        out[i] = dot(this.buffer, from, row, 0, width);
      } else out[i] = dot(this.buffer, from, table, (phase + 1) * width, width);
    }
    return out;
  }

  private append(samples: Float64Array): void {
    const needed = Math.floor((this.outputs * this.down) / this.up) - this.half + 1;
    const drop = Math.min(this.filled, Math.max(0, needed - this.start));
    const kept = this.filled - drop;
    const target = kept + samples.length > this.buffer.length ? new Float64Array(kept + samples.length) : this.buffer;
    target.set(this.buffer.subarray(drop, this.filled));
    target.set(samples, kept);
    this.buffer = target;
    this.start += drop;
    this.filled = kept + samples.length;
  }
}

interface Table {
  half: number;
  /** row r is the filter for the fraction r / phases */
  phases: number;
  /** `[phases + 3][2 * half]`, from row -1 to row phases + 1 */
  table: Float64Array;
}

const tables = new Map<string, Table>();

function tableFor(up: number, band: number): Table {
  const phases = up <= MAX_PHASES ? up : INTERPOLATED_PHASES;
  const key = `${phases} ${band}`;
  let found = tables.get(key);
  if (!found) {
    // Passes up to `band`; the first image of the band lies at 2 - band.
    const kernel = designKaiser(1, 2 - 2 * band);
    const half = kernel.half;
    const table = new Float64Array((phases + 3) * 2 * half);
    for (let r = -1, o = 0; r <= phases + 1; r++) {
      for (let j = 0; j < 2 * half; j++) table[o++] = kernel.at(j - half + 1 - r / phases);
    }
    found = { half, phases, table };
    if (tables.size >= 8) tables.clear();
    tables.set(key, found);
  }
  return found;
}

function dot(x: Float64Array, xAt: number, w: Float64Array, wAt: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += x[xAt + i] * w[wAt + i];
  return sum;
}

/** Cubic Lagrange interpolation between table rows around `at` (0 <= at < phases). */
function interpolateRow(table: Float64Array, width: number, at: number, row: Float64Array): void {
  const r = Math.floor(at);
  const t = at - r;
  const w0 = (-t * (t - 1) * (t - 2)) / 6;
  const w1 = ((t + 1) * (t - 1) * (t - 2)) / 2;
  const w2 = (-(t + 1) * t * (t - 2)) / 2;
  const w3 = ((t + 1) * t * (t - 1)) / 6;
  const o = r * width;
  for (let j = 0; j < width; j++) {
    row[j] =
      w0 * table[o + j] + w1 * table[o + width + j] + w2 * table[o + 2 * width + j] + w3 * table[o + 3 * width + j];
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
