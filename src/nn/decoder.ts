/**
 * The Qwen3 decoder block (Qwen3 technical report; Hugging Face `modeling_qwen3`): grouped-query attention with RMS-normed
 * heads and rotary positions, and a gated MLP. The same code builds training graphs (fixed sizes, no cache) and decoding
 * graphs (symbolic sizes, keys and values kept outside).
 */
import {
  add,
  concat,
  dimension,
  type Graph,
  linear,
  matmul,
  mul,
  reshape,
  rmsNorm,
  rotary as rotaryKernel,
  silu,
  slice,
  softmax,
  split,
  splitAt,
  sub,
  type Tensor,
  transpose,
} from '../graph/index.js';

/** What an additive mask holds where a row may not look: large enough to vanish in the softmax, small enough for 16 bits. */
export const HIDDEN = -1e4;

/** Rows of a block of attention, about. */
const BLOCK = 128;

export interface DecoderSizes {
  hidden: number;
  intermediate: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  epsilon: number;
}

/** Cosines and sines of the rotary angles, each [batch, rows, 1, headDim / 2]. */
export interface Rotary {
  cos: Tensor;
  sin: Tensor;
}

/** Keys and values of earlier rows: keys [batch, kvHeads, headDim, capacity], values [batch, kvHeads, capacity, headDim]. */
export interface Cache {
  keys: Tensor;
  values: Tensor;
}

export interface LayerResult {
  /** [batch, rows, hidden] */
  x: Tensor;
  /** this layer's new keys [batch, kvHeads, headDim, rows] and values [batch, kvHeads, rows, headDim], to append to the cache */
  keys: Tensor;
  values: Tensor;
  /** its queries, the heads that share a key head as rows side by side [batch, kvHeads, rows * group, headDim] */
  queries: Tensor;
}

/** Turns the halves (u, v) of each head: (u cos - v sin, v cos + u sin). x is [batch, rows, heads, headDim]. */
function rotate(x: Tensor, { cos, sin }: Rotary): Tensor {
  if (x.shape.every((d) => typeof d === 'number')) return rotaryKernel(x, cos, sin);
  const half = x.size(-1) / 2;
  const u = slice(x, -1, 0, half);
  const v = slice(x, -1, half, 2 * half);
  return concat([sub(mul(u, cos), mul(v, sin)), add(mul(v, cos), mul(u, sin))], -1);
}

/**
 * Causal attention in blocks of rows: a block's queries meet only the keys up to its end, so that most of what the mask
 * would hide anyway is never computed. queries [batch, kvHeads, rows * group, headDim], keys and values [batch, kvHeads,
 * rows, headDim], mask as in {@link decoderLayer} without a cache.
 */
function blockwise(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, group: number): Tensor {
  const alpha = 1 / Math.sqrt(queries.size(-1));
  const rows = keys.shape[2];
  const attend = (q: Tensor, k: Tensor, v: Tensor, hidden: Tensor): Tensor =>
    matmul(softmax(add(matmul(q, k, { transB: true, alpha }), hidden)), v);
  if (typeof rows !== 'number') return attend(queries, keys, values, mask);
  const count = Math.ceil(rows / BLOCK);
  const edges = Array.from({ length: count + 1 }, (_, i) => Math.round((i * rows) / count));
  const sizes = edges.slice(1).map((edge, i) => (edge - edges[i]) * group);
  const parts = split(queries, 2, sizes);
  const masks = split(mask, 2, sizes);
  // From the last block to the first: each shortens what the one after it saw, and gradients add up along that chain.
  const attended = [...parts];
  let seen = { keys, values };
  for (let i = count - 1; i >= 0; i--) {
    const end = edges[i + 1];
    seen = { keys: slice(seen.keys, 2, 0, end), values: slice(seen.values, 2, 0, end) };
    attended[i] = attend(parts[i], seen.keys, seen.values, slice(masks[i], 3, 0, end));
  }
  return count === 1 ? attended[0] : concat(attended, 2);
}

/**
 * One block over x [batch, rows, hidden].
 *
 * @param mask additive, [batch, 1, rows * group, capacity + rows] (group = heads / kvHeads, fastest): 0 where a row may look,
 *   HIDDEN where not; the cache's columns come first, and no row may look at a later one
 */
export function decoderLayer(
  x: Tensor,
  prefix: string,
  sizes: DecoderSizes,
  rotary: Rotary,
  mask: Tensor,
  cache?: Cache,
): LayerResult {
  const { hidden, intermediate, heads, kvHeads, headDim, epsilon } = sizes;
  const g: Graph = x.graph;
  const weight = (name: string, shape: number[]) => g.parameter(`${prefix}${name}.weight`, shape);
  const [batch, rows] = x.shape;
  const group = heads / kvHeads;
  const grouped = typeof rows === 'number' ? rows * group : `${rows}*${group}`;

  const y = rmsNorm(x, weight('input_layernorm', [hidden]), epsilon);
  const project = (name: string, n: number) =>
    reshape(linear(y, weight(`self_attn.${name}_proj`, [n * headDim, hidden])), [batch, rows, n, headDim]);
  const q = rotate(rmsNorm(project('q', heads), weight('self_attn.q_norm', [headDim]), epsilon), rotary);
  const k = rotate(rmsNorm(project('k', kvHeads), weight('self_attn.k_norm', [headDim]), epsilon), rotary);
  const keys = transpose(k, [0, 2, 3, 1]);
  const values = transpose(project('v', kvHeads), [0, 2, 1, 3]);

  // The query heads that share a key head become extra rows: one matrix product a key head, without repeating keys.
  const byKey = transpose(reshape(q, [batch, rows, kvHeads, group, headDim]), [0, 2, 1, 3, 4]);
  const queries = reshape(byKey, [batch, kvHeads, grouped, headDim]);
  const alpha = 1 / Math.sqrt(headDim);
  let attended: Tensor;
  if (cache) {
    const scores = concat([matmul(queries, cache.keys, { alpha }), matmul(queries, keys, { alpha })], 3);
    const weights = softmax(add(scores, mask));
    const [past, now] = splitAt(weights, 3, dimension(cache.keys, 3), [cache.keys.shape[3], rows]);
    attended = add(matmul(past, cache.values), matmul(now, values));
  } else {
    attended = blockwise(queries, transpose(k, [0, 2, 1, 3]), values, mask, group);
  }
  const heads5 = transpose(reshape(attended, [batch, kvHeads, rows, group, headDim]), [0, 2, 1, 3, 4]);
  const joined = reshape(heads5, [batch, rows, heads * headDim]);
  const middle = add(x, linear(joined, weight('self_attn.o_proj', [hidden, heads * headDim])));

  const z = rmsNorm(middle, weight('post_attention_layernorm', [hidden]), epsilon);
  const gate = silu(linear(z, weight('mlp.gate_proj', [intermediate, hidden])));
  const up = linear(z, weight('mlp.up_proj', [intermediate, hidden]));
  return {
    x: add(middle, linear(mul(gate, up), weight('mlp.down_proj', [hidden, intermediate]))),
    keys,
    values,
    queries,
  };
}
