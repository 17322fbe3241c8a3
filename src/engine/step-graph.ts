/**
 * The decoding graph, arranged for speed: the formulas of nn/decoder.ts with one product for queries, keys and values, one
 * for gate and up, fused additions and norms, and rotary angles from a table. On a small model the number of nodes is
 * what a step costs, so every node that leaves counts. Embeddings are summed outside. Matrices may be stored plain or in
 * blocks of few bits.
 */
import {
  type Dim,
  Graph,
  type GraphOptions,
  matmul,
  matmulBlocks,
  mul,
  type ParameterSource,
  silu,
  softmax,
  stackedBlocks,
  type Tensor,
} from '../graph/index.js';
import { type BagpiperConfig, decoderSizes } from '../model/index.js';

type Parameters = (name: string) => ParameterSource;

export interface StepOptions extends GraphOptions {
  /** new keys and values are written over the cache's tensors, which then are outputs as well */
  inPlace?: boolean;
}

/** Gives tensors of a checkpoint as whole arrays. @throws where they lie in a file that was not read */
export function numbers(parameters: Parameters, name: string): Float32Array {
  const source = parameters(name);
  if (!('data' in source && source.data instanceof Float32Array)) throw new Error(`${name} is not held as numbers`);
  return source.data;
}

/** Tensors under each other: rows of the first, then rows of the second, ... */
function stacked(parameters: Parameters, names: readonly string[]): Float32Array {
  const parts = names.map((name) => numbers(parameters, name));
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Norm weights of all query heads, with the scores' factor in them, and of all key heads: [heads + kvHeads, 1, headDim]. */
function headNorms(parameters: Parameters, prefix: string, config: BagpiperConfig): Float32Array {
  const { heads, kvHeads, headDim } = decoderSizes(config);
  const query = numbers(parameters, `${prefix}self_attn.q_norm.weight`).map((w) => w / Math.sqrt(headDim));
  const key = numbers(parameters, `${prefix}self_attn.k_norm.weight`);
  const out = new Float32Array((heads + kvHeads) * headDim);
  for (let h = 0; h < heads + kvHeads; h++) out.set(h < heads ? query : key, h * headDim);
  return out;
}

/** Builds one decoding graph; a helper that keeps the pieces that every layer shares. */
class Builder {
  readonly graph: Graph;
  private readonly ones: Tensor;
  private readonly positions: Tensor;
  private readonly cos: Tensor;
  private readonly sin: Tensor;
  private readonly mask: Tensor;
  private readonly shapes: Record<'queries' | 'grouped' | 'pairs' | 'joined' | 'split', Tensor>;
  readonly fresh: Tensor[] = [];
  /** columns of the cache for each number of the new keys, and of the new values */
  private readonly at: Record<'keys' | 'values', Tensor> | undefined;

  constructor(
    private readonly config: BagpiperConfig,
    private readonly parameters: Parameters,
    options: StepOptions,
  ) {
    const { headDim, kvHeads } = decoderSizes(config);
    const g = new Graph(options);
    this.graph = g;
    if (options.inPlace) {
      const at = (name: string, shape: readonly Dim[]) => g.input(`at.${name}`, 'int64', ['batch', kvHeads, ...shape]);
      this.at = { keys: at('keys', [headDim, 'rows']), values: at('values', ['rows', headDim]) };
    }
    this.ones = g.constant(new Float32Array(headDim).fill(1), [headDim]);
    this.positions = g.input('positions', 'int64', ['n', 1]);
    this.cos = g.input('cos', 'float32', ['table', headDim / 2]);
    this.sin = g.input('sin', 'float32', ['table', headDim / 2]);
    this.mask = g.input('mask', 'float32', ['batch', 1, 'mask_rows', 'columns']);
    const shape = (name: string, length: number) => g.input(`shape.${name}`, 'int64', [length]);
    this.shapes = {
      queries: shape('queries', 5),
      grouped: shape('grouped', 4),
      pairs: shape('pairs', 4),
      joined: shape('joined', 5),
      split: shape('split', 2),
    };
  }

  /** x [n, columns] times the transposes of some matrices, results side by side: [n, sum of rows]. One product if possible. */
  private product(x: Tensor, prefix: string, parts: Readonly<Record<string, number>>): Tensor {
    const { graph: g } = this;
    const all = Object.entries(parts).map(([part, rows]) => ({ name: `${prefix}${part}.weight`, rows }));
    const columns = x.size(1);
    const plain = (names: readonly string[], rows: number): Tensor =>
      matmul(x, g.constant(stacked(this.parameters, names), [rows, columns]), { transB: true });
    const total = all.reduce((sum, { rows }) => sum + rows, 0);
    const found = all.map(({ name }) => g.blocks(name));
    const matrices = found.filter((matrix) => matrix !== undefined);
    if (matrices.length === 0) {
      return plain(
        all.map(({ name }) => name),
        total,
      );
    }
    const together = matrices.length === all.length ? stackedBlocks(matrices) : undefined;
    if (together) return matmulBlocks(x, together);
    const products = all.map(({ name, rows }, i) => {
      const matrix = found[i];
      return matrix ? matmulBlocks(x, matrix) : plain([name], rows);
    });
    return g.add('Concat', products, [{ dtype: x.dtype, shape: ['n', total] }], { axis: { int: 1 } })[0];
  }

  norm(x: Tensor, name: string): Tensor {
    const outputs = [x.shape, ['n', 1]].map((shape) => ({ dtype: x.dtype, shape }));
    const attributes = { axis: { int: -1 }, epsilon: { float: this.config.rms_norm_eps }, stash_type: { int: 1 } };
    return this.graph.add('SimplifiedLayerNormalization', [x, this.vector(name)], outputs, attributes)[0];
  }

  /** [x + more, its norm] */
  addNorm(x: Tensor, more: Tensor, name: string): [Tensor, Tensor] {
    const shapes = [x.shape, ['n', 1], ['n', 1], x.shape];
    const out = this.graph.add(
      'SkipSimplifiedLayerNormalization',
      [more, x, this.vector(name)],
      shapes.map((shape) => ({ dtype: x.dtype, shape })),
      { epsilon: { float: this.config.rms_norm_eps } },
      'com.microsoft',
    );
    return [out[3], out[0]];
  }

  private vector(name: string): Tensor {
    return this.graph.constant(numbers(this.parameters, name), [this.config.hidden_size]);
  }

  private split(x: Tensor, axis: number, sizes: Tensor, dims: readonly Dim[]): Tensor[] {
    const outputs = dims.map((dim) => ({ dtype: x.dtype, shape: x.shape.map((d, i) => (i === axis ? dim : d)) }));
    return this.graph.add('Split', [x, sizes], outputs, { axis: { int: axis } });
  }

  private shaped(x: Tensor, shape: Tensor, dims: readonly Dim[]): Tensor {
    return this.graph.add('Reshape', [x, shape], [{ dtype: x.dtype, shape: dims }])[0];
  }

  private ordered(x: Tensor, perm: readonly number[]): Tensor {
    const shape = perm.map((i) => x.shape[i]);
    return this.graph.add('Transpose', [x], [{ dtype: x.dtype, shape }], { perm: { ints: perm } })[0];
  }

  private rotated(x: Tensor): Tensor {
    const inputs = [x, this.positions, this.cos, this.sin];
    const out = [{ dtype: x.dtype, shape: x.shape }];
    return this.graph.add('RotaryEmbedding', inputs, out, { interleaved: { int: 0 } }, 'com.microsoft')[0];
  }

  /** Normed rows [n, hidden] -> what attention adds to them. */
  attention(y: Tensor, layer: number): Tensor {
    const { graph: g, shapes } = this;
    const { hidden, heads, kvHeads: kv, headDim: dim } = decoderSizes(this.config);
    const prefix = `model.layers.${layer}.`;
    const all = heads + 2 * kv;
    const product = this.product(y, `${prefix}self_attn.`, { q_proj: heads * dim, k_proj: kv * dim, v_proj: kv * dim });
    const parts = this.shaped(product, g.integers([-1, all, 1, dim]), ['n', all, 1, dim]);
    const [both, v] = this.split(parts, 1, g.integers([heads + kv, kv]), [heads + kv, kv]);
    const normed = g.add(
      'SimplifiedLayerNormalization',
      [both, this.ones],
      [both.shape, ['n', heads + kv, 1, 1]].map((shape) => ({ dtype: both.dtype, shape })),
      { axis: { int: -1 }, epsilon: { float: this.config.rms_norm_eps }, stash_type: { int: 1 } },
    )[0];
    const norms = g.constant(headNorms(this.parameters, prefix, this.config), [heads + kv, 1, dim]);
    const [q, k] = this.split(this.rotated(mul(normed, norms)), 1, g.integers([heads, kv]), [heads, kv]);
    const byKey = this.ordered(this.shaped(q, shapes.queries, ['batch', 'rows', kv, heads / kv, dim]), [0, 2, 1, 3, 4]);
    const queries = this.shaped(byKey, shapes.grouped, ['batch', kv, 'grouped', dim]);
    const pairs = (x: Tensor) => this.ordered(this.shaped(x, shapes.pairs, ['batch', 'rows', kv, dim]), [0, 2, 1, 3]);
    const [newKeys, newValues] = [pairs(k), pairs(v)];
    const keys = g.input(`keys.${layer}`, 'float32', ['batch', kv, dim, 'capacity']);
    const values = g.input(`values.${layer}`, 'float32', ['batch', kv, 'capacity', dim]);
    if (this.at) {
      this.write(`keys.${layer}.after`, keys, this.at.keys, this.ordered(newKeys, [0, 1, 3, 2]), 3);
      this.write(`values.${layer}.after`, values, this.at.values, newValues, 2);
    } else this.fresh.push(k, v);
    const past = matmul(queries, keys);
    const own = matmul(queries, newKeys, { transB: true });
    const scores = g.add('Concat', [past, own], [{ dtype: 'float32', shape: ['batch', kv, 'grouped', 'columns'] }], {
      axis: { int: 3 },
    })[0];
    const masked = g.add('Add', [scores, this.mask], [{ dtype: 'float32', shape: scores.shape }])[0];
    const [before, now] = this.split(softmax(masked), 3, shapes.split, ['capacity', 'rows']);
    const sum = g.add(
      'Add',
      [matmul(before, values), matmul(now, newValues)],
      [{ dtype: 'float32', shape: queries.shape }],
    )[0];
    const back = this.ordered(this.shaped(sum, shapes.joined, ['batch', kv, 'rows', heads / kv, dim]), [0, 2, 1, 3, 4]);
    const joined = this.shaped(back, g.integers([-1, heads * dim]), ['n', heads * dim]);
    return this.product(joined, `${prefix}self_attn.`, { o_proj: hidden });
  }

  /** An output that is the cache with new numbers in some columns, which the mask still hides: when it is written is all one. */
  private write(name: string, cache: Tensor, at: Tensor, numbers: Tensor, axis: number): void {
    const out = [{ dtype: cache.dtype, shape: cache.shape }];
    this.graph.output(name, this.graph.add('ScatterElements', [cache, at, numbers], out, { axis: { int: axis } })[0]);
  }

  /** Normed rows [n, hidden] -> what the gated MLP adds to them. */
  feedForward(z: Tensor, layer: number): Tensor {
    const { hidden, intermediate } = decoderSizes(this.config);
    const prefix = `model.layers.${layer}.mlp.`;
    const both = this.product(z, prefix, { gate_proj: intermediate, up_proj: intermediate });
    const sizes = [intermediate, intermediate];
    const [gate, up] = this.split(both, 1, this.graph.integers(sizes), sizes);
    return this.product(mul(silu(gate), up), prefix, { down_proj: hidden });
  }
}

/**
 * Rows after what a cache holds, n = batch * rows of them: `rows` new rows for each of `batch` sequences.
 *
 * Inputs: `x` [n, hidden]: embedded rows; `positions` int64 [n, 1]; `cos`, `sin` [table, head_dim / 2]: the rotary table;
 * `mask` additive [batch, 1, rows * group or 1, capacity + rows]; `keys.i` [batch, kv, head_dim, capacity] and `values.i`
 * [batch, kv, capacity, head_dim] of each layer; and the shapes that {@link stepShapes} gives.
 * Outputs: `hidden` [n, hidden] after the final norm; `fresh` [n, 2 layers kv, 1, head_dim]: of each layer the new keys of
 * all heads, then the new values. In place, the inputs `at.keys` [batch, kv, head_dim, rows] and `at.values` [batch, kv, rows,
 * head_dim] tell the columns where they go, and instead of `fresh` there are `keys.i.after` and `values.i.after`.
 */
export function stepGraph(config: BagpiperConfig, parameters: Parameters, options: StepOptions = {}): Graph {
  const build = new Builder(config, parameters, options);
  const layers = config.num_hidden_layers;
  let x = build.graph.input('x', 'float32', ['n', config.hidden_size]);
  let y = build.norm(x, 'model.layers.0.input_layernorm.weight');
  for (let i = 0; i < layers; i++) {
    const prefix = `model.layers.${i}.`;
    [x, y] = build.addNorm(x, build.attention(y, i), `${prefix}post_attention_layernorm.weight`);
    const next = i + 1 < layers ? `model.layers.${i + 1}.input_layernorm.weight` : 'model.norm.weight';
    [x, y] = build.addNorm(x, build.feedForward(y, i), next);
  }
  const shape = ['n', 2 * layers * config.num_key_value_heads, 1, config.head_dim];
  build.graph.output('hidden', y);
  if (options.inPlace) return build.graph;
  const [fresh] = build.graph.add('Concat', build.fresh, [{ dtype: 'float32', shape }], { axis: { int: 1 } });
  build.graph.output('fresh', fresh);
  return build.graph;
}

/** The shape inputs of {@link stepGraph}. */
export function stepShapes(config: BagpiperConfig, batch: number, rows: number, capacity: number) {
  const { heads, kvHeads: kv, headDim: dim } = decoderSizes(config);
  const group = heads / kv;
  const shape = (...sizes: number[]) => ({ data: BigInt64Array.from(sizes, BigInt), dims: [sizes.length] });
  return {
    'shape.queries': shape(batch, rows, kv, group, dim),
    'shape.grouped': shape(batch, kv, rows * group, dim),
    'shape.pairs': shape(batch, rows, kv, dim),
    'shape.joined': shape(batch, kv, rows, group, dim),
    'shape.split': shape(capacity, rows),
  };
}
