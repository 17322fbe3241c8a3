/** A shard: some dozens of scenes in one folder, complete when its records.jsonl is there. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeWav } from '../audio/index.js';
import { removeLeftovers, writeFileAtomically } from '../files.js';
import { Random } from '../random.js';
import { composeScene } from './compose.js';
import { type Content, planScene } from './plan.js';
import type { CorpusRecord, Scene } from './scene.js';
import { RATE } from './sources/dsp.js';
import { makeWords } from './words/index.js';

/** Scenes in a full shard: half a minute of work, so that little is lost when a run is stopped. */
export const SHARD_SCENES = 64;

/** Which scenes a shard holds. */
export interface ShardPlan {
  out: string;
  seed: string;
  split: Scene['split'];
  content: Content;
  index: number;
  /** number of the first scene and how many follow */
  first: number;
  count: number;
}

/** Folder of a shard inside the corpus. */
export function shardFolder(out: string, index: number): string {
  return join(out, `shard-${String(index).padStart(5, '0')}`);
}

/** Whether the shard was finished, by this run or an earlier one; a last shard that must grow is not. */
export function isComplete(plan: ShardPlan): boolean {
  try {
    const text = readFileSync(join(shardFolder(plan.out, plan.index), 'records.jsonl'), 'utf8');
    return text.split('\n').length - 1 >= plan.count;
  } catch {
    return false;
  }
}

/**
 * Makes one record and its audio.
 * @param seed "SEED/SPLIT/NUMBER"
 * @returns the record (its `audio` relative to records.jsonl) and mono samples at 16 kHz
 * @throws BagpiperError when a synthesizer package is not installed
 */
export async function makeRecord(
  seed: string,
  split: Scene['split'],
  content: Content = 'all',
): Promise<{ record: CorpusRecord; samples: Float32Array }> {
  const { scene, stems } = await planScene(seed, split, content);
  const samples = composeScene(scene, stems);
  const words = makeWords(scene, new Random(`${seed}/words`));
  return { record: { scene, audio: `audio/${scene.id}.wav`, ...words }, samples };
}

/**
 * Writes a shard: audio files first, then records.jsonl under its final name in one step.
 * @param onScene called after each scene with its seconds
 */
export async function writeShard(plan: ShardPlan, onScene: (seconds: number) => void): Promise<void> {
  const folder = shardFolder(plan.out, plan.index);
  await mkdir(join(folder, 'audio'), { recursive: true });
  const lines: string[] = [];
  for (let i = plan.first; i < plan.first + plan.count; i++) {
    const { record, samples } = await makeRecord(`${plan.seed}/${plan.split}/${i}`, plan.split, plan.content);
    await writeFile(join(folder, record.audio), encodeWav(samples, RATE));
    lines.push(JSON.stringify(record));
    onScene(record.scene.seconds);
  }
  const path = join(folder, 'records.jsonl');
  removeLeftovers(path);
  await writeFileAtomically(path, `${lines.join('\n')}\n`);
}
