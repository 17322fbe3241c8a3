/**
 * X-Codec's acoustic half, encoder and decoder of the Descript audio codec (Kumar et al. 2023) in Hugging Face's form
 * (`modeling_dac`): strided convolutions between residual units with growing dilation, snake activations, and nothing that
 * looks further than some frames to either side.
 */
import { add, type Tensor } from '../../graph/index.js';
import {
  conv1d,
  convLength,
  convReach,
  convTranspose1d,
  convTransposeReach,
  type Reach,
  snake,
  type Window,
} from '../../nn/index.js';
import type { AcousticConfig } from './xcodec-config.js';

/** Every wide convolution is 7 steps wide. */
const WIDE: Window = { kernel: 7, padding: 3 };
/** The one in front of the encoder's output. */
const NARROW: Window = { kernel: 3, padding: 1 };
/** Of the three residual units of a block. */
const DILATIONS = [1, 3, 9];

const unitWindow = (dilation: number): Window => ({ kernel: 7, padding: 3 * dilation, dilation });
const strideWindow = (stride: number) => ({ kernel: 2 * stride, stride, padding: Math.ceil(stride / 2) });

/** x + conv(snake(wide conv(snake(x)))). */
function residualUnit(x: Tensor, name: string, dilation: number): Tensor {
  const channels = x.size(1);
  const near = conv1d(snake(x, `${name}.snake1`), `${name}.conv1`, channels, unitWindow(dilation));
  return add(x, conv1d(snake(near, `${name}.snake2`), `${name}.conv2`, channels, { kernel: 1 }));
}

function residualUnits(x: Tensor, name: string): Tensor {
  return DILATIONS.reduce((y, dilation, i) => residualUnit(y, `${name}.res_unit${i + 1}`, dilation), x);
}

/** Samples [1, 1, samples] -> [1, hidden_size, frames]. */
export function dacEncoder(samples: Tensor, config: AcousticConfig): Tensor {
  const name = 'acoustic_encoder';
  let channels = config.encoder_hidden_size;
  let x = conv1d(samples, `${name}.conv1`, channels, WIDE);
  for (const [i, stride] of config.downsampling_ratios.entries()) {
    const block = `${name}.block.${i}`;
    channels *= 2;
    x = snake(residualUnits(x, block), `${block}.snake1`);
    x = conv1d(x, `${block}.conv1`, channels, strideWindow(stride));
  }
  return conv1d(snake(x, `${name}.snake1`), `${name}.conv2`, config.hidden_size, NARROW);
}

/** [1, hidden_size, frames] -> samples [1, 1, frames * hop], which may go beyond 1. */
export function dacDecoder(frames: Tensor, config: AcousticConfig): Tensor {
  const name = 'acoustic_decoder';
  let channels = config.decoder_hidden_size;
  let x = conv1d(frames, `${name}.conv1`, channels, WIDE);
  for (const [i, stride] of config.upsampling_ratios.entries()) {
    const block = `${name}.block.${i}`;
    channels /= 2;
    x = snake(x, `${block}.snake1`);
    x = convTranspose1d(x, `${block}.conv_t1`, channels, { ...strideWindow(stride), outputPadding: stride % 2 });
    x = residualUnits(x, block);
  }
  return conv1d(snake(x, `${name}.snake1`), `${name}.conv2`, 1, WIDE);
}

/** Frames that the encoder makes of so many samples; below 1 where there are too few. */
export function dacFrames(samples: number, { downsampling_ratios }: AcousticConfig): number {
  return downsampling_ratios.reduce((length, stride) => convLength(length, strideWindow(stride)), samples);
}

const unitsReach = (reach: Reach): Reach =>
  DILATIONS.reduce((r, dilation) => convReach(r, unitWindow(dilation)), reach);

/** Frames on either side that the samples of one decoded frame depend on. */
export function decoderContext({ upsampling_ratios: ratios }: AcousticConfig): number {
  const hop = ratios.reduce((a, b) => a * b, 1);
  let reach = convReach([0, hop - 1], WIDE);
  for (const stride of [...ratios].reverse()) reach = convTransposeReach(unitsReach(reach), strideWindow(stride));
  const [first, last] = convReach(reach, WIDE);
  return Math.max(-first, last);
}

/** Frames' worth of samples, before a frame's first sample and after its last, that the frame depends on. */
export function encoderContext({ downsampling_ratios: ratios }: AcousticConfig): number {
  const hop = ratios.reduce((a, b) => a * b, 1);
  let reach = convReach([0, 0], NARROW);
  for (const stride of [...ratios].reverse()) reach = unitsReach(convReach(reach, strideWindow(stride)));
  const [first, last] = convReach(reach, WIDE);
  return Math.max(Math.ceil(-first / hop), Math.ceil((last + 1 - hop) / hop));
}
