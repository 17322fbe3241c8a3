/** The codec of a converted model, alone: coding a clip and decoding codes. */
import { openModel } from '../../src/model/bagpiper.js';
import { openCodec } from '../../src/model/codec/open.js';
import { Random } from '../../src/random.js';
import { clip } from '../clip.js';
import { secondsSince } from '../measure.js';
import type { JobSettings } from './scale.js';

/** Seconds a second of sound; the first time graphs are compiled, which is not counted. */
export interface NetworkRates {
  decode: number;
  encode: number;
}

export async function networkRates({ folder, threads, steps }: JobSettings): Promise<NetworkRates> {
  const codec = openCodec(openModel(folder), threads)!;
  const samples = clip(steps.clip);
  const random = new Random('codes');
  const frames = Math.ceil(samples.length / codec.hop);
  const codes = Int32Array.from({ length: frames * codec.codebooks }, () => random.int(codec.codebookSize));
  await codec.decode(codes.subarray(0, 4 * codec.codebooks));
  let start = performance.now();
  await codec.decode(codes);
  const decode = secondsSince(start) / steps.clip;
  await codec.encode(clip(steps.clip / 4));
  start = performance.now();
  await codec.encode(samples);
  const encode = secondsSince(start) / steps.clip;
  await codec.release();
  return { decode, encode };
}
