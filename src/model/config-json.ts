/**
 * Writing `config.json`: our fields, and beside them what the ESPnet fork of vLLM looks for (the decoder under `text_config`,
 * the encoder's unused settings, its names for decoding defaults), so that one folder serves both. Field names:
 * espnet/vllm, examples/espnet/convert/bootstrap_assets.py.
 */
import type { BagpiperConfig } from './config.js';
import type { JsonObject } from './config-reader.js';

/** Of Qwen3-Omni's audio encoder: without meaning when it runs, but the fork's configuration class has them. */
const ENCODER_EXTRAS = {
  model_type: 'bagpiper_audio_encoder',
  dropout: 0,
  attention_dropout: 0,
  activation_function: 'gelu',
  activation_dropout: 0,
  scale_embedding: false,
  initializer_range: 0.02,
  max_source_positions: 1500,
  conv_chunksize: 500,
};

/**
 * The content of `config.json`. What the model's own file says stays; what it lacks is filled in.
 *
 * @param own the parsed file that the model came with; {} where it had none
 */
export function configJson(config: BagpiperConfig, own: JsonObject): JsonObject {
  const { audio_config, codec_config, chat, generation, ...fields } = config;
  const { text, audio } = generation;
  const decoder = {
    vocab_size: config.vocab_size,
    hidden_size: config.hidden_size,
    intermediate_size: config.intermediate_size,
    num_hidden_layers: config.num_hidden_layers,
    num_attention_heads: config.num_attention_heads,
    num_key_value_heads: config.num_key_value_heads,
    head_dim: config.head_dim,
    hidden_act: 'silu',
    max_position_embeddings: config.max_position_embeddings,
    initializer_range: 0.02,
    rms_norm_eps: config.rms_norm_eps,
    use_cache: true,
    tie_word_embeddings: false,
    rope_theta: config.rope_theta,
    attention_bias: false,
    attention_dropout: 0,
  };
  return {
    ...fields,
    initializer_range: 0.02,
    tie_word_embeddings: false,
    audio_placeholder_token_id: config.audio_token_id,
    text_temperature: text.temperature,
    text_topk: text.topk,
    audio_temperature: audio.temperature,
    audio_topk: audio.topk,
    ...(codec_config?.type === 'xcodec'
      ? { xcodec_hf_model_tag: 'hf-audio/xcodec-hubert-general', xcodec_sample_rate: 16000 }
      : {}),
    generation,
    ...(chat.system === null ? {} : { chat }),
    ...own,
    ...(codec_config ? { codec_config } : {}),
    text_config: { model_type: 'bagpiper_text', ...decoder, ...objectOf(own.text_config) },
    ...(audio_config ? { audio_config: { ...ENCODER_EXTRAS, ...audio_config, ...objectOf(own.audio_config) } } : {}),
    architectures: ['BagpiperForConditionalGeneration'],
    model_type: 'bagpiper',
  };
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}
