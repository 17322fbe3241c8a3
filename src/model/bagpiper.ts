/** A model folder opened and checked: config, tokenizer, and every tensor that the networks will ask for. */
import { BagpiperError } from '../errors.js';
import { Tokenizer } from '../text/index.js';
import { type ModelFolder, openModelFolder, openWeights, type StoredWeights, toFloat32 } from '../weights/index.js';
import { encoderTensors } from './audio-encoder.js';
import { CODEC_PREFIX, codecTensors, type NanoCodecConfig, parseNanoCodecConfig } from './codec/nano-config.js';
import { parseXcodecConfig, type XcodecConfig } from './codec/xcodec-config.js';
import { isUnusedByXcodec, xcodecTensors } from './codec/xcodec-weights.js';
import { type BagpiperConfig, parseConfig } from './config.js';
import { languageModelTensors } from './language-model.js';
import { textTokenizer } from './serving.js';
import { ENCODER_STAMP, readWorld, WORLD_FILE, type World } from './world.js';

export interface Model extends StoredWeights {
  folder: ModelFolder;
  config: BagpiperConfig;
  tokenizer: Tokenizer;
  /** sizes of the codec; null where the folder has none, and then the model cannot make sound */
  codec: CodecSizes | null;
  /** statistics of the sounds that it was trained on; null where the folder has none */
  world: World | null;
  /** numbers in all networks */
  parameters: number;
}

export type CodecSizes = NanoCodecConfig | XcodecConfig;

/** Tensors that published checkpoints carry and no network uses: a loss weight, and X-Codec's leftovers from training. */
export function isUnused(name: string): boolean {
  return (
    name === 'vocab_weight' || (name.startsWith(CODEC_PREFIX) && isUnusedByXcodec(name.slice(CODEC_PREFIX.length)))
  );
}

/**
 * Opens a model folder (config.json, tokenizer.json, model.safetensors or shards, and world.safetensors where it is there).
 *
 * @param options `world`: false leaves world.safetensors unread
 * @throws BagpiperError naming the file and the first tensor that is missing, unknown, misshaped or wrongly typed
 */
export function openModel(path: string, { world: known = true } = {}): Model {
  const folder = openModelFolder(path);
  const config = parseConfig(folder.config, folder.configFile);
  const codec = codecOf(config, folder.configFile);
  const expected = expectedTensors(config, codec, (name) => folder.tensors.has(name));
  const weights = openWeights(folder, expected, { ignore: isUnused });
  const tokenizer = openTokenizer(folder.tokenizer(), config, `${path}/tokenizer.json`, folder.configFile);
  const parameters = [...expected.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const world = known ? worldOf(folder, config) : null;
  return { folder, config, tokenizer, codec, world, parameters, ...weights };
}

/** The folder's training statistics, checked. @throws BagpiperError where they are damaged or belong to another encoder */
function worldOf(folder: ModelFolder, { audio_config }: BagpiperConfig): World | null {
  const file = audio_config && folder.beside(WORLD_FILE);
  return file ? readWorld(file, audio_config, toFloat32(folder.tensor(ENCODER_STAMP))) : null;
}

/**
 * The tokenizer of a model, from a parsed tokenizer.json with ids of its own or with those of the model.
 *
 * @param file names it in messages, `configFile` the config
 * @throws BagpiperError where it is none, or has more tokens than the model has text ids
 */
export function openTokenizer(json: unknown, config: BagpiperConfig, file: string, configFile: string): Tokenizer {
  const tokenizer = Tokenizer.fromJson(textTokenizer(json, config), file);
  const room = config.text_token_end - config.text_token_offset;
  if (tokenizer.vocabSize <= room) return tokenizer;
  throw new BagpiperError(
    `${file} has ${tokenizer.vocabSize} tokens but ${configFile} has room for ${room}; they belong to different models.`,
  );
}

/**
 * Every tensor that a model's networks ask for, with its shape. Where a codec's kernels may be spelled in several ways, the
 * names that the folder `has` decide; left out, the published ones are expected.
 */
export function expectedTensors(
  config: BagpiperConfig,
  codec: CodecSizes | null,
  has: (name: string) => boolean = () => false,
): Map<string, readonly number[]> {
  const expected = new Map<string, readonly number[]>(languageModelTensors(config));
  if (config.audio_config) for (const [name, shape] of encoderTensors(config.audio_config)) expected.set(name, shape);
  if (codec) {
    const own =
      codec.type === 'xcodec' ? xcodecTensors(codec, (name) => has(CODEC_PREFIX + name)) : codecTensors(codec);
    for (const [name, shape] of own) expected.set(CODEC_PREFIX + name, shape);
  }
  return expected;
}

/** The codec's sizes, checked. @throws BagpiperError naming `where` and the field */
export function codecOf({ codec_config }: BagpiperConfig, where: string): CodecSizes | null {
  if (codec_config === null) return null;
  const block = `${where}, codec_config`;
  return codec_config.type === 'xcodec'
    ? parseXcodecConfig(codec_config, block)
    : parseNanoCodecConfig(codec_config, where);
}
