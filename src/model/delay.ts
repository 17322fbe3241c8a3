/**
 * The delay pattern: stream n carries its code of frame t in row t + n, so that within one row no stream depends on
 * another (Copet et al., "Simple and Controllable Music Generation", 2023).
 */
import { BagpiperError } from '../errors.js';
import { codebookSize, codecId, codecPad, type VocabularyConfig } from './vocabulary.js';

/** Rows that `frames` codec frames take. */
export function delayedRows(frames: number, config: VocabularyConfig): number {
  return frames + config.num_stream - 1;
}

/**
 * Codes `[frames, num_stream]` to model ids `[frames + num_stream - 1, num_stream]`, empty places holding the stream's pad.
 *
 * @throws BagpiperError where the codes are no whole number of frames or lie outside the codebook.
 */
export function delayInterleave(codes: ArrayLike<number>, config: VocabularyConfig): Int32Array {
  const streams = config.num_stream;
  const frames = codes.length / streams;
  if (!Number.isInteger(frames)) {
    throw new BagpiperError(`${codes.length} audio codes are no whole number of frames of ${streams} streams.`);
  }
  const rows = delayedRows(frames, config);
  const ids = new Int32Array(rows * streams);
  for (let n = 0; n < streams; n++) {
    const pad = codecPad(config, n);
    for (let row = 0; row < rows; row++) {
      const t = row - n;
      ids[row * streams + n] = t < 0 || t >= frames ? pad : codecId(config, n, codes[t * streams + n]);
    }
  }
  return ids;
}

/**
 * Model ids `[rows, num_stream]` back to codes `[rows - num_stream + 1, num_stream]`. A pad inside becomes code 0 and any
 * other id is clipped into the stream's codebook, as upstream does. Too few rows for one frame give no codes.
 *
 * @throws BagpiperError where the ids are no whole number of rows.
 */
export function delayDeinterleave(ids: ArrayLike<number>, config: VocabularyConfig): Int32Array {
  const streams = config.num_stream;
  const rows = ids.length / streams;
  if (!Number.isInteger(rows)) {
    throw new BagpiperError(`${ids.length} audio ids are no whole number of rows of ${streams} streams.`);
  }
  const frames = Math.max(0, rows - streams + 1);
  const codes = new Int32Array(frames * streams);
  const size = codebookSize(config);
  for (let n = 0; n < streams; n++) {
    const pad = codecPad(config, n);
    for (let t = 0; t < frames; t++) {
      const local = ids[(t + n) * streams + n] - pad;
      codes[t * streams + n] = Math.min(Math.max(local, 1), size) - 1;
    }
  }
  return codes;
}
