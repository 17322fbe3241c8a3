/** One-dimensional convolutions over [batch, channels, time] with named parameters, and how far they see. */
import { conv, convTranspose, type Tensor } from '../graph/index.js';

/** A convolution of one axis. */
export interface Window {
  kernel: number;
  stride?: number;
  /** zeros before the first and after the last step */
  padding?: number;
  dilation?: number;
}

export interface Conv1dOptions extends Window {
  /** zeros after the last step, where they are not `padding` */
  paddingEnd?: number;
  groups?: number;
  /** Default true. */
  bias?: boolean;
}

/**
 * x [batch, in, time] -> [batch, outputs, time'], named like a PyTorch Conv1d: `${name}.weight` [outputs, in / groups,
 * kernel] and `${name}.bias` [outputs].
 */
export function conv1d(x: Tensor, name: string, outputs: number, options: Conv1dOptions): Tensor {
  const { kernel, stride = 1, padding = 0, paddingEnd = padding, dilation = 1, groups = 1, bias = true } = options;
  const weight = x.graph.parameter(`${name}.weight`, [outputs, x.size(1) / groups, kernel]);
  const b = bias ? x.graph.parameter(`${name}.bias`, [outputs]) : null;
  const axis = { stride: [stride], padding: [padding], paddingEnd: [paddingEnd], dilation: [dilation] };
  return conv(x, weight, b, { ...axis, groups });
}

/**
 * The transposed convolution: x [batch, in, time] -> [batch, outputs, time'], named like a PyTorch ConvTranspose1d:
 * `${name}.weight` [in, outputs, kernel] and `${name}.bias` [outputs]. `outputPadding` adds steps at the end only.
 */
export function convTranspose1d(
  x: Tensor,
  name: string,
  outputs: number,
  { kernel, stride = 1, padding = 0, outputPadding = 0 }: Omit<Window, 'dilation'> & { outputPadding?: number },
): Tensor {
  const weight = x.graph.parameter(`${name}.weight`, [x.size(1), outputs, kernel]);
  const axis = { stride: [stride], padding: [padding], outputPadding: [outputPadding] };
  return convTranspose(x, weight, x.graph.parameter(`${name}.bias`, [outputs]), axis);
}

/** Steps that a convolution makes of `length` steps; below 1 where there are too few. */
export function convLength(length: number, { kernel, stride = 1, padding = 0, dilation = 1 }: Window): number {
  return Math.floor((length + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** The first and the last of some steps. */
export type Reach = readonly [first: number, last: number];

/** The steps of a convolution's input that its output steps [first, last] see, those in the padding included. */
export function convReach([first, last]: Reach, { kernel, stride = 1, padding = 0, dilation = 1 }: Window): Reach {
  return [first * stride - padding, last * stride - padding + dilation * (kernel - 1)];
}

/** As {@link convReach}, of a transposed convolution. */
export function convTransposeReach([first, last]: Reach, { kernel, stride = 1, padding = 0 }: Window): Reach {
  return [Math.ceil((first + padding - kernel + 1) / stride), Math.floor((last + padding) / stride)];
}
