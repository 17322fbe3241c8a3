/** Sizes of X-Codec under the names of its published `config.json`: a `codec_config` block, or the file of a codec alone. */
import { FieldReader } from '../config-reader.js';

/** The DAC-like encoder and decoder. */
export interface AcousticConfig {
  encoder_hidden_size: number;
  decoder_hidden_size: number;
  /** channels of the encoder's output and the decoder's input */
  hidden_size: number;
  downsampling_ratios: number[];
  upsampling_ratios: number[];
}

/** The HuBERT encoder. */
export interface SemanticConfig {
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  intermediate_size: number;
  layer_norm_eps: number;
  conv_dim: number[];
  conv_kernel: number[];
  conv_stride: number[];
  num_conv_pos_embeddings: number;
  num_conv_pos_embedding_groups: number;
}

export interface XcodecConfig {
  type: 'xcodec';
  /** bandwidths in kb/s that may be asked for, lowest first; the last one uses every codebook */
  target_bandwidths: number[];
  /** kernel of the semantic encoder's first convolution, and of its residual units */
  kernel_size: number;
  unit_kernel_size: number;
  /** blocks of the semantic encoder: stride and channels (as multiples of HuBERT's) of each */
  strides: number[];
  channel_ratios: number[];
  /** residual units of each block */
  block_dilations: number[];
  codebook_size: number;
  codebook_dim: number;
  acoustic_model_config: AcousticConfig;
  semantic_model_config: SemanticConfig;
}

/** Samples a second. */
export const XCODEC_RATE = 16000;

/** The published codec, hf-audio/xcodec-hubert-general: 8 x 1024 codes at 50 frames a second, 4 kb/s. */
export const PUBLISHED_XCODEC: Readonly<XcodecConfig> = {
  type: 'xcodec',
  target_bandwidths: [0.5, 1, 1.5, 2, 4],
  kernel_size: 3,
  unit_kernel_size: 3,
  strides: [1, 1],
  channel_ratios: [1, 1],
  block_dilations: [1, 1],
  codebook_size: 1024,
  codebook_dim: 1024,
  acoustic_model_config: {
    encoder_hidden_size: 64,
    decoder_hidden_size: 1024,
    hidden_size: 256,
    downsampling_ratios: [8, 5, 4, 2],
    upsampling_ratios: [8, 5, 4, 2],
  },
  semantic_model_config: {
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 3072,
    layer_norm_eps: 1e-5,
    conv_dim: [512, 512, 512, 512, 512, 512, 512],
    conv_kernel: [10, 3, 3, 3, 3, 2, 2],
    conv_stride: [5, 2, 2, 2, 2, 2, 2],
    num_conv_pos_embeddings: 128,
    num_conv_pos_embedding_groups: 16,
  },
};

/**
 * Checks the codec's sizes; absent fields take the published values. Fields that upstream's file has besides, such as those
 * of DAC's own quantizer, are not looked at.
 *
 * @throws BagpiperError naming `where` and the field.
 */
export function parseXcodecConfig(json: unknown, where: string): XcodecConfig {
  const read = new FieldReader(json, where);
  const preset = PUBLISHED_XCODEC;
  read.choice('model_type', ['xcodec'], 'xcodec');
  const rate = read.count('sample_rate', XCODEC_RATE);
  if (rate !== XCODEC_RATE) read.fail('sample_rate', `is ${rate}; only ${XCODEC_RATE} is known`);
  const strides = wholes(read, 'strides', preset.strides, 64);
  const config: XcodecConfig = {
    type: read.choice('type', ['xcodec'], 'xcodec'),
    target_bandwidths: positive(read, 'target_bandwidths', preset.target_bandwidths),
    kernel_size: read.count('kernel_size', preset.kernel_size, 1, 999),
    unit_kernel_size: read.count('unit_kernel_size', preset.unit_kernel_size, 1, 999),
    strides,
    channel_ratios: positive(read, 'channel_ratios', preset.channel_ratios),
    block_dilations: wholes(read, 'block_dilations', preset.block_dilations, 999),
    codebook_size: read.count('codebook_size', preset.codebook_size, 2, 65536),
    codebook_dim: read.count('codebook_dim', preset.codebook_dim, 1, 65536),
    acoustic_model_config: parseAcoustic(read.object('acoustic_model_config'), `${where}, acoustic_model_config`),
    semantic_model_config: parseSemantic(read.object('semantic_model_config'), `${where}, semantic_model_config`),
  };
  checkTogether(read, config);
  return config;
}

