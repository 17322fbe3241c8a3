/** A trained model as a folder: the language model as it is now, everything else as in the folder that it started from. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../files.js';
import type { Model } from '../../model/bagpiper.js';
import { type JsonObject, languageModelTensors, parseConfig } from '../../model/index.js';
import {
  type DType,
  float32ToBfloat16,
  float32ToHalf,
  type TensorInput,
  writeSafetensors,
} from '../../weights/index.js';

const CONVERT: Partial<Record<DType, (values: Float32Array) => Uint16Array>> = {
  F16: float32ToHalf,
  BF16: float32ToBfloat16,
};

/**
 * Writes config.json, tokenizer.json and model.safetensors, each whole or not at all. Matrices keep the number format that
 * they have in the start's folder. Statistics of the start's training sounds stay behind: they would call the very sounds
 * foreign that the model was tuned on.
 *
 * @param config the new config.json, as JSON @param language parameters by name
 * @param metadata for the header of model.safetensors
 * @throws BagpiperError where the disk is full or the folder cannot be written
 */
export function writeTunedModel(
  folder: string,
  start: Model,
  config: JsonObject,
  language: ReadonlyMap<string, Float32Array>,
  metadata: Readonly<Record<string, string>>,
): void {
  mkdirSync(folder, { recursive: true });
  const shapes = languageModelTensors(parseConfig(config, join(folder, 'config.json')));
  const tensors: TensorInput[] = [];
  for (const [name, shape] of shapes) {
    const { dtype } = start.folder.tensors.get(name) ?? { dtype: 'F32' };
    const convert = CONVERT[dtype];
    const data = language.get(name)!;
    tensors.push(convert ? { name, dtype, shape, data: () => convert(data) } : { name, dtype: 'F32', shape, data });
  }
  for (const [name, { dtype, shape }] of start.folder.tensors) {
    if (!isLanguage(name)) tensors.push({ name, dtype, shape, data: () => start.folder.tensor(name).data });
  }
  writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt', ...metadata });
  const tokenizer = readFileSync(join(start.folder.path, 'tokenizer.json'));
  writeAtomically(join(folder, 'tokenizer.json'), (append) => append(tokenizer));
  const text = `${JSON.stringify(config, null, 2)}\n`;
  writeAtomically(join(folder, 'config.json'), text);
}

/** Whether a tensor of a folder is the language model's, also in a folder of other sizes. */
const isLanguage = (name: string): boolean => /^(model\.|lm_head\.|stream_emb\.|adaptor\.|vocab_weight$)/.test(name);
