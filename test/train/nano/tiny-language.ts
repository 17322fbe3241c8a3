/** A language model of nano's form with one layer of 16, for tests of its training. */
import { type BagpiperConfig, parseConfig } from '../../../src/model/index.js';
import { NANO } from '../../../src/train/nano/settings.js';

/** Text ids of its tokenizer, and codes of each stream. */
export const [TEXT_IDS, CODES] = [500, 8];

/** @param more fields that differ */
export const tinyLanguage = (more: Readonly<Record<string, unknown>> = {}): BagpiperConfig =>
  parseConfig(
    {
      ...NANO,
      ...{
        hidden_size: 16,
        intermediate_size: 16,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 1,
      },
      ...{ head_dim: 8, adaptor_input_dim: 4, audio_config: { ...NANO.audio_config, output_dim: 4 } },
      ...{ text_token_end: 256 + TEXT_IDS, codec_base_offset: 256 + TEXT_IDS, codec_layer_size: CODES + 1 },
      vocab_size: 256 + TEXT_IDS + 8 * (CODES + 1),
      ...more,
    },
    'the tiny language model',
  );
