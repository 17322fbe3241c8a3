/** Weight normalization undone: kernels as they are applied, from the two tensors that a checkpoint may keep instead. */

/**
 * w = g v / |v|, where the norm of `v` is taken over all axes but `axis` (Salimans and Kingma 2016; PyTorch's `weight_norm`
 * with that `dim`). Sums are in 64-bit floats.
 *
 * @param g one number for each step of the axis
 * @param v numbers of the shape `shape`
 */
export function weightNorm(
  g: Float32Array,
  v: Float32Array,
  shape: readonly number[],
  axis: number,
): Float32Array<ArrayBuffer> {
  const size = shape[axis];
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const squares = new Float64Array(size);
  const stepOf = (i: number): number => Math.floor(i / inner) % size;
  for (let i = 0; i < v.length; i++) squares[stepOf(i)] += v[i] * v[i];
  const factors = squares.map((sum, i) => g[i] / Math.sqrt(sum));
  const out = new Float32Array(v.length);
  for (let i = 0; i < v.length; i++) out[i] = v[i] * factors[stepOf(i)];
  return out;
}
