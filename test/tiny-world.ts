/** Training statistics for the folder of {@link writeTinyModel}: every score is the logarithm of a feature's squared length. */
import { join } from 'node:path';
import { ENCODER_STAMP } from '../src/model/index.js';
import { openSafetensors, type TensorInput, toFloat32, writeSafetensors } from '../src/weights/index.js';
import { TINY } from './tiny-model.js';

export interface TinyWorld {
  tensors: TensorInput[];
  metadata: Record<string, string>;
}

/** @param change breaks something on purpose before it is written @returns the file */
export function writeTinyWorld(
  folder: string,
  threshold: number,
  change: (world: TinyWorld) => TinyWorld = (world) => world,
): string {
  const width = TINY.audio_config.output_dim;
  const put = (name: string, shape: number[], at: (i: number) => number): TensorInput => {
    return {
      name,
      dtype: 'F32',
      shape,
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => at(i)),
    };
  };
  const stamp = toFloat32(openSafetensors(join(folder, 'model.safetensors')).tensor(ENCODER_STAMP));
  const { tensors, metadata } = change({
    tensors: [
      put('mean', [width], () => 0),
      put('directions', [width, width], (i) => (i % (width + 1) === 0 ? 1 : 0)),
      put('centres', [1, width], () => 0),
      put('leading', [1, width], () => 1),
      put('encoder', [width], (i) => stamp[i]),
    ],
    metadata: { format: 'bagpiper-world', version: '1', exponent: '0', threshold: String(threshold) },
  });
  const file = join(folder, 'world.safetensors');
  writeSafetensors(file, tensors, metadata);
  return file;
}
