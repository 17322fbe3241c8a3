/**
 * The heavier operations: matrix products, softmax and its loss, norms, GELU, convolutions. They map to one kernel each in
 * ONNX Runtime; their gradient rules are in gradients.ts.
 */
import { mustFit, type Tensor } from './graph.js';
import { reshape } from './ops.js';

export interface MatmulOptions {
  transA?: boolean;
  transB?: boolean;
  /** factor on the product */
  alpha?: number;
}

/** op(a) op(b) over equal leading axes: [..., m, k] x [..., k, n] -> [..., m, n], each side transposed first where asked. */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transA = false, transB = false, alpha = 1 }: MatmulOptions = {},
): Tensor {
  const [m, k1] = transA ? [a.shape[a.rank - 1], a.shape[a.rank - 2]] : [a.shape[a.rank - 2], a.shape[a.rank - 1]];
  const [k2, n] = transB ? [b.shape[b.rank - 1], b.shape[b.rank - 2]] : [b.shape[b.rank - 2], b.shape[b.rank - 1]];
  const batch = a.shape.slice(0, -2);
  mustFit(k1 === k2 && a.rank === b.rank && batch.join() === b.shape.slice(0, -2).join(), 'matmul', a, b);
  const out = [{ dtype: a.dtype, shape: [...batch, m, n] }];
  if (!transA && !transB && alpha === 1) return a.graph.add('MatMul', [a, b], out)[0];
  const attributes = { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 }, alpha: { float: alpha } };
  return a.graph.add('FusedMatMul', [a, b], out, attributes, 'com.microsoft')[0];
}

/** x [..., in] times the transpose of w [out, in], the layout of PyTorch's Linear: [..., out]. */
export function linear(x: Tensor, w: Tensor): Tensor {
  mustFit(w.rank === 2 && x.shape[x.rank - 1] === w.shape[1], 'linear', x, w);
  if (x.rank === 2) return matmul(x, w, { transB: true });
  const outer = x.shape.slice(0, -1);
  if (outer.every((d) => typeof d === 'number')) {
    const rows = (outer as number[]).reduce((a, b) => a * b, 1);
    return reshape(matmul(reshape(x, [rows, x.size(-1)]), w, { transB: true }), [...outer, w.shape[0]]);
  }
  const attributes = { transA: { int: 0 }, transB: { int: 1 }, alpha: { float: 1 } };
  const shape = [...outer, w.shape[0]];
  return x.graph.add('FusedMatMul', [x, w], [{ dtype: x.dtype, shape }], attributes, 'com.microsoft')[0];
}

/** Over the last axis. */
export function softmax(x: Tensor): Tensor {
  return x.graph.add('Softmax', [x], [{ dtype: x.dtype, shape: x.shape }], { axis: { int: -1 } })[0];
}

/** Over the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  return x.graph.add('LogSoftmax', [x], [{ dtype: x.dtype, shape: x.shape }], { axis: { int: -1 } })[0];
}

/** One element of each row: x [n, v], index int64 [n] -> [n]. */
export function pick(x: Tensor, index: Tensor): Tensor {
  mustFit(x.rank === 2 && index.rank === 1 && index.shape[0] === x.shape[0], 'pick', x, index);
  const column = reshape(index, [index.shape[0], 1]);
  const [taken] = x.graph.add('GatherElements', [x, column], [{ dtype: x.dtype, shape: column.shape }], {
    axis: { int: 1 },
  });
  return reshape(taken, [index.shape[0]]);
}

/** x / sqrt(mean(x^2) + epsilon) * w over the last axis (Zhang and Sennrich 2019). */
export function rmsNorm(x: Tensor, w: Tensor, epsilon: number): Tensor {
  mustFit(w.rank === 1 && w.shape[0] === x.shape[x.rank - 1], 'rmsNorm', x, w);
  const scale = [...x.shape.slice(0, -1), 1];
  const outputs = [x.shape, scale].map((shape) => ({ dtype: x.dtype, shape }));
  return x.graph.add('SimplifiedLayerNormalization', [x, w], outputs, {
    axis: { int: -1 },
    epsilon: { float: epsilon },
    stash_type: { int: 1 },
  })[0];
}

/**
 * Rotary positions: the halves (u, v) of each head become (u cos - v sin, v cos + u sin).
 *
 * @param x [batch, rows, heads, headDim], sizes fixed
 * @param cos, sin [batch, rows, 1, headDim / 2]
 */
export function rotary(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const [batch, rows, heads, size] = x.shape.map((_, i) => x.size(i));
  const angles = [batch, rows, 1, size / 2].join();
  mustFit(x.rank === 4 && cos.shape.join() === angles && sin.shape.join() === angles, 'rotary', x, cos, sin);
  // The kernel looks angles up by position; here each row of the batch has its own.
  const places = BigInt64Array.from({ length: batch * rows }, (_, i) => BigInt(i));
  const inputs = [
    reshape(x, [batch, rows, heads * size]),
    x.graph.constant(places, [batch, rows]),
    reshape(cos, [batch * rows, size / 2]),
    reshape(sin, [batch * rows, size / 2]),
  ];
  const output = { dtype: x.dtype, shape: inputs[0].shape };
  const [turned] = x.graph.add('RotaryEmbedding', inputs, [output], { interleaved: { int: 0 } }, 'com.microsoft');
  return reshape(turned, x.shape);
}

