/**
 * The captions that a half-trained model gives its own training clips. Fine-tuning shows it questions after such captions,
 * mistakes included, so that it learns to weigh the choices by what it hears and not only by what it wrote.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../files.js';
import { type Bagpiper, loadBagpiper } from '../../tasks/index.js';
import { listShards, readShard } from './shards.js';

export interface RetellOptions {
  /** folder of `npm run corpus` for one split */
  corpus: string;
  /** model folder */
  model: string;
  /** JSON file for the captions; what is in it already is not made again */
  out: string;
  /** clips to describe, from the corpus's beginning */
  clips: number;
  threads: number;
  signal?: AbortSignal;
}

/** Requests in the engine at once. */
const TOGETHER = 4;

/** How many captions are made between two writings of the file. */
const WRITE_EVERY = 200;

/** Captions in the order of the corpus; fewer than asked for only where the signal stopped it. */
export async function retell(options: RetellOptions): Promise<string[]> {
  const { corpus, out, clips, threads, signal } = options;
  const captions = existsSync(out) ? (JSON.parse(readFileSync(out, 'utf8')) as string[]).slice(0, clips) : [];
  const paths = listShards(corpus)
    .flatMap((name) => {
      const { folder, records } = readShard(corpus, name);
      return records.map(({ audio }) => join(folder, audio));
    })
    .slice(0, clips);
  if (captions.length >= paths.length) return captions;
  const bagpiper = await loadBagpiper(options.model, { threads });
  try {
    while (captions.length < paths.length && !signal?.aborted) {
      const some = paths.slice(captions.length, captions.length + WRITE_EVERY);
      captions.push(...(await describeAll(bagpiper, some)));
      writeAtomically(out, JSON.stringify(captions));
      process.stderr.write(`own captions: ${captions.length}/${paths.length}\n`);
    }
  } finally {
    await bagpiper.close();
  }
  return captions;
}

async function describeAll(bagpiper: Bagpiper, paths: readonly string[]): Promise<string[]> {
  const captions: string[] = [];
  for (let at = 0; at < paths.length; at += TOGETHER) {
    const group = paths.slice(at, at + TOGETHER).map((path) => bagpiper.describe(path, { temperature: 0 }));
    for (const { caption } of await Promise.all(group)) captions.push(caption);
  }
  return captions;
}
