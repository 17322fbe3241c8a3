/**
 * The workbench of the sound generators: noise, oscillators, filters, envelopes and resampling on mono
 * `Float32Array`s of 16 kHz samples. Functions that return their first argument changed it in place.
 */
import type { Random } from '../../random.js';

/** Samples per second of everything in the corpus. */
export const RATE = 16000;

/** A number, or a number that depends on time (seconds) and progress (0 to 1). */
export type Curve = number | ((t: number, u: number) => number);

/** Silence of this many seconds. */
export function silence(seconds: number): Float32Array {
  return new Float32Array(Math.max(1, Math.round(seconds * RATE)));
}

/** White noise in [-1, 1). */
export function noise(random: Random, seconds: number): Float32Array {
  const out = silence(seconds);
  for (let i = 0; i < out.length; i++) out[i] = random.uint32() / 2147483648 - 1;
  return out;
}

/** Noise whose power falls by about 6 dB an octave: rumble, wind. */
export function brownNoise(random: Random, seconds: number): Float32Array {
  const out = noise(random, seconds);
  let y = 0;
  for (let i = 0; i < out.length; i++) {
    y = 0.985 * y + 0.17 * (out[i] as number);
    out[i] = y;
  }
  return out;
}

/**
 * A tone of the given harmonics.
 * @param seconds duration
 * @param frequency in hertz, may glide
 * @param harmonics amplitude of the 1st, 2nd, ... partial; those above 7.5 kHz are left out
 */
export function tone(seconds: number, frequency: Curve, harmonics: readonly number[] = [1]): Float32Array {
  const out = silence(seconds);
  let phase = 0;
  for (let i = 0; i < out.length; i++) {
    const f = valueAt(frequency, i, out.length);
    phase += (2 * Math.PI * f) / RATE;
    let y = 0;
    for (let h = 0; h < harmonics.length; h++) {
      if (f * (h + 1) > 7500) break;
      y += (harmonics[h] as number) * Math.sin((h + 1) * phase);
    }
    out[i] = y;
  }
  return out;
}

/** A sum of decaying partials (bells, glass, bars): `[hertz, amplitude, seconds to fall by 60 dB]` each. */
export function struck(seconds: number, partials: readonly (readonly [number, number, number])[]): Float32Array {
  const out = silence(seconds);
  for (const [frequency, amplitude, t60] of partials) {
    if (frequency > 7800) continue;
    const decay = 10 ** (-3 / (t60 * RATE));
    const w = (2 * Math.PI * frequency) / RATE;
    const k = 2 * Math.cos(w);
    let a = 0;
    let b = -Math.sin(w);
    let gain = amplitude;
    for (let i = 0; i < out.length && gain > 1e-5; i++) {
      out[i] = (out[i] as number) + gain * a;
      const next = k * a - b;
      b = a;
      a = next;
      gain *= decay;
    }
  }
  return fade(out, 0.001, 0.01);
}

/** Multiplies by a gain that may change over time. */
export function shape(x: Float32Array, gain: Curve): Float32Array {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * valueAt(gain, i, x.length);
  return x;
}

/** Linear fades at both ends, in seconds. */
export function fade(x: Float32Array, attack: number, release: number): Float32Array {
  const a = Math.min(x.length, Math.round(attack * RATE));
  const r = Math.min(x.length, Math.round(release * RATE));
  for (let i = 0; i < a; i++) x[i] = (x[i] as number) * (i / a);
  for (let i = 0; i < r; i++) x[x.length - 1 - i] = (x[x.length - 1 - i] as number) * (i / r);
  return x;
}

/** Exponential decay from 1, falling by 60 dB in t60 seconds, after a short linear attack. */
export function decay(x: Float32Array, t60: number, attack = 0.002): Float32Array {
  const k = 10 ** (-3 / (t60 * RATE));
  let g = 1;
  for (let i = 0; i < x.length; i++) {
    x[i] = (x[i] as number) * g;
    g *= k;
  }
  return fade(x, attack, Math.min(0.01, x.length / RATE / 4));
}

type FilterKind = 'low' | 'high' | 'band';

/** A second-order filter after the cookbook of R. Bristow-Johnson; `q` is the resonance, the frequency may move. */
export function filter(x: Float32Array, kind: FilterKind, frequency: Curve, q = Math.SQRT1_2): Float32Array {
  let c = coefficients(kind, valueAt(frequency, 0, x.length), q);
  const moving = typeof frequency !== 'number';
  let x1 = 0;
  let x2 = 0;
  let y1 = 0;
  let y2 = 0;
  for (let i = 0; i < x.length; i++) {
    if (moving && i % 32 === 0) c = coefficients(kind, valueAt(frequency, i, x.length), q);
    const v = x[i] as number;
    const y = c[0] * v + c[1] * x1 + c[2] * x2 - c[3] * y1 - c[4] * y2;
    x2 = x1;
    x1 = v;
    y2 = y1;
    y1 = y;
    x[i] = y;
  }
  return x;
}

