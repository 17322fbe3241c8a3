/** Every number that defines nano: sizes of its networks and how they are trained. */
import { type AudioConfig, parseConfig } from '../../model/index.js';
import type { ScheduleOptions } from '../schedule.js';
import type { StageSettings } from './lm.js';

/** Kinds of text ids; the tokenizer is trained to exactly so many. */
export const TEXT_IDS = 1536;
const CODES = 256;
const STREAMS = 8;
const FIRST_TEXT = 256;

/** `config.json` of the small model; the codec's block is added by its trainer. */
export const NANO = {
  architectures: ['BagpiperForConditionalGeneration'],
  model_type: 'bagpiper',
  hidden_size: 256,
  intermediate_size: 704,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  max_position_embeddings: 4096,
  tie_word_embeddings: false,
  vocab_size: FIRST_TEXT + TEXT_IDS + STREAMS * (CODES + 1),
  num_stream: STREAMS,
  text_token_offset: FIRST_TEXT,
  text_token_end: FIRST_TEXT + TEXT_IDS,
  codec_base_offset: FIRST_TEXT + TEXT_IDS,
  codec_layer_size: CODES + 1,
  text_zero_is_pad: false,
  stream_weights: new Array<number>(STREAMS).fill(1 / STREAMS),
  audio_cfg: 0.05,
  adaptor_input_dim: 256,
  front_end: 'training',
  audio_config: {
    num_mel_bins: 128,
    d_model: 256,
    encoder_layers: 4,
    encoder_attention_heads: 4,
    encoder_ffn_dim: 768,
    output_dim: 256,
    downsample_hidden_size: 32,
    n_window: 50,
    n_window_infer: 1000,
    activation_function: 'gelu',
  },
} as const;

export const nanoConfig = (extra: object = {}) => parseConfig({ ...NANO, ...extra }, 'the settings of nano');

export const ENCODER: AudioConfig = nanoConfig().audio_config!;

/** Encoder pre-training. A batch holds `chunks` seconds of sound. */
export const ENCODER_TRAINING = {
  seed: 'nano-encoder-1',
  chunks: 48,
  schedule: { peak: 1e-3, warmup: 100, steps: 1500, floor: 0.05 } satisfies ScheduleOptions,
  clip: 1,
};

/** Language-model training: packed rows of a batch, and room for what is scored in it. */
export const LM_TRAINING = {
  seed: 'nano-lm-1',
  sizes: { batch: 4, rows: 448, scored: 1280, scoredCodes: 64, features: 1280 },
};

/** The stages, each with its own mixture of samples (facts: docs/training.md). */
export const STAGES: readonly StageSettings[] = [
  {
    name: 'pretrain',
    mixture: { caption: 1 },
    schedule: { peak: 1.5e-3, warmup: 60, steps: 700, floor: 0.3 },
    clip: 1,
    freeze: 'nothing',
  },
  {
    name: 'sft',
    mixture: { caption: 0.3, ask: 2 },
    schedule: { peak: 6e-4, warmup: 20, steps: 1200, floor: 0.1 },
    clip: 1,
    freeze: 'nothing',
  },
];
