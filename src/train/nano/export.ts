/** Writes nano as a model folder: config, tokenizer, and every network's tensors in one file of half floats. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../files.js';
import { CODEC_PREFIX, codecTensors, NANO_CODEC } from '../../model/codec/nano-config.js';
import { encoderTensors, languageModelTensors, WORLD_FILE } from '../../model/index.js';
import { float32ToHalf, openSafetensors, type TensorInput, toFloat32, writeSafetensors } from '../../weights/index.js';
import { ENCODER, NANO, nanoConfig } from './settings.js';

/** Parameters of the networks, under the names that their trainers use. */
export interface NanoParameters {
  language: ReadonlyMap<string, Float32Array>;
  /** with the checkpoint's prefix; the heads of pre-training are left out */
  encoder: ReadonlyMap<string, Float32Array>;
  /** without the prefix */
  codec: ReadonlyMap<string, Float32Array>;
}

/** @param tokenizer text of tokenizer.json @param metadata for the header of model.safetensors: steps and seeds */
export function exportModel(
  folder: string,
  tokenizer: string,
  parameters: NanoParameters,
  metadata: Readonly<Record<string, string>> = {},
): void {
  mkdirSync(folder, { recursive: true });
  const tensors: TensorInput[] = [];
  const put = (shapes: ReadonlyMap<string, readonly number[]>, from: NanoParameters['codec'], prefix = '') => {
    for (const [name, shape] of shapes) {
      tensors.push({ name: prefix + name, shape, dtype: 'F16', data: () => float32ToHalf(from.get(name)!) });
    }
  };
  put(languageModelTensors(nanoConfig()), parameters.language);
  put(encoderTensors(ENCODER), parameters.encoder);
  put(codecTensors(NANO_CODEC), parameters.codec, CODEC_PREFIX);
  writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt', ...metadata });
  writeText(join(folder, 'tokenizer.json'), tokenizer);
  writeText(join(folder, 'config.json'), `${JSON.stringify(NANO, null, 2)}\n`);
}

function writeText(path: string, text: string): void {
  writeAtomically(path, text);
}

/**
 * Copies a trained model to where it is shipped, with the codec's decoder as it is now: that part may go on learning while
 * the language model does, since it does not change the codes. Statistics of an earlier encoder's hearing go.
 *
 * @param codec path of codec.safetensors; absent: the model's own
 */
export function installModel(model: string, codec: string | undefined, out: string): void {
  const from = openSafetensors(join(model, 'model.safetensors'));
  const newer = codec === undefined ? undefined : openSafetensors(codec);
  const tensors: TensorInput[] = [...from.tensors.keys()].map((name) => {
    const decoder = newer && name.startsWith(CODEC_PREFIX);
    const tensor = decoder ? newer.tensor(name.slice(CODEC_PREFIX.length)) : from.tensor(name);
    return { name, dtype: 'F16', shape: tensor.shape, data: () => float32ToHalf(toFloat32(tensor)) };
  });
  mkdirSync(out, { recursive: true });
  rmSync(join(out, WORLD_FILE), { force: true });
  writeSafetensors(join(out, 'model.safetensors'), tensors, Object.fromEntries(from.metadata));
  for (const name of ['tokenizer.json', 'config.json'])
    writeText(join(out, name), readFileSync(join(model, name), 'utf8'));
}