/** Adds `source` into `target` at a time in seconds; what lies outside is dropped. */
export function mixInto(target: Float32Array, source: Float32Array, at: number, gain = 1): Float32Array {
  const offset = Math.round(at * RATE);
  const from = Math.max(0, -offset);
  const to = Math.min(source.length, target.length - offset);
  for (let i = from; i < to; i++) target[offset + i] = (target[offset + i] as number) + gain * (source[i] as number);
  return target;
}

/** Several sounds laid on each other from the start, as long as the first. */
export function layers(first: Float32Array, ...others: Float32Array[]): Float32Array {
  for (const x of others) mixInto(first, x, 0);
  return first;
}

/** Largest absolute sample. */
export function peakOf(x: Float32Array): number {
  let peak = 0;
  for (let i = 0; i < x.length; i++) peak = Math.max(peak, Math.abs(x[i] as number));
  return peak;
}

/** Scales so that the largest absolute sample is `peak`; silence stays silence. */
export function normalise(x: Float32Array, peak = 1): Float32Array {
  const now = peakOf(x);
  if (now > 0) for (let i = 0; i < x.length; i++) x[i] = ((x[i] as number) * peak) / now;
  return x;
}

/** Soft clipping: drive above 1 adds harmonics. */
export function saturate(x: Float32Array, drive: number): Float32Array {
  for (let i = 0; i < x.length; i++) x[i] = Math.tanh(drive * (x[i] as number));
  return x;
}

/**
 * Loudness as a listener would judge a short clip: root mean square of the loudest 0.1 s, so that pauses do not
 * count. @returns linear amplitude
 */
export function loudness(x: Float32Array): number {
  const window = Math.min(x.length, RATE / 10);
  let sum = 0;
  let best = 0;
  for (let i = 0; i < x.length; i++) {
    sum += (x[i] as number) ** 2;
    if (i >= window) sum -= (x[i - window] as number) ** 2;
    if (sum > best) best = sum;
  }
  return Math.sqrt(best / window);
}

/**
 * Reads `x` at another speed with a windowed-sinc kernel of 12 zero crossings a side.
 * @param ratio input samples per output sample: 44100/16000 converts a rate; 1.2 raises every frequency by 20 %
 */
export function resample(x: Float32Array, ratio: number): Float32Array {
  if (ratio === 1) return x;
  const n = Math.max(1, Math.floor(x.length / ratio));
  const out = new Float32Array(n);
  const cutoff = Math.min(1, 1 / ratio) * 0.96;
  const half = 12 / cutoff;
  const table = kernel();
  for (let i = 0; i < n; i++) {
    const centre = i * ratio;
    const from = Math.max(0, Math.ceil(centre - half));
    const to = Math.min(x.length - 1, Math.floor(centre + half));
    let sum = 0;
    for (let j = from; j <= to; j++)
      sum += (x[j] as number) * (table[(Math.abs(j - centre) * cutoff * 256) | 0] as number);
    out[i] = sum * cutoff;
  }
  return out;
}

let kernelTable: Float32Array | undefined;

function kernel(): Float32Array {
  if (kernelTable) return kernelTable;
  const table = new Float32Array(12 * 256 + 2);
  for (let i = 0; i < 12 * 256; i++) {
    const t = i / 256;
    const sinc = i === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
    table[i] = sinc * Math.cos((Math.PI * t) / 24) ** 2;
  }
  kernelTable = table;
  return table;
}

function valueAt(curve: Curve, i: number, n: number): number {
  return typeof curve === 'number' ? curve : curve(i / RATE, i / n);
}

function coefficients(kind: FilterKind, frequency: number, q: number): [number, number, number, number, number] {
  const w = (2 * Math.PI * Math.min(7900, Math.max(10, frequency))) / RATE;
  const alpha = Math.sin(w) / (2 * q);
  const cos = Math.cos(w);
  const a0 = 1 + alpha;
  const [b0, b1, b2] =
    kind === 'low'
      ? [(1 - cos) / 2, 1 - cos, (1 - cos) / 2]
      : kind === 'high'
        ? [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2]
        : [alpha, 0, -alpha];
  return [b0 / a0, b1 / a0, b2 / a0, (-2 * cos) / a0, (1 - alpha) / a0];
}
