/**
 * What a model folder knows of the sounds that the model was trained on: statistics of its audio encoder's features, in
 * `world.safetensors`. With them a heard sound gets a novelty score. Formula: docs/model.md, "Novelty".
 */
import { BagpiperError } from '../errors.js';
import { type Safetensors, toFloat32 } from '../weights/index.js';
import { ENCODER_PREFIX } from './audio-encoder.js';
import type { AudioConfig } from './config.js';

/** Name of the file in a model folder. It is optional. */
export const WORLD_FILE = 'world.safetensors';
/** Metadata `format` and `version` of the file. */
export const WORLD_FORMAT = { format: 'bagpiper-world', version: '1' } as const;
/** The tensor by which the file knows its encoder: any training changes it, and no conversion does. */
export const ENCODER_STAMP = `${ENCODER_PREFIX}proj2.bias`;

/** Statistics of features; D is the encoder's `output_dim`. */
export interface WorldStatistics {
  /** [D] */
  mean: Float32Array;
  /** [n, D]: directions in which features scatter by 1 around the nearest centre */
  directions: Float32Array;
  /** [centres, n]: kinds of tokens, along the directions */
  centres: Float32Array;
  /** [m, D]: the directions of most variance, scaled to variance 1 */
  leading: Float32Array;
  /** how much the strength along the leading directions excuses */
  exponent: number;
}

export interface World extends WorldStatistics {
  threshold: number;
}

const TENSORS = ['mean', 'directions', 'centres', 'leading', 'encoder'] as const;
type Name = (typeof TENSORS)[number];

/**
 * Reads the statistics.
 *
 * @param stamp numbers of {@link ENCODER_STAMP} in the model
 * @throws BagpiperError where the file is not as it must be, or was made with another encoder
 */
export function readWorld(file: Safetensors, { output_dim: width }: AudioConfig, stamp: Float32Array): World {
  const remake = 'make it again (npm run train:nano -- --only world --out FOLDER) or remove it';
  const refuse = (what: string): never => {
    throw new BagpiperError(`${file.file} ${what}; ${remake}.`);
  };
  const { metadata, tensors } = file;
  if (metadata.get('format') !== WORLD_FORMAT.format || metadata.get('version') !== WORLD_FORMAT.version) {
    refuse(`is no file of training statistics in the format ${WORLD_FORMAT.format} ${WORLD_FORMAT.version}`);
  }
  const shape = (name: Name, axes: number): readonly number[] => {
    const info = tensors.get(name);
    const sizes = info?.shape ?? [];
    if (!info || sizes.length !== axes || sizes.some((size) => size < 1) || !/^(F32|F16)$/.test(info.dtype)) {
      refuse(`lacks tensor "${name}" with ${axes === 1 ? 'one axis' : 'two axes'} in F32 or F16`);
    }
    return sizes;
  };
  const [along] = shape('directions', 2);
  const wanted: Record<Name, readonly number[]> = {
    mean: [width],
    directions: [along, width],
    centres: [shape('centres', 2)[0], along],
    leading: [shape('leading', 2)[0], width],
    encoder: [width],
  };
  const numbers = (name: Name): Float32Array => {
    const found = shape(name, wanted[name].length);
    if (found.join() !== wanted[name].join()) {
      refuse(`holds tensor "${name}" as [${found.join(', ')}]; [${wanted[name].join(', ')}] is expected`);
    }
    const values = toFloat32(file.tensor(name));
    if (!values.every(Number.isFinite)) refuse(`holds numbers in tensor "${name}" that are not finite`);
    return values;
  };
  const setting = (name: string): number => {
    const value = Number(metadata.get(name) || Number.NaN);
    if (!Number.isFinite(value)) refuse(`gives no number for "${name}" in its metadata`);
    return value;
  };
  const known = numbers('encoder');
  if (known.some((x, i) => x !== stamp[i])) {
    refuse('was made with another audio encoder than that of this model');
  }
  return {
    mean: numbers('mean'),
    directions: numbers('directions'),
    centres: numbers('centres'),
    leading: numbers('leading'),
    exponent: setting('exponent'),
    threshold: setting('threshold'),
  };
}

/** Keeps logarithms finite. */
const LEAST = 1e-6;

/**
 * The novelty of a stretch of sound: the mean over tokens of log d - exponent log s, where d is the squared distance to
 * the nearest centre and s the mean square along the leading directions.
 *
 * @param features of the audio encoder, [tokens, D], at least one token
 */
export function noveltyScore(statistics: WorldStatistics, features: Float32Array): number {
  const { mean, directions, centres, leading, exponent } = statistics;
  const width = mean.length;
  const along = directions.length / width;
  const tokens = features.length / width;
  const x = new Float32Array(width);
  const place = new Float32Array(along);
  const strength = new Float32Array(leading.length / width);
  let sum = 0;
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < width; i++) x[i] = features[t * width + i] - mean[i];
    project(directions, x, place);
    project(leading, x, strength);
    const distance = nearestDistance(centres, place);
    let square = 0;
    for (const y of strength) square += y * y;
    sum += Math.log(distance + LEAST) - exponent * Math.log(square / strength.length + LEAST);
  }
  return sum / tokens;
}

/** matrix [rows, x.length] times x. */
export function project(matrix: Float32Array, x: Float32Array, out: Float32Array): void {
  const width = x.length;
  for (let r = 0; r < out.length; r++) {
    let dot = 0;
    for (let i = 0, at = r * width; i < width; i++, at++) dot += matrix[at] * x[i];
    out[r] = dot;
  }
}

function nearestDistance(centres: Float32Array, place: Float32Array): number {
  const width = place.length;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < centres.length; at += width) {
    let distance = 0;
    for (let i = 0; i < width && distance < least; i++) {
      const apart = place[i] - centres[at + i];
      distance += apart * apart;
    }
    if (distance < least) least = distance;
  }
  return least;
}
