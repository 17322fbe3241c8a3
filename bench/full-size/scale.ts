/** How large the measured model is: the published sizes, the same with fewer layers, or sizes for trying the program. */
import { codecOf, expectedTensors } from '../../src/model/bagpiper.js';
import { type BagpiperConfig, parseConfig } from '../../src/model/config.js';
import type { JsonObject } from '../../src/model/config-reader.js';
import { QWEN3_8B, type QwenShape } from './gguf.js';

/** How much is done to measure something. */
export interface Steps {
  /** rows of the long prompt */
  prompt: number;
  /** tokens decoded, and frames of sound */
  decode: number;
  frames: number;
  /** what the verbs make: tokens of each text, frames of the sound */
  text: number;
  sound: number;
  /** seconds of the clip that is heard, coded and decoded */
  clip: number;
  /** numbers that are read to measure the machine's memory */
  readNumbers: number;
}

/** What every job is told; `folder` is a converted model, or the GGUF file for llama.cpp. */
export interface JobSettings {
  folder: string;
  threads: number;
  steps: Steps;
  /** of the engine: measure everything and not only text */
  whole?: boolean;
  /** where node-llama-cpp is */
  llama?: string;
}

export interface Scale {
  /** name of its folder */
  name: string;
  /** what differs from the published model, as `config.json` says it */
  own: JsonObject;
  config: BagpiperConfig;
  /** names and shapes of the tensors that the networks use */
  tensors: ReadonlyMap<string, readonly number[]>;
  gguf: QwenShape;
  steps: Steps;
}

const FULL_STEPS: Steps = {
  prompt: 512,
  decode: 64,
  frames: 64,
  text: 48,
  sound: 100,
  clip: 10,
  readNumbers: 2 ** 28,
};
const TINY_STEPS: Steps = { prompt: 72, decode: 12, frames: 12, text: 8, sound: 16, clip: 1, readNumbers: 2 ** 20 };

/** Sizes at which everything runs in moments, and figures mean nothing. */
const TINY: JsonObject = {
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  text_token_end: 256 + 4096,
  audio_config: {
    d_model: 64,
    encoder_layers: 2,
    encoder_attention_heads: 4,
    encoder_ffn_dim: 128,
    output_dim: 64,
    downsample_hidden_size: 16,
  },
  codec_config: {
    type: 'xcodec',
    codebook_dim: 96,
    acoustic_model_config: { encoder_hidden_size: 8, decoder_hidden_size: 64, hidden_size: 32 },
    semantic_model_config: {
      hidden_size: 64,
      num_hidden_layers: 1,
      num_attention_heads: 4,
      intermediate_size: 128,
      conv_dim: [32, 32, 32, 32, 32, 32, 32],
    },
  },
};

/** The published widths with so many layers. */
const layered = (layers: number): JsonObject => ({
  num_hidden_layers: layers,
  audio_config: { encoder_layers: Math.min(32, layers) },
  codec_config: { type: 'xcodec', semantic_model_config: { num_hidden_layers: Math.min(12, layers) } },
});

/** @param layers of the decoder, where the sizes are else the published ones */
export function scaleOf(tiny: boolean, layers?: number): Scale {
  const steps = tiny ? TINY_STEPS : FULL_STEPS;
  const sizes = tiny ? TINY : layered(layers ?? QWEN3_8B.layers);
  // Random weights never end by themselves: the verbs make as much as they are told here.
  const exactly = (rows: number): JsonObject => ({ min_step: rows, max_step: rows });
  const delay = 7;
  const own = { ...sizes, generation: { text: exactly(steps.text), audio: exactly(steps.sound + delay) } };
  const name = tiny ? 'tiny' : layers === undefined ? 'full' : `layers-${layers}`;
  const config = parseConfig(own, `the sizes of ${name}`);
  const gguf: QwenShape = {
    layers: config.num_hidden_layers,
    hidden: config.hidden_size,
    intermediate: config.intermediate_size,
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads,
    headDim: config.head_dim,
    vocabulary: config.text_token_end - config.text_token_offset,
  };
  return { name, own, config, tensors: expectedTensors(config, codecOf(config, name)), gguf, steps };
}
