/**
 * The language model's graphs: a Qwen3 decoder over rows of `num_stream` ids. One definition of the network serves
 * training (`trainingLoss`), decoding with a cache kept outside (`decoderStep`) and the heads, which are graphs of their
 * own because each phase needs only some rows of the output matrix. Formulas: docs/model.md, "Language model".
 */
import {
  add,
  blockRows,
  cast,
  concat,
  equal,
  type Graph,
  gather,
  linear,
  linearNamed,
  log,
  logSoftmax,
  matmul,
  matmulBlocks,
  mul,
  pick,
  reshape,
  rmsNorm,
  slice,
  softmax,
  split,
  sum,
  sumAll,
  type Tensor,
  transpose,
  where,
} from '../graph/index.js';
import { affine, type DecoderSizes, decoderLayer, type LayerResult, type Rotary } from '../nn/index.js';
import type { BagpiperConfig } from './config.js';

/** The decoder's sizes under the names that nn/ uses. */
export function decoderSizes(config: BagpiperConfig): DecoderSizes {
  return {
    hidden: config.hidden_size,
    intermediate: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads,
    headDim: config.head_dim,
    epsilon: config.rms_norm_eps,
  };
}

/** Every tensor of the language model with its shape, as a checkpoint names them. */
export function languageModelTensors(config: BagpiperConfig): Map<string, number[]> {
  const { hidden, intermediate, layers, heads, kvHeads, headDim } = decoderSizes(config);
  const shapes = new Map<string, number[]>([
    ['model.embed_tokens.weight', [config.vocab_size, hidden]],
    ['model.norm.weight', [hidden]],
    ['lm_head.weight', [config.vocab_size, hidden]],
    ['stream_emb.weight', [config.num_stream, hidden]],
    ['adaptor.continuous_audio.weight', [hidden, config.adaptor_input_dim]],
    ['adaptor.continuous_audio.bias', [hidden]],
  ]);
  for (let i = 0; i < layers; i++) {
    const layer: Record<string, number[]> = {
      input_layernorm: [hidden],
      post_attention_layernorm: [hidden],
      'self_attn.q_proj': [heads * headDim, hidden],
      'self_attn.k_proj': [kvHeads * headDim, hidden],
      'self_attn.v_proj': [kvHeads * headDim, hidden],
      'self_attn.o_proj': [hidden, heads * headDim],
      'self_attn.q_norm': [headDim],
      'self_attn.k_norm': [headDim],
      'mlp.gate_proj': [intermediate, hidden],
      'mlp.up_proj': [intermediate, hidden],
      'mlp.down_proj': [hidden, intermediate],
    };
    for (const [name, shape] of Object.entries(layer)) shapes.set(`model.layers.${i}.${name}.weight`, shape);
  }
  return shapes;
}

/** Encoder features [n, adaptor_input_dim] to vectors of the language model [n, hidden]. */
export function adaptor(features: Tensor, config: BagpiperConfig): Tensor {
  return affine(features, 'adaptor.continuous_audio', config.hidden_size);
}

/**
 * Rows of ids to vectors: the sum of the streams' embeddings, where id 0 on streams 1 and up adds nothing (on stream 0 it
 * adds the embedding of id 0).
 *
 * @param ids int64 [batch, rows, num_stream]
 * @returns [batch, rows, hidden]
 */
export function embedRows(ids: Tensor, config: BagpiperConfig): Tensor {
  const graph = ids.graph;
  const n = config.num_stream;
  const table = graph.parameter('model.embed_tokens.weight', [config.vocab_size, config.hidden_size]);
  const first = graph.constant(
    Float32Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0)),
    [1, 1, n],
  );
  const zero = graph.constant(BigInt64Array.of(0n), []);
  const weight = where(equal(ids, zero), first, graph.constant(new Float32Array(n).fill(1), [1, 1, n]));
  return sum(mul(gather(table, ids), reshape(weight, [...ids.shape, 1])), [2]);
}

