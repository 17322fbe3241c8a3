/**
 * The pre-norm transformer encoder block of Whisper and Qwen's audio tower: LayerNorm, multi-head attention with biases,
 * GELU feed-forward. Both directions are visible but for what the mask forbids.
 */
import { add, gelu, layerNorm, linearNamed, matmul, reshape, softmax, type Tensor, transpose } from '../graph/index.js';

export interface EncoderSizes {
  width: number;
  heads: number;
  feedForward: number;
}

const EPSILON = 1e-5;

/** x times weight plus bias, named like a PyTorch Linear: `${name}.weight` [out, in], `${name}.bias` [out]. */
export function affine(x: Tensor, name: string, outputs: number): Tensor {
  const y = linearNamed(x, `${name}.weight`, outputs);
  return add(y, x.graph.parameter(`${name}.bias`, [outputs]));
}

/** LayerNorm with its parameters `${name}.weight` and `${name}.bias`. */
export function norm(x: Tensor, name: string, epsilon = EPSILON): Tensor {
  const width = x.size(-1);
  return layerNorm(
    x,
    x.graph.parameter(`${name}.weight`, [width]),
    x.graph.parameter(`${name}.bias`, [width]),
    epsilon,
  );
}

/**
 * One block over x [batch, tokens, width].
 *
 * @param mask additive, broadcast to [batch, heads, tokens, tokens]
 */
export function encoderLayer(
  x: Tensor,
  prefix: string,
  { width, heads, feedForward }: EncoderSizes,
  mask: Tensor,
): Tensor {
  const [batch, tokens] = x.shape;
  const size = width / heads;
  const y = norm(x, `${prefix}self_attn_layer_norm`);
  const split = (name: string) =>
    reshape(affine(y, `${prefix}self_attn.${name}_proj`, width), [batch, tokens, heads, size]);
  const queries = transpose(split('q'), [0, 2, 1, 3]);
  const keys = transpose(split('k'), [0, 2, 3, 1]);
  const values = transpose(split('v'), [0, 2, 1, 3]);
  const weights = softmax(add(matmul(queries, keys, { alpha: size ** -0.5 }), mask));
  const joined = reshape(transpose(matmul(weights, values), [0, 2, 1, 3]), [batch, tokens, width]);
  const middle = add(x, affine(joined, `${prefix}self_attn.out_proj`, width));
  const hidden = gelu(affine(norm(middle, `${prefix}final_layer_norm`), `${prefix}fc1`, feedForward));
  return add(middle, affine(hidden, `${prefix}fc2`, width));
}
