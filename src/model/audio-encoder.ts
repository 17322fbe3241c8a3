/**
 * The audio encoder's graphs: Qwen3-Omni's "audio tower" and Bagpiper's adaptor. A log-mel picture is cut into chunks that
 * pass three convolutions on their own, becomes tokens, and passes transformer blocks that look within windows.
 * Formulas: docs/model.md, "Audio encoder".
 */
import {
  add,
  conv,
  type Graph,
  gather,
  gelu,
  linearNamed,
  mul,
  reshape,
  type Tensor,
  transpose,
} from '../graph/index.js';
import { affine, encoderLayer, HIDDEN, norm } from '../nn/index.js';
import type { AudioConfig } from './config.js';

/** What a checkpoint puts before the encoder's tensor names. */
export const ENCODER_PREFIX = 'multimodal_io_dict.continuous_audio.model.audio_tower.';

/** Time steps after one convolution of stride 2. */
const halve = (n: number): number => Math.ceil(n / 2);

/** Tokens of a chunk of `frames` mel frames: ceil(frames / 8). */
export const chunkTokens = (frames: number): number => halve(halve(halve(frames)));

/** Every tensor of the encoder with its shape, with {@link ENCODER_PREFIX}. */
export function encoderTensors(config: AudioConfig): Map<string, number[]> {
  const { d_model: d, encoder_ffn_dim: ffn, downsample_hidden_size: c, output_dim } = config;
  const shapes = new Map<string, number[]>();
  const put = (name: string, shape: number[], bias = true) => {
    shapes.set(`${ENCODER_PREFIX}${name}.weight`, shape);
    if (bias) shapes.set(`${ENCODER_PREFIX}${name}.bias`, [shape[0]]);
  };
  put('conv2d1', [c, 1, 3, 3]);
  put('conv2d2', [c, c, 3, 3]);
  put('conv2d3', [c, c, 3, 3]);
  put('conv_out', [d, c * chunkTokens(config.num_mel_bins)], false);
  for (let i = 0; i < config.encoder_layers; i++) {
    for (const part of ['q', 'k', 'v', 'out']) put(`layers.${i}.self_attn.${part}_proj`, [d, d]);
    put(`layers.${i}.self_attn_layer_norm`, [d]);
    put(`layers.${i}.fc1`, [ffn, d]);
    put(`layers.${i}.fc2`, [d, ffn]);
    put(`layers.${i}.final_layer_norm`, [d]);
  }
  put('ln_post', [d]);
  put('proj1', [d, d]);
  put('proj2', [output_dim, d]);
  return shapes;
}

/** Positions within a chunk, [tokens, width]: sines of the first half's rates, then cosines. */
export function positionTable(tokens: number, width: number): Float32Array {
  const half = width / 2;
  const table = new Float32Array(tokens * width);
  for (let k = 0; k < half; k++) {
    const rate = Math.exp((-k * Math.log(10000)) / (half - 1));
    for (let t = 0; t < tokens; t++) {
      table[t * width + k] = Math.sin(t * rate);
      table[t * width + half + k] = Math.cos(t * rate);
    }
  }
  return table;
}

/** What keeps chunks apart that share one long picture: chunks begin at multiples of 8 frames, with 8 empty ones between them. */
export interface Apart {
  /** 1 where a chunk has a step and 0 elsewhere, after the first and the second convolution: [1, 1, 1, steps] */
  steps: readonly [Tensor, Tensor];
  /** each token's row of {@link positionTable}: [1, tokens, d_model] */
  positions: Tensor;
}

/**
 * Convolutions, projection and positions: chunks [n, 1, mel, frames] of a fixed number of frames -> [n, tokens, d_model]. With
 * `apart`, chunks of any length lie one behind the other in one picture, which changes nothing for any of them.
 */
export function embedChunks(chunks: Tensor, config: AudioConfig, apart?: Apart): Tensor {
  const g = chunks.graph;
  const { downsample_hidden_size: c, d_model: d } = config;
  let x = chunks;
  for (const [i, inputs] of [1, c, c].entries()) {
    const name = `${ENCODER_PREFIX}conv2d${i + 1}`;
    const w = g.parameter(`${name}.weight`, [c, inputs, 3, 3]);
    x = gelu(conv(x, w, g.parameter(`${name}.bias`, [c]), { stride: [2, 2], padding: [1, 1] }));
    // The next convolution must find beyond a chunk's ends what pads a chunk that is alone: zeros.
    if (apart && i < 2) x = mul(x, apart.steps[i]);
  }
  const bands = x.size(2);
  const tokens = x.size(3);
  // Channel slow, mel band fast, for every time step.
  const flat = reshape(transpose(x, [0, 3, 1, 2]), [chunks.shape[0], tokens, c * bands]);
  const projected = linearNamed(flat, `${ENCODER_PREFIX}conv_out.weight`, d);
  return add(projected, apart?.positions ?? g.constant(positionTable(tokens, d), [1, tokens, d]));
}