function parseAcoustic(json: unknown, where: string): AcousticConfig {
  const read = new FieldReader(json ?? {}, where);
  const preset = PUBLISHED_XCODEC.acoustic_model_config;
  const config: AcousticConfig = {
    encoder_hidden_size: read.count('encoder_hidden_size', preset.encoder_hidden_size, 1, 8192),
    decoder_hidden_size: read.count('decoder_hidden_size', preset.decoder_hidden_size, 1, 65536),
    hidden_size: read.count('hidden_size', preset.hidden_size, 1, 65536),
    downsampling_ratios: wholes(read, 'downsampling_ratios', preset.downsampling_ratios, 64, 2),
    upsampling_ratios: wholes(read, 'upsampling_ratios', preset.upsampling_ratios, 64, 2),
  };
  const { decoder_hidden_size: width, downsampling_ratios: down, upsampling_ratios: up } = config;
  if (product(down) !== product(up)) {
    read.fail(
      'upsampling_ratios',
      `multiply to ${product(up)}, downsampling_ratios to ${product(down)}; these must agree`,
    );
  }
  if (width % 2 ** up.length !== 0) {
    read.fail('decoder_hidden_size', `is ${width}, which cannot be halved ${up.length} times`);
  }
  return config;
}

function parseSemantic(json: unknown, where: string): SemanticConfig {
  const read = new FieldReader(json ?? {}, where);
  const preset = PUBLISHED_XCODEC.semantic_model_config;
  const config: SemanticConfig = {
    hidden_size: read.count('hidden_size', preset.hidden_size, 1, 65536),
    num_hidden_layers: read.count('num_hidden_layers', preset.num_hidden_layers, 0, 1000),
    num_attention_heads: read.count('num_attention_heads', preset.num_attention_heads),
    intermediate_size: read.count('intermediate_size', preset.intermediate_size, 1, 65536),
    layer_norm_eps: read.number('layer_norm_eps', preset.layer_norm_eps, Number.MIN_VALUE, 1),
    conv_dim: wholes(read, 'conv_dim', preset.conv_dim, 65536),
    conv_kernel: wholes(read, 'conv_kernel', preset.conv_kernel, 999),
    conv_stride: wholes(read, 'conv_stride', preset.conv_stride, 64),
    num_conv_pos_embeddings: read.count('num_conv_pos_embeddings', preset.num_conv_pos_embeddings, 1, 9999),
    num_conv_pos_embedding_groups: read.count('num_conv_pos_embedding_groups', preset.num_conv_pos_embedding_groups),
  };
  const { hidden_size, conv_dim } = config;
  for (const field of ['conv_kernel', 'conv_stride'] as const) {
    if (config[field].length !== conv_dim.length) {
      read.fail(field, `has ${config[field].length} entries, conv_dim ${conv_dim.length}; these must agree`);
    }
  }
  for (const field of ['num_attention_heads', 'num_conv_pos_embedding_groups'] as const) {
    if (hidden_size % config[field] !== 0) {
      read.fail(field, `is ${config[field]}, which does not divide hidden_size ${hidden_size}`);
    }
  }
  // HuBERT's other variants; X-Codec is built on the base one.
  read.choice('feat_extract_norm', ['group'], 'group');
  read.choice('feat_extract_activation', ['gelu'], 'gelu');
  read.choice('hidden_act', ['gelu'], 'gelu');
  for (const field of ['conv_bias', 'do_stable_layer_norm', 'conv_pos_batch_norm']) {
    if (read.flag(field, false)) read.fail(field, 'is true; only false is known');
  }
  if (!read.flag('feat_proj_layer_norm', true)) read.fail('feat_proj_layer_norm', 'is false; only true is known');
  return config;
}

