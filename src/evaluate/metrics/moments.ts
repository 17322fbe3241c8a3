/** What begins at a moment of a sound, as numbers for {@link fitClasses}: its spectrum unfolding over 0.6 s, and how it beats. */
import { logMelFrames, onsetStrength, onsets } from './features.js';

/** Frames of 10 ms after the moment over which spectra are averaged: short at first, where sounds differ most. */
const SLICES = [
  [0, 3],
  [3, 8],
  [8, 16],
  [16, 32],
  [32, 60],
] as const;
/** Energies end this far below the loudest of the moment's 0.6 s. */
const DEPTH_DB = 45;
/** Frames over which the envelope is compared with itself, and at which lags. */
const ENVELOPE = 80;
const LAGS = [2, 3, 4, 6, 8, 11, 15, 20, 28, 40] as const;
/** Moments in whose first 0.2 s everything is further below the clip's loudest than this are silence. */
const SILENT_DB = 30;

/** Log-mel frames of a sound that moments are taken from. */
export type Frames = readonly Float64Array[];

/**
 * @param frames of {@link logMelFrames} @param at frame at which the moment begins; beyond the ends there is silence
 * @returns 20 bands in 5 slices, 11 numbers of the envelope, and peakiness and change of the spectrum in three stretches
 */
export function momentFeatures(frames: Frames, at: number): number[] {
  const top = loudest(frames, at, at + 60);
  const near = (t: number): Float64Array | null => frames[t]?.map((x) => Math.max(-DEPTH_DB, x - top)) ?? null;
  const moment = Array.from({ length: ENVELOPE + 1 }, (_, i) => near(at - 1 + i));
  const frame = (t: number): Float64Array | null => moment[t + 1];
  return [...spectra(frame), ...envelope(frame), ...shapes(frame)];
}

type FrameAt = (t: number) => Float64Array | null;

function spectra(frame: FrameAt): number[] {
  return SLICES.flatMap(([from, to]) => {
    const bands = new Array<number>(20).fill(0);
    for (let t = from; t < to; t++) {
      const f = frame(t);
      for (let k = 0; k < bands.length; k++) {
        bands[k] += (f ? (f[2 * k] + f[2 * k + 1]) / 2 : -DEPTH_DB) / (to - from);
      }
    }
    return bands;
  });
}

/** Autocorrelation of the level around its mean, and how much it varies. */
function envelope(frame: FrameAt): number[] {
  const levels = Array.from({ length: ENVELOPE }, (_, t) => Math.max(-DEPTH_DB, ...(frame(t) ?? [])));
  const mean = levels.reduce((sum, x) => sum + x, 0) / ENVELOPE;
  const x = levels.map((level) => level - mean);
  const whole = x.reduce((sum, d) => sum + d * d, 1);
  const beats = LAGS.map((lag) => {
    let sum = 0;
    for (let t = lag; t < ENVELOPE; t++) sum += x[t] * x[t - lag];
    return (20 * sum) / whole;
  });
  return [...beats, Math.sqrt(whole / ENVELOPE)];
}

/** How far the loudest band stands out, and how much bands change from frame to frame. */
function shapes(frame: FrameAt): number[] {
  return (
    [
      [0, 8],
      [8, 24],
      [24, 60],
    ] as const
  ).flatMap(([from, to]) => {
    let [peak, change, count] = [0, 0, 0];
    for (let t = from; t < to; t++) {
      const [f, before] = [frame(t), frame(t - 1)];
      if (!f) continue;
      count++;
      peak += Math.max(...f) - f.reduce((sum, x) => sum + x, 0) / f.length;
      if (before) change += f.reduce((sum, x, k) => sum + Math.abs(x - before[k]), 0) / f.length;
    }
    return count > 0 ? [peak / count, change / count] : [0, 0];
  });
}

function loudest(frames: Frames, from: number, to: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let t = Math.max(0, from); t < Math.min(to, frames.length); t++) top = Math.max(top, ...frames[t]);
  return top;
}

/** Frames at which something may begin: onsets that are no silence, each taken exactly and 20 ms earlier. */
export function moments(samples: Float32Array): { frames: Frames; at: number[] } {
  const frames = logMelFrames(samples);
  const found = onsets(onsetStrength(frames)).flatMap((t) => [t - 1, t - 3]);
  const at = (found.length > 0 ? found : [0]).filter((t) => loudest(frames, t, t + 20) > -SILENT_DB);
  return { frames, at };
}