/** Transformer blocks and output head: x [batch, tokens, d_model], additive mask -> [batch, tokens, output_dim]. */
export function encodeTokens(
  x: Tensor,
  mask: Tensor,
  config: AudioConfig,
  each?: (x: Tensor, layer: number) => void,
): Tensor {
  const sizes = { width: config.d_model, heads: config.encoder_attention_heads, feedForward: config.encoder_ffn_dim };
  let y = x;
  for (let i = 0; i < config.encoder_layers; i++) {
    y = encoderLayer(y, `${ENCODER_PREFIX}layers.${i}.`, sizes, mask);
    each?.(y, i);
  }
  const head = gelu(affine(norm(y, `${ENCODER_PREFIX}ln_post`), `${ENCODER_PREFIX}proj1`, config.d_model));
  return affine(head, `${ENCODER_PREFIX}proj2`, config.output_dim);
}

/**
 * The front of encoding one clip whose chunks have `frames` mel frames (see {@link planEncoding}).
 *
 * Inputs: `chunks` [chunks, 1, mel, frames]; `keep` int64 [tokens]: flat positions of the valid tokens.
 *
 * @returns [1, tokens, d_model]
 */
export function encoderFront(graph: Graph, config: AudioConfig, frames: number): Tensor {
  const chunks = graph.input('chunks', 'float32', ['chunks', 1, config.num_mel_bins, frames]);
  const keep = graph.input('keep', 'int64', ['tokens']);
  const flat = reshape(embedChunks(chunks, config), ['positions', config.d_model]);
  return reshape(gather(flat, keep), [1, 'tokens', config.d_model]);
}

const maskInput = (graph: Graph): Tensor => graph.input('mask', 'float32', [1, 1, 'tokens', 'tokens']);

/**
 * The rest of encoding a clip of any length. Inputs: `embed` [1, tokens, d_model], from {@link encoderFront}; `mask` [1, 1,
 * tokens, tokens].
 *
 * @returns [1, tokens, output_dim]
 */
export function encoderTower(graph: Graph, config: AudioConfig): Tensor {
  return encodeTokens(graph.input('embed', 'float32', [1, 'tokens', config.d_model]), maskInput(graph), config);
}

/**
 * Front and tower in one graph, with their inputs. Outputs: `features` [1, tokens, output_dim], and for checks `embed` and
 * `layer0` [1, tokens, d_model].
 */
export function encoderGraph(graph: Graph, config: AudioConfig, frames: number): { features: Tensor } {
  const embed = encoderFront(graph, config, frames);
  graph.output('embed', embed);
  const features = encodeTokens(embed, maskInput(graph), config, (x, layer) => {
    if (layer === 0) graph.output('layer0', x);
  });
  graph.output('features', features);
  return { features };
}

/** How a clip of so many mel frames enters {@link encoderGraph}. */
export interface EncodingPlan {
  /** mel frames of every chunk (the tail is padded with zeros, unless it is the only chunk) */
  frames: number;
  chunks: number;
  tokens: number;
  /** flat positions of the valid tokens among chunks * chunkTokens(frames) */
  keep: BigInt64Array;
  /** edges of the attention windows in tokens: 0, ..., tokens */
  edges: number[];
  /** additive, [tokens, tokens]: 0 inside a window, {@link HIDDEN} across */
  mask: Float32Array;
}

/** Chunks, valid tokens and attention windows of a clip of `frames` mel frames (at least 1). */
export function planEncoding(frames: number, config: AudioConfig): EncodingPlan {
  const full = 2 * config.n_window;
  const chunks = Math.ceil(frames / full);
  const width = Math.min(frames, full);
  const each = chunkTokens(width);
  const tail = frames - (chunks - 1) * full;
  const tokens = (chunks - 1) * each + chunkTokens(tail);
  const window = each * Math.floor(config.n_window_infer / full);
  const edges = [];
  for (let edge = 0; edge < tokens; edge += window) edges.push(edge);
  edges.push(tokens);
  const mask = new Float32Array(tokens * tokens);
  for (let i = 0; i < tokens; i++) {
    for (let j = 0; j < tokens; j++) {
      if (Math.floor(i / window) !== Math.floor(j / window)) mask[i * tokens + j] = HIDDEN;
    }
  }
  return {
    frames: width,
    chunks,
    tokens,
    keep: BigInt64Array.from({ length: tokens }, (_, i) => BigInt(i)),
    edges,
    mask,
  };
}

/**
 * Lays a log-mel picture [mel, frames] out as chunks [chunks, 1, mel, plan.frames], the tail filled with plain zeros (in
 * log-mel units; not the floor of the picture).
 */
export function layChunks(mel: Float32Array, frames: number, plan: EncodingPlan, config: AudioConfig): Float32Array {
  const bands = config.num_mel_bins;
  const out = new Float32Array(plan.chunks * bands * plan.frames);
  for (let chunk = 0; chunk < plan.chunks; chunk++) {
    const start = chunk * plan.frames;
    const end = Math.min(start + plan.frames, frames);
    for (let band = 0; band < bands; band++) {
      out.set(mel.subarray(band * frames + start, band * frames + end), (chunk * bands + band) * plan.frames);
    }
  }
  return out;
}
