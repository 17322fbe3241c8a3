/** The corpus on disk as the trainers of nano see it: shards with records, audio, and what was computed of it once. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadMono16k, logMel } from '../../audio/index.js';
import type { CorpusRecord } from '../../corpus/index.js';
import { BagpiperError } from '../../errors.js';
import { writeAtomically } from '../../files.js';

/** One complete shard of `npm run corpus`. */
export interface Shard {
  name: string;
  folder: string;
  records: CorpusRecord[];
}

/**
 * Complete shards in order of name.
 *
 * @throws BagpiperError where there are none
 */
export function listShards(corpus: string): string[] {
  const found = existsSync(corpus) ? readdirSync(corpus) : null;
  const shards = (found ?? [])
    .filter((name) => name.startsWith('shard-') && existsSync(join(corpus, name, 'records.jsonl')))
    .sort();
  if (shards.length > 0) return shards;
  const state = found ? 'holds no finished shards' : 'does not exist';
  throw new BagpiperError(`${corpus} ${state}. Make a corpus first: npm run corpus -- --out ${corpus}`);
}

export function readShard(corpus: string, name: string): Shard {
  const folder = join(corpus, name);
  const lines = readFileSync(join(folder, 'records.jsonl'), 'utf8').split('\n');
  return { name, folder, records: lines.filter(Boolean).map((line) => JSON.parse(line) as CorpusRecord) };
}

/** A log-mel picture in bytes: the recipe's values span at most 2 below their maximum, so a step is 2/255. */
export interface ByteMel {
  frames: number;
  /** largest value of the picture */
  top: number;
  /** [128, frames], 255 = top, 0 = top - 2 */
  bytes: Uint8Array;
}

const BANDS = 128;

/** Seconds of a picture's frame. */
export const FRAME_SECONDS = 0.01;

/** The float values of some frames, [128, count], into `out` with row stride `stride`; frames beyond the end stay 0. */
export function melFrames(
  mel: ByteMel,
  start: number,
  count: number,
  out: Float32Array,
  offset: number,
  stride: number,
): void {
  const base = mel.top - 2;
  const end = Math.min(mel.frames, start + count);
  for (let band = 0; band < BANDS; band++) {
    for (let t = start; t < end; t++)
      out[offset + band * stride + t - start] = base + (mel.bytes[band * mel.frames + t] * 2) / 255;
  }
}

/** The log-mel pictures of a shard's clips, computed once (training recipe) and kept under `cache`. */
export async function shardMels(shard: Shard, cache: string): Promise<ByteMel[]> {
  const path = join(cache, `${shard.name}.mel`);
  const there = existsSync(path) ? readMels(path) : [];
  // Another count is that of a shard that has grown since.
  if (there.length === shard.records.length) return there;
  await writeMels(shard, path);
  return readMels(path);
}

function readMels(path: string): ByteMel[] {
  const file = readFileSync(path);
  const mels: ByteMel[] = [];
  let at = 0;
  while (at < file.length) {
    const frames = file.readUInt32LE(at);
    const top = file.readFloatLE(at + 4);
    mels.push({ frames, top, bytes: new Uint8Array(file.buffer, file.byteOffset + at + 8, BANDS * frames) });
    at += 8 + BANDS * frames;
  }
  return mels;
}

async function writeMels(shard: Shard, path: string): Promise<void> {
  const parts: Buffer[] = [];
  for (const record of shard.records) {
    const { samples } = await loadMono16k(join(shard.folder, record.audio));
    const { data, frames } = logMel(samples, { recipe: 'training' });
    let top = Number.NEGATIVE_INFINITY;
    for (const x of data) if (x > top) top = x;
    const head = Buffer.alloc(8);
    head.writeUInt32LE(frames, 0);
    head.writeFloatLE(top, 4);
    const bytes = Buffer.alloc(data.length);
    for (let i = 0; i < data.length; i++)
      bytes[i] = Math.max(0, Math.min(255, Math.round((data[i] - top + 2) * 127.5)));
    parts.push(head, bytes);
  }
  mkdirSync(dirname(path), { recursive: true });
  writeAtomically(path, Buffer.concat(parts));
}
