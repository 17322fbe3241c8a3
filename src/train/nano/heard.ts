/** What the frozen encoder and codec make of the corpus, computed once and kept on disk: features and codes of every clip. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadMono16k } from '../../audio/index.js';
import { BagpiperError } from '../../errors.js';
import { writeAtomically } from '../../files.js';
import type { AudioConfig, Codec } from '../../model/index.js';
import { float32ToHalf } from '../../weights/index.js';
import { encodeClips } from './prepare.js';
import type { Example } from './samples.js';
import { listShards, readShard, type Shard, shardMels } from './shards.js';

export interface HeardOptions {
  /** folder of `npm run corpus` for one split */
  corpus: string;
  mels: string;
  /** folder for features and codes; belongs to one encoder and one codec, see {@link claimHeard} */
  cache: string;
  encoder: ReadonlyMap<string, Float32Array>;
  /** sizes of that encoder */
  audio: AudioConfig;
  /** stays open; its decoder is not needed */
  codec: Pick<Codec, 'encode'>;
  threads: number;
  /** clips that are returned, from the first on; of the others it is only seen to that they are heard. Default: all */
  keep?: number;
  /** told after each shard that was not there yet */
  progress?: (done: number, total: number) => void;
  /** stops between shards, with its reason */
  signal?: AbortSignal;
}

/** Clips of a split with features and codes. */
export async function hearCorpus(options: HeardOptions): Promise<Example[]> {
  const { corpus, mels, cache, encoder, audio, codec, threads, keep = Number.POSITIVE_INFINITY } = options;
  const { progress, signal } = options;
  const examples: Example[] = [];
  const names = listShards(corpus);
  mkdirSync(cache, { recursive: true });
  for (const [number, name] of names.entries()) {
    signal?.throwIfAborted();
    const there = existsSync(join(cache, `${name}.codes`));
    const shard = readShard(corpus, name);
    const { length: count } = shard.records;
    const features = await once(join(cache, `${name}.features`), count, async () => {
      const pictures = await shardMels(shard, mels);
      const clips = shard.records.map(({ scene }, i) => ({ scene, mel: pictures[i] }));
      return encodeClips(clips, audio, encoder, threads);
    });
    const codes = await once(join(cache, `${name}.codes`), count, async () => {
      const rows: Float32Array[] = [];
      for (const { audio } of shard.records) {
        const { samples } = await loadMono16k(join(shard.folder, audio));
        rows.push(Float32Array.from(await codec.encode(samples)));
      }
      return rows;
    });
    if (examples.length < keep) examples.push(...examplesOf(shard, features, codes).slice(0, keep - examples.length));
    if (!there) progress?.(number + 1, names.length);
  }
  return examples;
}

/** Name of the file that says by whose weights what lies in a folder was heard. */
const HEARERS = 'hearers';

/**
 * Notes in a folder whose ears hear for it. What an encoder or codec of other weights heard would be taken for theirs.
 *
 * @param ears the weights that decide what is heard, no others
 * @throws BagpiperError where others heard for this folder
 */
export function claimHeard(folder: string, ...ears: readonly ReadonlyMap<string, Float32Array>[]): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, HEARERS);
  const ours = hashOf(ears);
  if (existsSync(path) && readFileSync(path, 'utf8').trim() !== ours && readdirSync(folder).length > 1) {
    throw new BagpiperError(
      `${folder} holds what another encoder or codec heard of the corpus; remove that folder, or train in another one.`,
    );
  }
  writeAtomically(path, `${ours}\n`);
}

/** SHA-256 of names and values, in the order of the names; of half floats, as which a finished model keeps what it was trained in more digits. */
function hashOf(networks: readonly ReadonlyMap<string, Float32Array>[]): string {
  const hash = createHash('sha256');
  for (const weights of networks) {
    for (const [name, values] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1))) {
      hash.update(`${name} ${values.length}\n`).update(float32ToHalf(values));
    }
  }
  return hash.digest('hex');
}

/** A shard's clips with what was heard of each. */
export function examplesOf(
  { records }: Shard,
  features: readonly Float32Array[],
  codes: readonly Float32Array[],
): Example[] {
  return records.map(({ scene }, i) => ({ scene, features: features[i], codes: Int32Array.from(codes[i]) }));
}

/** Arrays from a file, or computed and written there. A file of another count is of a shard that has grown since. */
async function once(path: string, count: number, compute: () => Promise<Float32Array[]>): Promise<Float32Array[]> {
  const there = existsSync(path) ? readArrays(path) : [];
  if (there.length === count) return there;
  const arrays = await compute();
  writeArrays(path, arrays);
  return arrays;
}

/** Writes arrays one behind the other, each with its length before it. */
export function writeArrays(path: string, arrays: readonly Float32Array[]): void {
  writeAtomically(path, (append) => {
    for (const array of arrays) {
      append(new Uint8Array(Uint32Array.of(array.length).buffer));
      append(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    }
  });
}

/** Arrays as {@link writeArrays} left them. */
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
