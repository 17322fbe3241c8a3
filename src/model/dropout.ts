/**
 * Condition dropout: now and then a training sample loses everything but one of its audio answers, so that the model also
 * learns audio without a condition, which guidance needs while generating (Ho and Salimans, "Classifier-Free Diffusion
 * Guidance", 2022).
 */
import type { Random } from '../random.js';
import type { BagpiperConfig } from './config.js';
import type { TokenGrid } from './grid.js';

/**
 * Decides whether a sample is dropped and which message survives. One draw is spent on every sample, a second one only
 * where there is something to choose from.
 *
 * @returns the index of the kept message, or null to leave the sample as it is.
 */
export function drawKeptMessage(grid: TokenGrid, config: BagpiperConfig, random: Random): number | null {
  if (random.next() >= config.audio_cfg) return null;
  const answers = grid.segments.filter((segment) => segment.kind === 'codec');
  return answers.length === 0 ? null : random.pick(answers).message;
}

/**
 * A copy of the grid in which only `keptMessage` is left: all other rows, `<bos>` included, are zeros with mask 0, and no
 * row takes encoder vectors. Length and positions stay.
 *
 * @param keepOtherCodes upstream fills codes in after dropping, so the codec rows of other audio answers survive there
 *   (with mask 0); true copies that.
 */
export function dropConditions(grid: TokenGrid, keptMessage: number, keepOtherCodes = false): TokenGrid {
  const streams = grid.ids.length / grid.length;
  const ids = new Int32Array(grid.ids.length);
  const lossMask = new Float32Array(grid.lossMask.length);
  for (const { message, kind, contentStart, contentLength } of grid.segments) {
    if (message === keptMessage) {
      const [from, to] = [(contentStart - 2) * streams, (contentStart + contentLength + 1) * streams];
      ids.set(grid.ids.subarray(from, to), from);
      lossMask.set(grid.lossMask.subarray(from, to), from);
    } else if (keepOtherCodes && kind === 'codec') {
      const [from, to] = [contentStart * streams, (contentStart + contentLength) * streams];
      ids.set(grid.ids.subarray(from, to), from);
    }
  }
  return { length: grid.length, ids, lossMask, continuous: [], segments: grid.segments };
}
