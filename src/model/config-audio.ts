/** The `audio_config` block: sizes of the Qwen3-Omni audio encoder, and how many vectors it makes of a clip. */
import { BagpiperError } from '../errors.js';
import { FieldReader } from './config-reader.js';

/** Sizes of the audio encoder, under the names of Qwen3-Omni's `audio_config`. */
export interface AudioConfig {
  num_mel_bins: number;
  /** Width of the encoder. */
  d_model: number;
  encoder_layers: number;
  encoder_attention_heads: number;
  encoder_ffn_dim: number;
  /** Width of its output vectors. */
  output_dim: number;
  /** Channels of the three stride-2 convolutions. */
  downsample_hidden_size: number;
  /** Half a convolution chunk, in mel frames. */
  n_window: number;
  /** An attention window, in mel frames. */
  n_window_infer: number;
}

/** The published encoder: 128 mel bands, 32 layers of 1280, chunks of 100 frames, attention over 800. */
export const PUBLISHED_AUDIO_CONFIG: Readonly<AudioConfig> = {
  num_mel_bins: 128,
  d_model: 1280,
  encoder_layers: 32,
  encoder_attention_heads: 20,
  encoder_ffn_dim: 5120,
  output_dim: 2048,
  downsample_hidden_size: 480,
  n_window: 50,
  n_window_infer: 800,
};

/**
 * Checks an `audio_config` block; absent fields take the published values.
 *
 * @throws BagpiperError naming `where` and the field.
 */
export function parseAudioConfig(json: unknown, where: string): AudioConfig {
  const read = new FieldReader(json, where);
  const preset = PUBLISHED_AUDIO_CONFIG;
  const config: AudioConfig = {
    num_mel_bins: read.count('num_mel_bins', preset.num_mel_bins, 8, 4096),
    d_model: read.count('d_model', preset.d_model, 4),
    encoder_layers: read.count('encoder_layers', preset.encoder_layers, 1, 1000),
    encoder_attention_heads: read.count('encoder_attention_heads', preset.encoder_attention_heads),
    encoder_ffn_dim: read.count('encoder_ffn_dim', preset.encoder_ffn_dim),
    output_dim: read.count('output_dim', preset.output_dim),
    downsample_hidden_size: read.count('downsample_hidden_size', preset.downsample_hidden_size),
    n_window: read.count('n_window', preset.n_window),
    n_window_infer: read.count('n_window_infer', preset.n_window_infer),
  };
  if (config.d_model % 2 !== 0) read.fail('d_model', `is ${config.d_model}; sine positions need an even width`);
  if (config.d_model % config.encoder_attention_heads !== 0) {
    read.fail(
      'encoder_attention_heads',
      `is ${config.encoder_attention_heads}, which does not divide d_model ${config.d_model}`,
    );
  }
  if (config.n_window_infer < 2 * config.n_window) {
    read.fail('n_window_infer', `is ${config.n_window_infer}, shorter than one chunk of ${2 * config.n_window} frames`);
  }
  read.choice('activation_function', ['gelu'], 'gelu');
  return config;
}

/**
 * Vectors the encoder makes of `frames` mel frames: each chunk of `2 * n_window` frames gives ceil(chunk / 8), the rest
 * ceil(rest / 8). At 100 frames a second that is 13 or 12.5 a second, depending on the chunk.
 */
export function encoderTokens(frames: number, config: Pick<AudioConfig, 'n_window'>): number {
  if (!Number.isInteger(frames) || frames < 0) {
    throw new BagpiperError(`An audio encoder input has ${frames} frames; a whole number from 0 is expected.`);
  }
  const chunk = 2 * config.n_window;
  return Math.floor(frames / chunk) * Math.ceil(chunk / 8) + Math.ceil((frames % chunk) / 8);
}
