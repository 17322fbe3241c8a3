/**
 * The decoder of the small model's codec: the sum of a frame's code vectors passes residual convolutions at 25 frames a
 * second, is spread to four spectra, passes more at 100 a second, and becomes magnitude and phase of short spectra, which
 * an inverse Fourier transform with overlap-add turns into samples (after Vocos, Siuzdak 2023, but without its
 * discriminators). No operation pads: frames of context go in around the wanted ones and are used up.
 */
import {
  add,
  concat,
  div,
  exp,
  gelu,
  linear,
  matmul,
  maximum,
  mul,
  neg,
  reshape,
  rmsNorm,
  slice,
  sqrt,
  square,
  type Tensor,
} from '../../graph/index.js';
import {
  BINS,
  FINE_KERNEL,
  fineContext,
  HOP,
  KERNEL,
  type NanoCodecConfig,
  OVERLAP,
  SUB_FRAMES,
  SUB_HOP,
  WINDOW,
} from './nano-config.js';
import { inverseBasis } from './spectrum.js';

const EPSILON = 1e-6;
/** Magnitudes stay below e^2: full scale has 1/2, mixtures clip before they come near. */
const LOUDEST = 2;

/** What the head predicts: natural log of magnitudes, and unit vectors of phases; each [batch, spectra, 321]. */
export interface Spectra {
  logMagnitude: Tensor;
  real: Tensor;
  imaginary: Tensor;
}

function affine(x: Tensor, name: string, outputs: number): Tensor {
  const g = x.graph;
  return add(linear(x, g.parameter(`${name}.weight`, [outputs, x.size(-1)])), g.parameter(`${name}.bias`, [outputs]));
}

/** A residual block over [batch, time, channels] that shortens time by kernel - 1. */
function block(x: Tensor, name: string, kernel: number): Tensor {
  const [channels, time] = [x.size(2), x.size(1)];
  const short = time - kernel + 1;
  const y = rmsNorm(x, x.graph.parameter(`${name}.norm.weight`, [channels]), EPSILON);
  const near = concat(
    Array.from({ length: kernel }, (_, i) => slice(y, 1, i, i + short)),
    2,
  );
  const middle = gelu(affine(near, `${name}.conv`, channels));
  return add(slice(x, 1, (kernel - 1) / 2, (kernel - 1) / 2 + short), affine(middle, `${name}.out`, channels));
}

/**
 * The network, from vectors of frames [batch, frames + 2 context, dims] to spectra of the middle `frames` frames and
 * {@link OVERLAP} more on each side.
 */
export function decoderSpectra(z: Tensor, config: NanoCodecConfig): Spectra {
  const { width, blocks, fine_width, fine_blocks } = config;
  let x = affine(z, 'decoder.in', width);
  for (let i = 0; i < blocks; i++) x = block(x, `decoder.blocks.${i}`, KERNEL);
  const [batch, frames] = [x.size(0), x.size(1)];
  let y = reshape(affine(x, 'decoder.expand', SUB_FRAMES * fine_width), [batch, frames * SUB_FRAMES, fine_width]);
  const spare = fineContext(fine_blocks) * SUB_FRAMES - ((FINE_KERNEL - 1) / 2) * fine_blocks - OVERLAP;
  y = slice(y, 1, spare, frames * SUB_FRAMES - spare);
  for (let i = 0; i < fine_blocks; i++) y = block(y, `decoder.fine.${i}`, FINE_KERNEL);
  const g = y.graph;
  const out = affine(rmsNorm(y, g.parameter('decoder.norm.weight', [fine_width]), EPSILON), 'decoder.head', 3 * BINS);
  const part = (i: number): Tensor => slice(out, 2, i * BINS, (i + 1) * BINS);
  const [a, b] = [part(1), part(2)];
  const length = sqrt(add(add(square(a), square(b)), EPSILON));
  const logMagnitude = neg(maximum(neg(part(0)), -LOUDEST));
  return { logMagnitude, real: div(a, length), imaginary: div(b, length) };
}

/** Spectra of `frames` frames and {@link OVERLAP} on each side -> samples [batch, frames * 640]. */
export function synthesize({ logMagnitude, real, imaginary }: Spectra): Tensor {
  const g = logMagnitude.graph;
  const magnitude = exp(logMagnitude);
  const [batch, spectra] = [magnitude.size(0), magnitude.size(1)];
  const both = reshape(concat([mul(magnitude, real), mul(magnitude, imaginary)], 2), [batch * spectra, 2 * BINS]);
  const pieces = matmul(both, g.constant(inverseBasis(WINDOW), [2 * BINS, WINDOW]));
  return overlapAdd(reshape(pieces, [batch, spectra, WINDOW]));
}

/**
 * Adds windows 160 samples apart. The first of `4 frames + 4` windows begins 560 samples before the result, so each
 * quarter of a window falls on its own grid of hops, which lies 80 samples off the result's.
 */
function overlapAdd(pieces: Tensor): Tensor {
  const [batch, spectra] = [pieces.size(0), pieces.size(1)];
  const hops = spectra - 3;
  const quarters = WINDOW / SUB_HOP;
  let sum: Tensor | undefined;
  for (let q = 0; q < quarters; q++) {
    const quarter = slice(pieces, 2, q * SUB_HOP, (q + 1) * SUB_HOP);
    const shifted = slice(quarter, 1, quarters - 1 - q, quarters - 1 - q + hops);
    sum = sum ? add(sum, shifted) : shifted;
  }
  const samples = ((spectra - 2 * OVERLAP) / SUB_FRAMES) * HOP;
  return slice(reshape(sum!, [batch, hops * SUB_HOP]), 1, SUB_HOP / 2, SUB_HOP / 2 + samples);
}
