/** A model folder of the small model's shape with random weights: it talks nonsense, but every part of it runs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scene } from '../../src/corpus/index.js';
import { CODEC_PREFIX, codecTensors, NANO_CODEC, parseNanoCodecConfig } from '../../src/model/codec/nano-config.js';
import { encoderTensors, languageModelTensors, parseConfig } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { trainTokenizer } from '../../src/train/nano/prepare.js';
import { NANO } from '../../src/train/nano/settings.js';
import { writeSafetensors } from '../../src/weights/index.js';

const TEXT_IDS = 400;
const FIRST_TEXT = 256;
const CODES = 16;

const SIZES = {
  ...{ hidden_size: 32, intermediate_size: 48, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1 },
  ...{ head_dim: 16, adaptor_input_dim: 16 },
  ...{ text_token_end: FIRST_TEXT + TEXT_IDS, codec_base_offset: FIRST_TEXT + TEXT_IDS, codec_layer_size: CODES + 1 },
  vocab_size: FIRST_TEXT + TEXT_IDS + 8 * (CODES + 1),
  audio_config: {
    ...NANO.audio_config,
    ...{ d_model: 16, encoder_layers: 1, encoder_attention_heads: 2, encoder_ffn_dim: 16, output_dim: 16 },
    downsample_hidden_size: 4,
  },
  codec_config: {
    ...NANO_CODEC,
    ...{ mel_bands: 16, dims: 8, codebook_size: CODES, width: 8, blocks: 1, fine_width: 8, fine_blocks: 1 },
  },
  generation: { text: { max_step: 16 }, audio: { min_step: 12, max_step: 24 } },
};

/** Writes the folder. @param scenes whose words the tokenizer is made of */
export async function writeRandomModel(folder: string, scenes: readonly Scene[]): Promise<void> {
  const json = { ...NANO, ...SIZES };
  const config = parseConfig(json, 'the random model');
  const codec = parseNanoCodecConfig(json.codec_config, 'the random model');
  const shapes = new Map([
    ...languageModelTensors(config),
    ...encoderTensors(config.audio_config!),
    ...[...codecTensors(codec)].map(([name, shape]) => [CODEC_PREFIX + name, shape] as const),
  ]);
  const random = new Random('random model');
  const tensors = [...shapes].map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return {
      name,
      shape,
      dtype: 'F32' as const,
      data: Float32Array.from({ length: size }, () => 0.2 * random.normal()),
    };
  });
  mkdirSync(folder, { recursive: true });
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' });
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(trainTokenizer(scenes, TEXT_IDS, 'random').json));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json));
}