/** The decoder stack over x [batch, rows, hidden] without a cache: vectors after the final norm. `each` sees what every layer gives. */
export function decoder(
  x: Tensor,
  rotary: Rotary,
  mask: Tensor,
  config: BagpiperConfig,
  each?: (result: LayerResult, layer: number) => void,
): Tensor {
  const sizes = decoderSizes(config);
  let y = x;
  for (let i = 0; i < sizes.layers; i++) {
    const result = decoderLayer(y, `model.layers.${i}.`, sizes, rotary, mask);
    y = result.x;
    each?.(result, i);
  }
  return rmsNorm(y, x.graph.parameter('model.norm.weight', [sizes.hidden]), sizes.epsilon);
}

/** Rotary inputs `cos` and `sin`, [batch, rows, 1, head_dim / 2]; see {@link rotaryValues}. */
function rotaryInputs(graph: Graph, batch: number | string, rows: number | string, config: BagpiperConfig): Rotary {
  const shape = [batch, rows, 1, config.head_dim / 2];
  return { cos: graph.input('cos', 'float32', shape), sin: graph.input('sin', 'float32', shape) };
}

/**
 * Cosines and sines of position p, angle_j = p * theta^(-2j / head_dim), for rows in order.
 *
 * @returns two arrays [rows, head_dim / 2]
 */
export function rotaryValues(positions: ArrayLike<number>, config: Pick<BagpiperConfig, 'head_dim' | 'rope_theta'>) {
  const half = config.head_dim / 2;
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  for (let j = 0; j < half; j++) {
    const rate = config.rope_theta ** ((-2 * j) / config.head_dim);
    for (let t = 0; t < positions.length; t++) {
      cos[t * half + j] = Math.cos(positions[t] * rate);
      sin[t * half + j] = Math.sin(positions[t] * rate);
    }
  }
  return { cos, sin };
}

/**
 * Decoding: rows of ids (or features in their place) after what the cache holds.
 *
 * Inputs: `ids` int64 [batch, rows, num_stream]; `features` [batch, rows, hidden], already adapted, and `is_feature`
 * [batch, rows, 1] (1 where the feature replaces the row); `cos`, `sin`; `mask` [batch, 1, rows * group, capacity + rows];
 * `keys.i` [batch, kv, head_dim, capacity] and `values.i` [batch, kv, capacity, head_dim] for each layer i.
 * Outputs: `hidden` [batch, rows, hidden] after the final norm, `new_keys.i`, `new_values.i`: the rows to append.
 */
export function decoderStep(graph: Graph, config: BagpiperConfig): void {
  const sizes = decoderSizes(config);
  const { hidden, kvHeads, headDim, epsilon } = sizes;
  const ids = graph.input('ids', 'int64', ['batch', 'rows', config.num_stream]);
  const features = graph.input('features', 'float32', ['batch', 'rows', hidden]);
  const isFeature = graph.input('is_feature', 'float32', ['batch', 'rows', 1]);
  const rotary = rotaryInputs(graph, 'batch', 'rows', config);
  const group = sizes.heads / kvHeads;
  const mask = graph.input('mask', 'float32', ['batch', 1, `rows*${group}`, 'capacity+rows']);
  let x = where(cast(isFeature, 'bool'), features, embedRows(ids, config));
  for (let i = 0; i < sizes.layers; i++) {
    const cache = {
      keys: graph.input(`keys.${i}`, 'float32', ['batch', kvHeads, headDim, 'capacity']),
      values: graph.input(`values.${i}`, 'float32', ['batch', kvHeads, 'capacity', headDim]),
    };
    const done = decoderLayer(x, `model.layers.${i}.`, sizes, rotary, mask, cache);
    x = done.x;
    graph.output(`new_keys.${i}`, done.keys);
    graph.output(`new_values.${i}`, done.values);
  }
  graph.output('hidden', rmsNorm(x, graph.parameter('model.norm.weight', [hidden]), epsilon));
}

/** Offsets per stream: [num_stream, hidden], row 0 forced to zero (stream 0 has no offset, whatever the file holds). */
function streamOffsets(graph: Graph, config: BagpiperConfig): Tensor {
  const table = graph.parameter('stream_emb.weight', [config.num_stream, config.hidden_size]);
  const keep = Float32Array.from({ length: config.num_stream }, (_, i) => (i === 0 ? 0 : 1));
  return mul(table, graph.constant(keep, [config.num_stream, 1]));
}

const HEAD = 'lm_head.weight';

const headParameter = (graph: Graph, config: BagpiperConfig): Tensor =>
  graph.parameter(HEAD, [config.vocab_size, config.hidden_size]);

