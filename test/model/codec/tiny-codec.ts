/** A codec of some thousand random numbers, for tests of everything but the quality. */
import {
  codecTensors,
  type NanoCodecConfig,
  parseNanoCodecConfig,
  SUB_FRAMES,
} from '../../../src/model/codec/nano-config.js';
import { Random } from '../../../src/random.js';

export const TINY: NanoCodecConfig = parseNanoCodecConfig(
  {
    type: 'nano-codec',
    mel_bands: 8,
    dims: 6,
    codebooks: 3,
    codebook_size: 5,
    width: 12,
    blocks: 2,
    fine_width: 8,
    fine_blocks: 1,
  },
  'the tiny codec',
);

/**
 * Random tensors of every name that `config` asks for. The first codebook's row 0 is what silence projects to and the
 * others' is zero, so a frame of zeros is silence.
 */
export function tinyTensors(config = TINY, seed = 'tiny codec'): Map<string, Float32Array> {
  const random = new Random(seed);
  const tensors = new Map<string, Float32Array>();
  for (const [name, shape] of codecTensors(config)) {
    const length = shape.reduce((a, b) => a * b, 1);
    const scale = name.startsWith('decoder') ? 1 / Math.sqrt(shape.at(-1)!) : 1;
    tensors.set(
      name,
      Float32Array.from({ length }, () => random.normal() * scale),
    );
  }
  const width = SUB_FRAMES * config.mel_bands;
  const [mean, projection] = [tensors.get('encoder.mean')!, tensors.get('encoder.projection')!];
  const silence = Array.from(
    { length: config.dims },
    (_, d) => -mean.reduce((sum, m, i) => sum + m * projection[d * width + i], 0),
  );
  for (let k = 0; k < config.codebooks; k++) {
    tensors.get(`quantizer.codebooks.${k}`)!.set(k === 0 ? silence : new Float32Array(config.dims));
  }
  return tensors;
}

export function randomCodes(frames: number, config = TINY, seed = 'codes'): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length: frames * config.codebooks }, () => random.int(config.codebook_size));
}

export function noise(length: number, seed = 'noise', level = 0.3): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.normal() * level);
}

/** Largest difference of two lists of equal length. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}
