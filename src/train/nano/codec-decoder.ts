/** The codec's decoder as a training graph, its initial weights, and its batches: random pieces of coded clips. */
import {
  abs,
  add,
  concat,
  type Graph,
  log,
  matmul,
  meanAll,
  mul,
  reshape,
  slice,
  square,
  sub,
  type Tensor,
} from '../../graph/index.js';
import { codeVectors, silentVectors } from '../../model/codec/nano.js';
import {
  BINS,
  codecContext,
  decoderTensors,
  HOP,
  type NanoCodecConfig,
  OVERLAP,
  SUB_HOP,
  WINDOW,
} from '../../model/codec/nano-config.js';
import { decoderSpectra, synthesize } from '../../model/codec/nano-decoder.js';
import { forwardBasis } from '../../model/codec/spectrum.js';
import type { Random } from '../../random.js';
import type { Value } from '../../runtime/index.js';
import type { Clip } from './codec-data.js';
import { codecLoss } from './codec-loss.js';

/** A clip with its codes [frames, codebooks]. */
export interface CodedClip extends Clip {
  codes: Uint8Array | Int32Array;
}

export interface PieceSizes {
  /** pieces in a batch, and frames of each (a multiple of 2: whole hops of every loss window) */
  pieces: number;
  frames: number;
}

/** Normal weights scaled by the inputs' number; residual branches start small, magnitudes near those of quiet sound. */
export function initialDecoder(config: NanoCodecConfig, random: Random): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const [name, shape] of decoderTensors(config)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(size);
    if (name.endsWith('norm.weight')) data.fill(1);
    else if (name === 'decoder.head.bias') data.fill(-7, 0, BINS);
    else if (shape.length === 2) {
      const scale = (name.endsWith('.out.weight') ? 0.3 : 1) / Math.sqrt(shape[1]);
      for (let i = 0; i < size; i++) data[i] = random.normal() * scale;
    }
    values.set(name, data);
  }
  return values;
}

/** Weight of the head's own magnitudes beside the loss of the wave. */
const HEAD_WEIGHT = 0.5;

/** Inputs `z` [pieces, frames + 2 context, dims] and `wave` [pieces, frames * 640] -> scalars; parameters by name. */
export function decoderTraining(
  graph: Graph,
  config: NanoCodecConfig,
  { pieces, frames }: PieceSizes,
): { loss: Tensor } & Record<string, Tensor> {
  const z = graph.input('z', 'float32', [pieces, frames + 2 * codecContext(config), config.dims]);
  const target = graph.input('wave', 'float32', [pieces, frames * HOP]);
  const spectra = decoderSpectra(z, config);
  const parts = codecLoss(synthesize(spectra), target);
  const head = headLoss(spectra.logMagnitude, target);
  return { ...parts, head, loss: add(parts.loss, mul(head, HEAD_WEIGHT)) };
}

/** The predicted magnitudes against the target's own, where its windows lie within the piece. */
function headLoss(logMagnitude: Tensor, target: Tensor): Tensor {
  const g = target.graph;
  const [batch, samples] = [target.size(0), target.size(1)];
  // The windows of sub-frames 2, 3 ...: sub-frame s begins 240 samples before 160 s.
  const lead = 2 * SUB_HOP - (WINDOW - SUB_HOP) / 2;
  const hops = Math.floor((samples - lead) / SUB_HOP);
  const grid = reshape(slice(target, 1, lead, lead + hops * SUB_HOP), [batch, hops, SUB_HOP]);
  const count = hops - WINDOW / SUB_HOP + 1;
  const windows = Array.from({ length: WINDOW / SUB_HOP }, (_, q) => slice(grid, 1, q, q + count));
  const rows = reshape(concat(windows, 2), [batch * count, WINDOW]);
  const spectrum = matmul(rows, g.constant(forwardBasis(WINDOW), [WINDOW, 2 * BINS]));
  const power = add(square(slice(spectrum, 1, 0, BINS)), square(slice(spectrum, 1, BINS, 2 * BINS)));
  const wanted = reshape(mul(log(add(power, 1e-8)), 0.5), [batch, count, BINS]);
  return meanAll(abs(sub(slice(logMagnitude, 1, OVERLAP + 2, OVERLAP + 2 + count), wanted)));
}

/**
 * Random pieces of clips, each clip as likely as it is long: what the graph of {@link decoderTraining} takes. What lies
 * before and after a clip is silence, as in decoding.
 */
export class Pieces {
  private readonly ends: number[] = [];
  private readonly silence: Float32Array;
  private readonly context: number;
  private total = 0;

  constructor(
    private readonly clips: readonly CodedClip[],
    private readonly tensors: ReadonlyMap<string, Float32Array>,
    private readonly config: NanoCodecConfig,
    private readonly sizes: PieceSizes,
  ) {
    for (const { codes } of clips) {
      this.total += codes.length / config.codebooks;
      this.ends.push(this.total);
    }
    this.context = codecContext(config);
    this.silence = silentVectors(sizes.frames + 2 * this.context, tensors, config);
  }

  /** One batch. */
  draw(random: Random): Record<string, Value> {
    const { pieces, frames } = this.sizes;
    const { dims } = this.config;
    const rows = frames + 2 * this.context;
    const z = new Float32Array(pieces * rows * dims);
    const wave = new Float32Array(pieces * frames * HOP);
    for (let i = 0; i < pieces; i++) {
      const at = random.int(this.total);
      const clip = this.clips[this.clipAt(at)];
      const length = clip.codes.length / this.config.codebooks;
      const start = random.int(Math.max(1, length - frames + 1));
      this.fillVectors(z.subarray(i * rows * dims, (i + 1) * rows * dims), clip, start - this.context);
      const samples = clip.samples.subarray(start * HOP, (start + frames) * HOP);
      for (let k = 0; k < samples.length; k++) wave[i * frames * HOP + k] = samples[k] / 32768;
    }
    return {
      z: { data: z, dims: [pieces, rows, dims] },
      wave: { data: wave, dims: [pieces, frames * HOP] },
    };
  }

  private fillVectors(out: Float32Array, { codes }: CodedClip, start: number): void {
    const { codebooks, dims } = this.config;
    out.set(this.silence);
    const low = Math.max(0, start);
    const high = Math.min(codes.length / codebooks, start + out.length / dims);
    if (high <= low) return;
    const part = codes.subarray(low * codebooks, high * codebooks);
    out.set(codeVectors(part, this.tensors, this.config), (low - start) * dims);
  }

  private clipAt(frame: number): number {
    let low = 0;
    let high = this.ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] > frame) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