/** Logits of ids [start, end): vectors [n, hidden] -> [n, end - start]. Only these rows of the head are read. */
function logitsOf(vectors: Tensor, start: number, end: number, config: BagpiperConfig): Tensor {
  const graph = vectors.graph;
  const matrix = graph.blocks(HEAD);
  if (matrix) return matmulBlocks(vectors, blockRows(matrix, start, end));
  return linear(vectors, slice(headParameter(graph, config), 0, start, end));
}

/** Head for choosing a modality and for text: `hidden` [n, hidden] -> `logits` [n, text_token_end] of stream 0. */
export function textHead(graph: Graph, config: BagpiperConfig): void {
  const hidden = graph.input('hidden', 'float32', ['n', config.hidden_size]);
  graph.output('logits', logitsOf(hidden, 0, config.text_token_end, config));
}

/**
 * Head for audio: `hidden` [n, hidden] -> `codes` [num_stream, n, codec_layer_size], each stream's own ids, and `ends`
 * [n, 2], the logits of eos and eot on stream 0.
 */
export function audioHead(graph: Graph, config: BagpiperConfig): void {
  const { num_stream: streams, codec_layer_size: layer, hidden_size: width } = config;
  const hidden = graph.input('hidden', 'float32', ['n', width]);
  const endIds = [config.eos_token_id, config.eot_token_id];
  if (graph.blocks(HEAD)) {
    graph.output('codes', blockCodes(hidden, config));
    const each = endIds.map((id) => logitsOf(hidden, id, id + 1, config));
    graph.output('ends', concat(each, 1));
    return;
  }
  const head = headParameter(graph, config);
  const offsets = reshape(streamOffsets(graph, config), [streams, 1, width]);
  const shifted = add(reshape(hidden, [1, 'n', width]), offsets);
  const own = slice(head, 0, config.codec_base_offset, config.codec_base_offset + streams * layer);
  const columns = transpose(reshape(own, [streams, layer, width]), [0, 2, 1]);
  graph.output('codes', matmul(shifted, columns));
  const ends = endIds.map((id) => slice(head, 0, id, id + 1));
  graph.output('ends', linear(hidden, reshape(concat(ends, 0), [2, width])));
}

/** Each stream's own logits where the head is in blocks, [num_stream, n, codec_layer_size]: one product a stream. */
function blockCodes(hidden: Tensor, config: BagpiperConfig): Tensor {
  const { num_stream: streams, codec_layer_size: layer, codec_base_offset: base, hidden_size: width } = config;
  const offsets = split(streamOffsets(hidden.graph, config), 0, new Array<number>(streams).fill(1));
  const each = offsets.map((offset, s) => {
    const shifted = add(hidden, reshape(offset, [width]));
    return reshape(logitsOf(shifted, base + s * layer, base + (s + 1) * layer, config), [1, 'n', layer]);
  });
  return concat(each, 0);
}

/** All logits of all streams, for checks: `hidden` [n, hidden] -> `logits` [n, num_stream, vocab_size]. */
export function fullHead(graph: Graph, config: BagpiperConfig): void {
  const { num_stream: streams, hidden_size: width } = config;
  const hidden = graph.input('hidden', 'float32', ['n', width]);
  const shifted = add(reshape(hidden, ['n', 1, width]), reshape(streamOffsets(graph, config), [1, streams, width]));
  graph.output('logits', linearNamed(shifted, HEAD, config.vocab_size));
}

/** Sizes of a training graph: `batch` packed rows of `rows` positions, and room for so many scored positions. */
export interface TrainingSizes {
  batch: number;
  rows: number;
  /** scored positions on stream 0 */
  scored: number;
  /** scored entries on streams 1 and up; with `codecSoftmax: 'own'` the same number for each of these streams */
  scoredCodes: number;
  /**
   * Over which ids a codec target's softmax runs. `all` (default): those of all streams, as upstream trains. `own`: those
   * of its stream, the only ones that generation allows; an eighth of the work.
   */
  codecSoftmax?: 'all' | 'own';
  /** continuous features in the batch */
  features: number;
  /** layer whose first head is told where to look, see {@link guidedLoss}; absent: none */
  guided?: number;
  /** layer behind which it is told which letter is being said, see {@link spelledLoss}; absent: none */
  spelled?: number;
}