/** (x - mean) / sqrt(var + epsilon) * w + b over the last axis. */
export function layerNorm(x: Tensor, w: Tensor, b: Tensor, epsilon: number): Tensor {
  mustFit(w.rank === 1 && w.shape[0] === x.shape[x.rank - 1], 'layerNorm', x, w);
  const row = [...x.shape.slice(0, -1), 1];
  const outputs = [x.shape, row, row].map((shape) => ({ dtype: x.dtype, shape }));
  return x.graph.add('LayerNormalization', [x, w, b], outputs, { axis: { int: -1 }, epsilon: { float: epsilon } })[0];
}

/** Exact GELU: x/2 (1 + erf(x / sqrt 2)). */
export function gelu(x: Tensor): Tensor {
  return x.graph.add('Gelu', [x], [{ dtype: x.dtype, shape: x.shape }], {}, 'com.microsoft')[0];
}

/** x sigmoid(x). */
export function silu(x: Tensor): Tensor {
  return x.graph.add(
    'QuickGelu',
    [x],
    [{ dtype: x.dtype, shape: x.shape }],
    { alpha: { float: 1 } },
    'com.microsoft',
  )[0];
}

/**
 * Softmax attention in which every row sees every row, without a mask: queries, keys, values [batch, rows, width] whose
 * `heads` are contiguous slices of the width, scores times (width / heads)^-0.5. ONNX Runtime goes over the rows in blocks,
 * so memory grows with their number and not with its square. Without gradient.
 */
export function attention(queries: Tensor, keys: Tensor, values: Tensor, heads: number): Tensor {
  const fits = queries.rank === 3 && keys.shape.join() === values.shape.join() && queries.size(2) === keys.size(2);
  mustFit(fits && queries.shape[0] === keys.shape[0] && queries.size(2) % heads === 0, 'attention', queries, keys);
  const output = { dtype: queries.dtype, shape: queries.shape };
  const attributes = { num_heads: { int: heads } };
  return queries.graph.add('MultiHeadAttention', [queries, keys, values], [output], attributes, 'com.microsoft')[0];
}

export interface ConvOptions {
  stride?: readonly number[];
  /** zeros on both sides of each spatial axis */
  padding?: readonly number[];
  /** zeros at the end of each spatial axis where they are not as many; a convolution without gradients */
  paddingEnd?: readonly number[];
  dilation?: readonly number[];
  groups?: number;
}

/** Convolution over 1 or 2 spatial axes: x [batch, in, ...], w [out, in / groups, ...], b [out]. */
export function conv(x: Tensor, w: Tensor, b: Tensor | null, options: ConvOptions = {}): Tensor {
  const spatial = w.rank - 2;
  const ones = new Array<number>(spatial).fill(1);
  const { stride = ones, padding = ones.map(() => 0), paddingEnd = padding, dilation = ones, groups = 1 } = options;
  mustFit(x.rank === w.rank && x.size(1) === w.size(1) * groups, 'conv', x, w);
  const sizes = ones.map((_, i) => {
    const size = x.shape[i + 2];
    const zeros = padding[i] + paddingEnd[i];
    const reach = dilation[i] * (w.size(i + 2) - 1) + 1;
    if (typeof size === 'number') return Math.floor((size + zeros - reach) / stride[i]) + 1;
    return stride[i] === 1 && zeros === reach - 1 ? size : `conv(${size})`;
  });
  const shape = [x.shape[0], w.size(0), ...sizes];
  return x.graph.add('Conv', b ? [x, w, b] : [x, w], [{ dtype: x.dtype, shape }], {
    strides: { ints: stride },
    pads: { ints: [...padding, ...paddingEnd] },
    dilations: { ints: dilation },
    group: { int: groups },
  })[0];
}

/** The adjoint of {@link conv}: x [batch, in, ...], w [in, out / groups, ...], with `outputPadding` zeros' worth more at the end. */
export function convTranspose(
  x: Tensor,
  w: Tensor,
  b: Tensor | null,
  options: Omit<ConvOptions, 'paddingEnd'> & { outputPadding?: readonly number[] } = {},
): Tensor {
  const spatial = w.rank - 2;
  const ones = new Array<number>(spatial).fill(1);
  const zeros = ones.map(() => 0);
  const { stride = ones, padding = zeros, dilation = ones, groups = 1, outputPadding = zeros } = options;
  mustFit(x.rank === w.rank && x.size(1) === w.size(0), 'convTranspose', x, w);
  const sizes = ones.map((_, i) => {
    const size = x.shape[i + 2];
    if (typeof size !== 'number') return `convTranspose(${size})`;
    return (size - 1) * stride[i] - 2 * padding[i] + dilation[i] * (w.size(i + 2) - 1) + outputPadding[i] + 1;
  });
  const shape = [x.shape[0], w.size(1) * groups, ...sizes];
  return x.graph.add('ConvTranspose', b ? [x, w, b] : [x, w], [{ dtype: x.dtype, shape }], {
    strides: { ints: stride },
    pads: { ints: [...padding, ...padding] },
    output_padding: { ints: outputPadding },
    dilations: { ints: dilation },
    group: { int: groups },
  })[0];
}
