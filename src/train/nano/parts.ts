/** A finished small model taken apart again, to be trained on. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { openModel } from '../../model/bagpiper.js';
import { CODEC_PREFIX, codecTensors, NANO_CODEC } from '../../model/codec/nano-config.js';
import { encoderTensors, languageModelTensors } from '../../model/index.js';
import { openSafetensors, toFloat32 } from '../../weights/index.js';
import type { NanoParameters } from './export.js';
import { ENCODER, nanoConfig } from './settings.js';

/** Its networks under the names that their trainers use, and its tokenizer.json. */
export interface NanoParts extends NanoParameters {
  language: Map<string, Float32Array>;
  encoder: Map<string, Float32Array>;
  codec: Map<string, Float32Array>;
  tokenizer: string;
}

/** @throws BagpiperError where the folder holds no model, or one of other sizes than nano's */
export function readParts(folder: string): NanoParts {
  const model = openModel(folder, { world: false });
  const take = (shapes: ReadonlyMap<string, readonly number[]>, prefix = ''): Map<string, Float32Array> =>
    new Map(
      [...shapes].map(([name, shape]) => {
        const values = Float32Array.from(model.tensor(prefix + name));
        if (values.length === shape.reduce((a, b) => a * b, 1)) return [name, values];
        throw new BagpiperError(`${folder} is not of nano's sizes (${prefix}${name}); train it with "bagpiper train".`);
      }),
    );
  return {
    language: take(languageModelTensors(nanoConfig())),
    encoder: take(encoderTensors(ENCODER)),
    codec: take(codecTensors(NANO_CODEC), CODEC_PREFIX),
    tokenizer: readFileSync(join(folder, 'tokenizer.json'), 'utf8'),
  };
}

/** All tensors of a file by name, in 32-bit floats. */
export function readTensors(path: string): Map<string, Float32Array> {
  const file = openSafetensors(path);
  return new Map([...file.tensors.keys()].map((name) => [name, toFloat32(file.tensor(name))]));
}

/** The encoder of a model folder, or of a folder where one was trained, which has the heads of its training, too. */
export function readEncoder(folder: string): Map<string, Float32Array> {
  const trained = join(folder, 'encoder.safetensors');
  return existsSync(trained) ? readTensors(trained) : readParts(folder).encoder;
}