/**
 * The training loss (docs/model.md, "Loss") of a packed batch.
 *
 * Inputs: `ids` int64 [batch, rows, num_stream]; `features` [features, adaptor_input_dim] and `feature_at` int64 [batch *
 * rows]: index + 1 of the feature that replaces a row, 0 for none; `cos`, `sin`; `mask` [batch, 1, rows * group, rows];
 * `scored` int64 [scored]: flat positions whose next row is scored, `target` int64 and `weight` alike; `scored_codes` int64
 * [scoredCodes]: flat positions again, `stream_codes` int64 the stream of each entry, `target_codes` (id minus
 * codec_base_offset) and `weight_codes` alike. With `codecSoftmax: 'own'` these hold [num_stream - 1, scoredCodes] entries
 * stream by stream, targets count from the stream's first id, and there is no `stream_codes`.
 * Unused places carry weight 0. Weights are expected to be divided by the loss's denominator already. With `guided` and
 * `spelled` the inputs of {@link guidedLoss} and {@link spelledLoss} come to these.
 *
 * @returns the loss (shape []) and the sums of its parts
 */
export function trainingLoss(
  graph: Graph,
  config: BagpiperConfig,
  sizes: TrainingSizes,
): { loss: Tensor; text: Tensor; codes: Tensor } & Record<string, Tensor> {
  const { batch, rows } = sizes;
  const { hidden_size: width, num_stream: streams } = config;
  const ids = graph.input('ids', 'int64', [batch, rows, streams]);
  const rotary = rotaryInputs(graph, batch, rows, config);
  const group = config.num_attention_heads / config.num_key_value_heads;
  const mask = graph.input('mask', 'float32', [batch, 1, rows * group, rows]);
  let x = embedRows(ids, config);
  if (sizes.features > 0) x = placeFeatures(x, config, sizes);
  const taught: Record<string, Tensor> = {};
  const last = decoder(x, rotary, mask, config, (result, layer) => {
    if (layer === sizes.guided) taught.guided = guidedLoss(result, mask, config, sizes);
    if (layer === sizes.spelled) taught.spelled = spelledLoss(result, config, sizes);
  });
  const flat = reshape(last, [batch * rows, width]);
  const head = headParameter(graph, config);

  const scored = gather(flat, graph.input('scored', 'int64', [sizes.scored]));
  const text = weightedLoss(linear(scored, head), sizes.scored, '');

  const codes = sizes.codecSoftmax === 'own' ? ownCodesLoss(flat, config, sizes) : allCodesLoss(flat, config, sizes);
  const loss = Object.values(taught).reduce((sum, part) => add(sum, part), add(text, codes));
  return { loss, text, codes, ...taught };
}

/** Keeps the logarithm finite where a row looks nowhere near its window. */
const LEAST_MASS = 1e-4;

/**
 * Teaches a layer's first head where to look: minus the logarithm of the attention that a row gives to its window. Which word
 * is being said cannot be learned from the codes alone in reasonable time; where in a turn a word stands is known about
 * (guided attention, Tachibana et al. 2018, "Efficiently trainable text-to-speech", there as a penalty off the diagonal).
 *
 * Inputs: `guided_window` [batch, rows, rows], 1 where a row should look, and `guided_weight` [batch, rows], 0 for rows that
 * look where they like.
 */
function guidedLoss(
  { queries, keys }: LayerResult,
  mask: Tensor,
  config: BagpiperConfig,
  { batch, rows }: TrainingSizes,
): Tensor {
  const { head_dim: width } = config;
  const group = config.num_attention_heads / config.num_key_value_heads;
  const first = (x: Tensor, columns: number) =>
    reshape(slice(reshape(x, [batch, rows, group, columns]), 2, 0, 1), [batch, rows, columns]);
  const query = first(slice(queries, 1, 0, 1), width);
  const key = reshape(slice(keys, 1, 0, 1), [batch, width, rows]);
  const scores = add(matmul(query, key, { alpha: 1 / Math.sqrt(width) }), first(mask, rows));
  const window = mask.graph.input('guided_window', 'float32', [batch, rows, rows]);
  const weight = mask.graph.input('guided_weight', 'float32', [batch, rows]);
  const mass = sum(mul(softmax(scores), window), [2]);
  return sumAll(mul(log(add(mass, LEAST_MASS)), mul(weight, -1)));
}

