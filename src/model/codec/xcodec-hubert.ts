/**
 * X-Codec's listening half: HuBERT (Hsu et al. 2021; Hugging Face's `modeling_hubert`, base variant). Strided convolutions make
 * vectors of the wave, transformer blocks that see the whole clip follow, and the mean of all their states goes on.
 *
 * The convolutions' first layer is normalised over the whole clip. So that long clips need little memory, they run in pieces,
 * twice: once for the statistics, once with them.
 */
import {
  add,
  attention,
  div,
  gelu,
  mean,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  type Tensor,
  transpose,
} from '../../graph/index.js';
import { affine, conv1d, convLength, norm, type Window } from '../../nn/index.js';
import type { SemanticConfig } from './xcodec-config.js';

/** Of the normalisation over time. */
const GROUP_EPSILON = 1e-5;

const CONVOLUTIONS = 'semantic_model.feature_extractor.conv_layers';

const windowOf = (config: SemanticConfig, layer: number): Window => ({
  kernel: config.conv_kernel[layer],
  stride: config.conv_stride[layer],
});

function convolution(x: Tensor, config: SemanticConfig, layer: number): Tensor {
  const options = { ...windowOf(config, layer), bias: false };
  return conv1d(x, `${CONVOLUTIONS}.${layer}.conv`, config.conv_dim[layer], options);
}

/** Mean and biased variance of the first layer's channels over a piece of the wave [1, 1, samples], each [1, channels, 1]. */
export function firstLayerStatistics(wave: Tensor, config: SemanticConfig): { mean: Tensor; variance: Tensor } {
  const x = convolution(wave, config, 0);
  const centre = mean(x, [2], true);
  return { mean: centre, variance: mean(square(sub(x, centre)), [2], true) };
}

/**
 * The wave or a piece of it [1, 1, samples] to vectors [1, frames, channels]. `centre` and `variance` [1, channels, 1] are the
 * first layer's over the whole clip.
 */
export function waveVectors(wave: Tensor, centre: Tensor, variance: Tensor, config: SemanticConfig): Tensor {
  const channels = config.conv_dim[0];
  const [weight, bias] = ['weight', 'bias'].map((part) =>
    reshape(wave.graph.parameter(`${CONVOLUTIONS}.0.layer_norm.${part}`, [channels]), [1, channels, 1]),
  );
  const scale = div(weight, sqrt(add(variance, GROUP_EPSILON)));
  let x = gelu(add(mul(sub(convolution(wave, config, 0), centre), scale), bias));
  for (let i = 1; i < config.conv_dim.length; i++) x = gelu(convolution(x, config, i));
  return transpose(x, [0, 2, 1]);
}

/** Steps that the convolutions before layer `layers` (all unless given) make of so many samples. */
export function waveFrames(samples: number, config: SemanticConfig, layers = config.conv_dim.length): number {
  let length = samples;
  for (let i = 0; i < layers; i++) length = Math.max(0, convLength(length, windowOf(config, i)));
  return length;
}

/** Samples that one vector sees, and samples from one vector to the next. */
export function waveWindow(config: SemanticConfig): { size: number; hop: number } {
  let [size, hop] = [1, 1];
  for (let i = config.conv_dim.length - 1; i >= 0; i--) {
    size = (size - 1) * config.conv_stride[i] + config.conv_kernel[i];
    hop *= config.conv_stride[i];
  }
  return { size, hop };
}

/** Vectors of the whole clip [1, frames, channels] -> the mean of all hidden states [1, hidden_size, frames]. */
export function hubert(vectors: Tensor, config: SemanticConfig): Tensor {
  const { hidden_size: width, layer_norm_eps: epsilon, num_conv_pos_embeddings: kernel } = config;
  const { num_conv_pos_embedding_groups: groups } = config;
  const name = 'semantic_model.feature_projection';
  const x = affine(norm(vectors, `${name}.layer_norm`, epsilon), `${name}.projection`, width);
  // Upstream pads both ends alike and drops the last step of an even kernel.
  const reach = { kernel, padding: Math.floor(kernel / 2), paddingEnd: Math.floor((kernel - 1) / 2), groups };
  const near = conv1d(transpose(x, [0, 2, 1]), 'semantic_model.encoder.pos_conv_embed.conv', width, reach);
  let h = norm(add(x, transpose(gelu(near), [0, 2, 1])), 'semantic_model.encoder.layer_norm', epsilon);
  let sum = h;
  for (let i = 0; i < config.num_hidden_layers; i++) {
    h = layer(h, `semantic_model.encoder.layers.${i}`, config);
    sum = add(sum, h);
  }
  return transpose(mul(sum, 1 / (config.num_hidden_layers + 1)), [0, 2, 1]);
}

/** A block that normalises after each half, over h [1, frames, hidden_size]. */
function layer(h: Tensor, name: string, config: SemanticConfig): Tensor {
  const { hidden_size: width, layer_norm_eps: epsilon, num_attention_heads: heads, intermediate_size } = config;
  const [q, k, v] = ['q', 'k', 'v'].map((part) => affine(h, `${name}.attention.${part}_proj`, width));
  const attended = affine(attention(q, k, v, heads), `${name}.attention.out_proj`, width);
  const middle = norm(add(h, attended), `${name}.layer_norm`, epsilon);
  const wide = gelu(affine(middle, `${name}.feed_forward.intermediate_dense`, intermediate_size));
  const narrow = affine(wide, `${name}.feed_forward.output_dense`, width);
  return norm(add(middle, narrow), `${name}.final_layer_norm`, epsilon);
}
