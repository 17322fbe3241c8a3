/** What the frozen encoder and codec make of the corpus, computed once and kept on disk: features and codes of every clip. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadMono16k } from '../../audio/index.js';
import { writeAtomically } from '../../files.js';
import { NanoCodec } from '../../model/codec/nano.js';
import { NANO_CODEC } from '../../model/codec/nano-config.js';
import { encodeClips } from './prepare.js';
import type { Example } from './samples.js';
import { ENCODER } from './settings.js';
import { listShards, readShard, shardMels } from './shards.js';

export interface HeardOptions {
  /** folder of `npm run corpus` for one split */
  corpus: string;
  mels: string;
  /** folder for features and codes; belongs to one encoder and one codec */
  cache: string;
  encoder: ReadonlyMap<string, Float32Array>;
  /** fitted codebooks; the decoder's part is not needed */
  codec: ReadonlyMap<string, Float32Array>;
  threads: number;
}

/** Every clip of a split with features and codes. */
export async function hearCorpus(options: HeardOptions): Promise<Example[]> {
  const { corpus, mels, cache, threads } = options;
  mkdirSync(cache, { recursive: true });
  const codec = NanoCodec.load(options.codec, NANO_CODEC, { threads });
  const examples: Example[] = [];
  for (const name of listShards(corpus)) {
    const shard = readShard(corpus, name);
    const features = await once(join(cache, `${name}.features`), async () => {
      const pictures = await shardMels(shard, mels);
      const clips = shard.records.map(({ scene }, i) => ({ scene, mel: pictures[i] }));
      return encodeClips(clips, ENCODER, options.encoder, threads);
    });
    const codes = await once(join(cache, `${name}.codes`), async () => {
      const rows: Float32Array[] = [];
      for (const { audio } of shard.records) {
        const { samples } = await loadMono16k(join(shard.folder, audio));
        rows.push(Float32Array.from(await codec.encode(samples)));
      }
      return rows;
    });
    shard.records.forEach(({ scene }, i) => {
      examples.push({ scene, features: features[i], codes: Int32Array.from(codes[i]) });
    });
  }
  await codec.release();
  return examples;
}

/** Arrays from a file, or computed and written there: each with its length before it. */
async function once(path: string, compute: () => Promise<Float32Array[]>): Promise<Float32Array[]> {
  if (!existsSync(path)) {
    const arrays = await compute();
    writeAtomically(path, (append) => {
      for (const array of arrays) {
        append(new Uint8Array(Uint32Array.of(array.length).buffer));
        append(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      }
    });
    return arrays;
  }
  return readArrays(path);
}

/** Arrays as they were written: each with its length before it. */
export function readArrays(path: string): Float32Array[] {
  const { buffer, byteOffset, length } = readFileSync(path);
  const bytes = buffer.slice(byteOffset, byteOffset + length);
  const arrays: Float32Array[] = [];
  for (let at = 0; at < length; ) {
    const size = new Uint32Array(bytes, at, 1)[0];
    arrays.push(new Float32Array(bytes, at + 4, size));
    at += 4 + 4 * size;
  }
  return arrays;
}