/** What {@link spelledLoss} tells apart: the letters a to z, and whatever else stands in a sentence. */
export const LETTERS = 27;

/** The head that {@link spelledLoss} reads with, [{@link LETTERS}, hidden_size]; a parameter of training alone. */
export const SPELLING = 'spelling.weight';

/**
 * Teaches how words are spelled: which letter is being said is read off what a layer leaves behind. Words are ids of their own, so
 * what is known of the sound of one says nothing of another; letters they have in common.
 *
 * Inputs: `target_letters` int64 and `weight_letters`, [batch * rows], 0 for rows that say nothing.
 */
function spelledLoss({ x }: LayerResult, config: BagpiperConfig, { batch, rows }: TrainingSizes): Tensor {
  const { hidden_size: width, rms_norm_eps: epsilon } = config;
  const { graph } = x;
  const plain = graph.constant(new Float32Array(width).fill(1), [width]);
  const logits = linear(
    rmsNorm(reshape(x, [batch * rows, width]), plain, epsilon),
    graph.parameter(SPELLING, [LETTERS, width]),
  );
  return weightedLoss(logits, batch * rows, '_letters');
}

/** Streams 1 and up against the codec ids of all streams. */
function allCodesLoss(flat: Tensor, config: BagpiperConfig, { scoredCodes }: TrainingSizes): Tensor {
  const graph = flat.graph;
  const { num_stream: streams, codec_base_offset: base, codec_layer_size: layer } = config;
  const at = graph.input('scored_codes', 'int64', [scoredCodes]);
  const offsets = gather(streamOffsets(graph, config), graph.input('stream_codes', 'int64', [scoredCodes]));
  const codecHead = slice(headParameter(graph, config), 0, base, base + streams * layer);
  return weightedLoss(linear(add(gather(flat, at), offsets), codecHead), scoredCodes, '_codes');
}

/** Streams 1 and up, each against its own ids. Entries come stream by stream: [streams - 1, scoredCodes]. */
function ownCodesLoss(flat: Tensor, config: BagpiperConfig, { scoredCodes }: TrainingSizes): Tensor {
  const graph = flat.graph;
  const { num_stream: streams, codec_base_offset: base, codec_layer_size: layer, hidden_size: width } = config;
  const count = (streams - 1) * scoredCodes;
  const rows = reshape(gather(flat, graph.input('scored_codes', 'int64', [count])), [streams - 1, scoredCodes, width]);
  const offsets = reshape(slice(streamOffsets(graph, config), 0, 1, streams), [streams - 1, 1, width]);
  const own = slice(headParameter(graph, config), 0, base + layer, base + streams * layer);
  const logits = matmul(add(rows, offsets), reshape(own, [streams - 1, layer, width]), { transB: true });
  return weightedLoss(reshape(logits, [count, layer]), count, '_codes');
}

function weightedLoss(logits: Tensor, count: number, suffix: string): Tensor {
  const graph = logits.graph;
  const target = graph.input(`target${suffix}`, 'int64', [count]);
  const weight = graph.input(`weight${suffix}`, 'float32', [count]);
  return sum(mul(pick(logSoftmax(logits), target), mul(weight, -1)), [0]);
}

/** Puts adapted features in the place of rows: row t takes feature `feature_at[t]` - 1, or stays where that is 0. */
function placeFeatures(x: Tensor, config: BagpiperConfig, { batch, rows, features }: TrainingSizes): Tensor {
  const graph = x.graph;
  const input = graph.input('features', 'float32', [features, config.adaptor_input_dim]);
  const at = graph.input('feature_at', 'int64', [batch * rows]);
  const adapted = adaptor(input, config);
  const none = graph.constant(new Float32Array(config.hidden_size), [1, config.hidden_size]);
  const placed = gather(concat([none, adapted], 0), at);
  const keep = cast(equal(at, graph.constant(BigInt64Array.of(0n), [])), 'float32');
  const kept = mul(reshape(x, [batch * rows, config.hidden_size]), reshape(keep, [batch * rows, 1]));
  return reshape(add(kept, placed), [batch, rows, config.hidden_size]);
}
