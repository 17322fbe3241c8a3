/**
 * Numbers that tell sounds apart without any learning: what a piece of music is played on, how fast it is, and what a moment
 * sounds like. Samples are at 16 kHz mono; levels do not matter.
 */
import { melBank } from '../../audio/index.js';
import { stft } from '../../audio/stft.js';

const RATE = 16000;
/** Windows of 32 ms every 10 ms. */
const SIZE = 512;
const HOP = 160;
export const FRAMES_A_SECOND = RATE / HOP;
const BANDS = 40;
/** Band energies end this far below the loudest one of the sound. */
const FLOOR_DB = 70;

/** Log energies of mel bands in dB below the loudest: `[frames][bands]`, from -70 to 0. Empty for silence. */
export function logMelFrames(samples: Float32Array): Float64Array[] {
  const bank = melBank(BANDS, SIZE, RATE);
  const { re, im, frames, bins } = stft(samples, SIZE, HOP);
  const power = new Float64Array(bins);
  let top = 0;
  const out = Array.from({ length: frames }, (_, t) => {
    for (let k = 0; k < bins; k++) power[k] = re[t * bins + k] ** 2 + im[t * bins + k] ** 2;
    const row = new Float64Array(BANDS);
    bank.apply(power, row);
    for (const x of row) top = Math.max(top, x);
    return row;
  });
  if (top === 0) return [];
  return out.map((row) => row.map((x) => Math.max(-FLOOR_DB, 10 * Math.log10(Math.max(x, 1e-30) / top))));
}

/** Mean level of a frame in dB. */
const level = (frame: Float64Array): number => 10 * Math.log10(frame.reduce((sum, x) => sum + 10 ** (x / 10), 0));

/** Cosine transform of a log spectrum: coefficients 0 to `count` - 1. */
function cepstrum(frame: ArrayLike<number>, count: number): number[] {
  const n = frame.length;
  return Array.from({ length: count }, (_, d) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += frame[k] * Math.cos((Math.PI * d * (k + 0.5)) / n);
    return sum / n;
  });
}

const CEPSTRA = 20;
/** Music frames quieter than the loudest by more than this are left out. */
const ACTIVE_DB = 35;

/**
 * Timbre: mean and spread of 20 mel cepstra over active frames, spread of their change from frame to frame, and quantiles of
 * the rise and fall of the level (struck notes rise fast and die away; blown ones hold).
 * @returns null for silence
 */
export function timbreFeatures(samples: Float32Array): number[] | null {
  const frames = logMelFrames(samples);
  if (frames.length === 0) return null;
  const levels = frames.map(level);
  const top = Math.max(...levels);
  const active = frames.map((_, t) => levels[t] > top - ACTIVE_DB);
  const cepstra = frames.map((frame) => cepstrum(frame, CEPSTRA));
  const kept = cepstra.filter((_, t) => active[t]);
  if (kept.length < 2) return null;
  const changes = cepstra.flatMap((c, t) =>
    t > 2 && active[t] && active[t - 2] ? [c.map((x, d) => x - cepstra[t - 2][d])] : [],
  );
  const slopes = levels.flatMap((x, t) => (t > 2 && active[t] && active[t - 2] ? [x - levels[t - 2]] : []));
  const quantiles = [0.05, 0.25, 0.5, 0.75, 0.95].map((q) => quantile(slopes, q));
  return [
    ...columns(kept).flatMap((column) => [meanOf(column), Math.log(0.1 + spread(column))]),
    ...columns(changes.length > 0 ? changes : [new Array<number>(CEPSTRA).fill(0)]).map((column) =>
      Math.log(0.1 + spread(column)),
    ),
    ...quantiles,
  ];
}

/** Seconds of lag between which onsets are compared, and how many steps of equal ratio. */
const [SHORTEST, LONGEST, STEPS] = [0.15, 2.2, 48] as const;

/**
 * Tempo: the autocorrelation of the onset strength (half-wave rectified rise of log mel bands, as in Ellis 2007) at 48 lags from
 * 0.15 to 2.2 s, relative to lag 0, and the log of the number of onsets a second.
 * @returns null for silence
 */
export function tempoFeatures(samples: Float32Array): number[] | null {
  const strength = onsetStrength(logMelFrames(samples));
  if (strength.length < 50) return null;
  const mean = meanOf(strength);
  const x = strength.map((s) => s - mean);
  const whole = x.reduce((sum, s) => sum + s * s, 0);
  if (whole === 0) return null;
  const at = (lag: number): number => {
    let sum = 0;
    for (let t = lag; t < x.length; t++) sum += x[t] * x[t - lag];
    return lag < x.length ? (sum / whole) * (x.length / (x.length - lag)) : 0;
  };
  const edges = Array.from(
    { length: STEPS + 1 },
    (_, i) => FRAMES_A_SECOND * SHORTEST * (LONGEST / SHORTEST) ** (i / STEPS),
  );
  const all = Array.from({ length: Math.ceil(edges[STEPS]) + 1 }, (_, lag) => at(lag));
  const peaks = edges.slice(1).map((to, i) => Math.max(...all.slice(Math.floor(edges[i]), Math.ceil(to) + 1)));
  return [...peaks, Math.log(0.1 + onsets(strength).length / (strength.length / FRAMES_A_SECOND))];
}

/** How much louder the bands of {@link logMelFrames} get, in dB a band, frame by frame (10 ms). */
export function onsetStrength(frames: readonly Float64Array[]): number[] {
  return frames.map((frame, t) =>
    t < 2 ? 0 : frame.reduce((sum, x, k) => sum + Math.max(0, x - frames[t - 2][k]), 0) / BANDS,
  );
}

/** Frames of onsets: peaks of the onset strength within 50 ms that stand out of the half second around. */
export function onsets(strength: readonly number[]): number[] {
  return strength.flatMap((s, t) => {
    const near = strength.slice(Math.max(0, t - 5), t + 6);
    const around = strength.slice(Math.max(0, t - 25), t + 26);
    return s > 0 && s === Math.max(...near) && s > 1.5 * meanOf(around) + 0.5 ? [t] : [];
  });
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

function spread(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((x) => (x - mean) ** 2)));
}

function columns(rows: readonly (readonly number[])[]): number[][] {
  return rows[0].map((_, d) => rows.map((row) => row[d]));
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}
