/** Every number that defines nano: sizes of its networks and how they are trained. */
import { NANO_CODEC } from '../../model/codec/nano-config.js';
import { type AudioConfig, parseConfig, type TrainingSizes } from '../../model/index.js';
import type { ScheduleOptions } from '../schedule.js';
import type { StageSettings } from './lm.js';

/** Kinds of text ids; the tokenizer is trained to exactly so many. */
export const TEXT_IDS = 1536;
const CODES = 256;
const STREAMS = 8;
const FIRST_TEXT = 256;

/** `config.json` of the small model. */
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
    // One chunk for all that is heard at once: chunks of a second, as published, cut every third word of so small an encoder.
    n_window: 600,
    n_window_infer: 1200,
    activation_function: 'gelu',
  },
  /** clips of the small world last up to 10 s */
  max_input_seconds: 12,
  codec_config: NANO_CODEC,
  generation: {
    text: { temperature: 0, topk: 20, cfg: 1, min_step: 1, max_step: 400 },
    // Clips of the small world last 3 to 10 s, 25 frames each, and the last stream lags behind the first by 7 rows.
    audio: { temperature: 0.8, topk: 20, cfg: 3, min_step: 3 * 25 + 7, max_step: 10 * 25 + 7, max_repeat: 12 },
    enforce_modality: ['text', 'audio'],
    takes: 4,
  },
} as const;

export const nanoConfig = () => parseConfig(NANO, 'the settings of nano');

export const ENCODER: AudioConfig = nanoConfig().audio_config!;

/** The corpus that the shipped model is trained on and judged by. */
export const CORPUS = {
  seed: 'nano-1',
  scenes: { train: 28_672, valid: 512, test: 1000 },
  /** speech alone, for the encoder and for a finished model's language model */
  speech: { seed: 'nano-speech-1', scenes: 18_432 },
} as const;

/** Encoder pre-training. The picture of each replica's batch has so many mel frames of 10 ms. */
export const ENCODER_TRAINING = {
  seed: 'nano-encoder-1',
  frames: 3200,
  replicas: 2,
  /** share of clips of speech alone that get another clip's music and sounds under them */
  laidOver: 0.5,
  /** share of them that get another pace and pitch */
  warped: 0.5,
  schedule: { peak: 7e-4, warmup: 100, steps: 15_000, floor: 0.02 } satisfies ScheduleOptions,
  /** of an encoder that is trained on: a finished model's, or one with the heads of its training */
  further: { peak: 8e-4, warmup: 200, steps: 8000, floor: 0.02 } satisfies ScheduleOptions,
  clip: 1,
};

/** Language-model training: packed rows of a batch, and room for what is scored in it. */
export const LM_TRAINING = {
  seed: 'nano-lm-1',
  sizes: {
    batch: 3,
    rows: 640,
    scored: 1216,
    scoredCodes: 512,
    codecSoftmax: 'own',
    features: 1024,
    guided: 2,
    spelled: 3,
  } satisfies TrainingSizes,
};

/**
 * The stages, each with its own mixture of samples: how often a pass over the corpus shows each scene in each way. The
 * warm-up leaves the decoder's layers as they are, as upstream's does. The last one, with its high rate and captions in words, is
 * where the model learns to copy: from its caption into its answer, and from a question's choices.
 */
export const STAGES: readonly StageSettings[] = [
  {
    name: 'warmup',
    mixture: { caption: 0.3, sound: 0.2 },
    schedule: { peak: 1e-3, warmup: 20, steps: 50, floor: 1 },
    clip: 1,
    freeze: 'decoder layers',
  },
  {
    name: 'pretrain',
    mixture: { caption: 1, sound: 0.45, text: 0.05 },
    schedule: { peak: 1.5e-3, warmup: 80, steps: 3000, floor: 0.4 },
    clip: 1,
    freeze: 'nothing',
  },
  {
    name: 'sft',
    mixture: { caption: 0.25, ask: 0.5, choose: 0.8, read: 0.35, sound: 0.05, render: 0.2 },
    retold: 5120,
    schedule: { peak: 6e-4, warmup: 20, steps: 3000, floor: 0.05 },
    clip: 1,
    freeze: 'nothing',
  },
  {
    name: 'copy',
    mixture: { caption: 0.5, ask: 0.5, choose: 0.5, read: 1, sound: 0.5, render: 0.4 },
    retold: 5120,
    schedule: { peak: 1e-3, warmup: 50, steps: 9000, floor: 0.03 },
    clip: 1,
    freeze: 'nothing',
  },
];

/** What a finished model is trained on with (`--from`), after its encoder was. */
export const FURTHER_STAGES: readonly StageSettings[] = [
  {
    name: 'further',
    mixture: {
      caption: 1.5,
      ask: 0.7,
      event: 0.6,
      choose: 0.6,
      listen: 0.5,
      copy: 0.1,
      recall: 0.6,
      missing: 0.3,
      sound: 0.4,
      render: 0.4,
    },
    speech: {
      caption: 1,
      ask: 0.3,
      choose: 0.3,
      listen: 0.2,
      copy: 0.1,
      recall: 0.3,
      missing: 0.1,
      sound: 0.4,
      say: 2,
      render: 0.3,
    },
    retold: 1536,
    schedule: { peak: 9e-4, warmup: 30, steps: 4800, floor: 0.03 },
    clip: 1,
    freeze: 'nothing',
    replicas: 2,
  },
];

/** Statistics of the corpus as the encoder hears it, which tell sounds from elsewhere apart: see world-fit.ts. */
export const WORLD = {
  seed: 'nano-world-1',
  /** at most, of each split */
  clips: 7680,
  tokens: 80_000,
  centres: 192,
  rounds: 5,
  leading: 0.25,
  exponent: 0.8,
  /** share of the clips of `valid` that the threshold calls foreign */
  falseAlarms: 0.05,
} as const;