function checkTogether(read: FieldReader, config: XcodecConfig): void {
  const { acoustic_model_config: acoustic, semantic_model_config: semantic, channel_ratios, strides } = config;
  if (channel_ratios.length !== strides.length) {
    read.fail('channel_ratios', `has ${channel_ratios.length} entries, strides ${strides.length}; these must agree`);
  }
  for (const field of ['kernel_size', 'unit_kernel_size'] as const) {
    if (config[field] % 2 === 0) read.fail(field, `is ${config[field]}; an odd number is expected`);
  }
  if (codebookCount(config) > 64) {
    read.fail('target_bandwidths', `end in ${config.target_bandwidths.at(-1)} kb/s, more than 64 codebooks`);
  }
  const last = semanticChannels(config).at(-1)!;
  if (last !== semantic.hidden_size) {
    read.fail('channel_ratios', `end in ${last} channels; HuBERT's hidden_size, ${semantic.hidden_size}, is expected`);
  }
  const dims = acoustic.hidden_size + semantic.hidden_size;
  if (config.codebook_dim !== dims) {
    read.fail('codebook_dim', `is ${config.codebook_dim}; the two encoders' hidden_size add up to ${dims}`);
  }
  const semanticHop = product(semantic.conv_stride) * product(strides);
  if (semanticHop !== xcodecHop(config)) {
    const made = `and those of HuBERT make ${semanticHop} samples a frame`;
    read.fail('strides', `${made}, downsampling_ratios ${xcodecHop(config)}; these must agree`);
  }
}

/** Channels that each block of the semantic encoder ends with. */
export function semanticChannels({ channel_ratios, semantic_model_config }: XcodecConfig): number[] {
  return channel_ratios.map((ratio) => Math.max(1, Math.floor(semantic_model_config.hidden_size * ratio)));
}

/** Samples of a frame. */
export function xcodecHop({ acoustic_model_config }: XcodecConfig): number {
  return product(acoustic_model_config.downsampling_ratios);
}

/** Codebooks of the model. */
export function codebookCount(config: XcodecConfig): number {
  const bits = Math.ceil(Math.log2(config.codebook_size));
  return Math.max(1, Math.floor((1000 * config.target_bandwidths.at(-1)!) / (frameRate(config) * bits)));
}

/** Codebooks that a bandwidth in kb/s allows for, at least one. */
export function codebooksFor(bandwidth: number, config: XcodecConfig): number {
  const each = (Math.log2(config.codebook_size) * frameRate(config)) / 1000;
  return Math.min(codebookCount(config), Math.max(1, Math.floor(bandwidth / each)));
}

const frameRate = (config: XcodecConfig): number => Math.ceil(XCODEC_RATE / xcodecHop(config));

const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

/** A list of whole numbers from `least` to `most`, not empty. */
function wholes(read: FieldReader, field: string, preset: readonly number[], most: number, least = 1): number[] {
  const list = read.list(field, [...preset]);
  const fits = (x: unknown): x is number => typeof x === 'number' && Number.isInteger(x) && x >= least && x <= most;
  if (list.length > 0 && list.length <= 64 && list.every(fits)) return list;
  read.fail(field, `must be a list of 1 to 64 whole numbers from ${least} to ${most}`);
}

/** A list of numbers above 0, not empty. */
function positive(read: FieldReader, field: string, preset: readonly number[]): number[] {
  const list = read.list(field, [...preset]);
  const fits = (x: unknown): x is number => typeof x === 'number' && x > 0 && x < Infinity;
  if (list.length > 0 && list.length <= 64 && list.every(fits)) return list;
  read.fail(field, 'must be a list of 1 to 64 numbers above 0');
}
