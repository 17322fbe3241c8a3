/** A model folder opened and checked: config, tokenizer, and every tensor that the networks will ask for. */
import { BagpiperError } from '../errors.js';
import { Tokenizer } from '../text/index.js';
import { type ModelFolder, openModelFolder, toFloat32 } from '../weights/index.js';
import { encoderTensors } from './audio-encoder.js';
import { CODEC_PREFIX, codecTensors, type NanoCodecConfig, parseNanoCodecConfig } from './codec/nano-config.js';
import { type BagpiperConfig, parseConfig } from './config.js';
import { languageModelTensors } from './language-model.js';

export interface Model {
  folder: ModelFolder;
  config: BagpiperConfig;
  tokenizer: Tokenizer;
  /** sizes of the small codec; null where the folder has none, and then the model cannot make sound */
  codec: NanoCodecConfig | null;
  /** numbers in all networks */
  parameters: number;
  /** a tensor's numbers as 32-bit floats */
  tensor(name: string): Float32Array;
}

/** A loss weight that published checkpoints carry; no network uses it. */
export const isUnused = (name: string): boolean => name === 'vocab_weight';

/**
 * Opens a model folder (config.json, tokenizer.json, model.safetensors or shards).
 *
 * @throws BagpiperError naming the file and the first tensor that is missing, unknown, misshaped or wrongly typed
 */
export function openModel(path: string): Model {
  const folder = openModelFolder(path);
  const config = parseConfig(folder.config, folder.configFile);
  const codec = codecOf(config, folder.configFile);
  const expected = expectedTensors(config, codec);
  folder.requireTensors(expected, { ignore: isUnused });
  const tokenizerFile = `${path}/tokenizer.json`;
  const tokenizer = Tokenizer.fromJson(folder.tokenizer(), tokenizerFile);
  const room = config.text_token_end - config.text_token_offset;
  if (tokenizer.vocabSize > room) {
    throw new BagpiperError(
      `${tokenizerFile} has ${tokenizer.vocabSize} tokens but ${folder.configFile} has room for ${room}; they belong to different models.`,
    );
  }
  const parameters = [...expected.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return { folder, config, tokenizer, codec, parameters, tensor: (name) => toFloat32(folder.tensor(name)) };
}

/** Every tensor that a model's networks ask for, with its shape. */
export function expectedTensors(config: BagpiperConfig, codec: NanoCodecConfig | null): Map<string, readonly number[]> {
  const expected = new Map<string, readonly number[]>(languageModelTensors(config));
  if (config.audio_config) for (const [name, shape] of encoderTensors(config.audio_config)) expected.set(name, shape);
  if (codec) for (const [name, shape] of codecTensors(codec)) expected.set(CODEC_PREFIX + name, shape);
  return expected;
}

function codecOf({ codec_config }: BagpiperConfig, where: string): NanoCodecConfig | null {
  if (codec_config?.type === 'xcodec') {
    throw new BagpiperError(`${where} asks for the codec "xcodec", which this version cannot run yet.`);
  }
  return codec_config && parseNanoCodecConfig(codec_config, where);
}
