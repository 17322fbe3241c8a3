/**
 * The encoder of the small model's codec: four log-mel spectra make a frame, a linear projection (principal components,
 * found by the trainer) shortens it, and codebooks quantize it one after the other, each what the ones before left over
 * (residual vector quantization). Nothing here is random, and the first codebooks carry the coarse content.
 */
import { add, type Graph, log, matmul, reshape, slice, square, sub, type Tensor } from '../../graph/index.js';
import { residualCodes } from '../../nn/index.js';
import { BINS, HOP, type NanoCodecConfig, RATE, SUB_FRAMES, SUB_HOP, WINDOW } from './nano-config.js';
import { forwardBasis, melMatrix } from './spectrum.js';

/** Power of a band that counts as silence: 80 dB below a full-scale sine's band, roughly. Silence has features 0. */
const FLOOR = 1e-8;
/** Samples of a window before the start of its sub-frame. */
const LEAD = (WINDOW - SUB_HOP) / 2;

/** Frames that a clip has: the last one is filled up with silence. */
export const frameCount = (samples: number): number => Math.ceil(samples / HOP);

/**
 * The windows of frames [from, to): each sub-frame's window is centred on it, silence beyond the clip's ends.
 * @returns [(to - from) * 4, 640]
 */
export function windows(samples: Float32Array, from: number, to: number): Float32Array {
  const rows = (to - from) * SUB_FRAMES;
  const out = new Float32Array(rows * WINDOW);
  for (let r = 0; r < rows; r++) {
    const start = (from * SUB_FRAMES + r) * SUB_HOP - LEAD;
    const low = Math.max(0, start);
    const high = Math.min(samples.length, start + WINDOW);
    if (high > low) out.set(samples.subarray(low, high), r * WINDOW + low - start);
  }
  return out;
}

/** Windows [rows, 640] -> log-mel features of frames [rows / 4, 4 * bands], 0 where silent, about 18 at full scale. */
export function frameFeatures(x: Tensor, bands: number, frames: number | string): Tensor {
  const g = x.graph;
  const spectrum = matmul(x, g.constant(forwardBasis(WINDOW), [WINDOW, 2 * BINS]));
  const power = add(square(slice(spectrum, 1, 0, BINS)), square(slice(spectrum, 1, BINS, 2 * BINS)));
  const mel = matmul(power, g.constant(melMatrix(bands, WINDOW, RATE), [BINS, bands]));
  const loudness = sub(log(add(mel, FLOOR)), Math.log(FLOOR));
  return reshape(loudness, [frames, SUB_FRAMES * bands]);
}

/** Input `windows` [rows, 640] -> outputs `codes0`, `codes1` ... int64 [frames]; parameters by their tensor names. */
export function encoderGraph(graph: Graph, config: NanoCodecConfig): void {
  const { mel_bands, dims, codebooks, codebook_size } = config;
  const x = graph.input('windows', 'float32', ['rows', WINDOW]);
  const features = frameFeatures(x, mel_bands, 'frames');
  const centred = sub(features, graph.parameter('encoder.mean', [SUB_FRAMES * mel_bands]));
  const projection = graph.parameter('encoder.projection', [dims, SUB_FRAMES * mel_bands]);
  const books = Array.from({ length: codebooks }, (_, i) =>
    graph.parameter(`quantizer.codebooks.${i}`, [codebook_size, dims]),
  );
  residualCodes(matmul(centred, projection, { transB: true }), books).forEach((code, i) => {
    graph.output(`codes${i}`, code);
  });
}
