/** Builds a corpus folder: plans the shards, shares them among worker threads, resumes what an earlier run left. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BagpiperError, messageOf } from '../errors.js';
import { writeFileAtomically } from '../files.js';
import type { Content } from './plan.js';
import type { Scene } from './scene.js';
import { isComplete, SHARD_SCENES, type ShardPlan } from './shard.js';
import type { WorkerReport } from './worker.js';

/** Mean seconds of a scene (measured over 7,680 scenes): turns hours into a number of scenes known in advance. */
export const MEAN_SECONDS = 5.43;

/** What to build. */
export interface BuildOptions {
  scenes: number;
  seed: string;
  split: Scene['split'];
  /** by default everything */
  content?: Content;
  out: string;
  jobs: number;
  /** scenes a shard, by default {@link SHARD_SCENES}; smaller ones let a few scenes use several workers */
  shardScenes?: number;
}

/** How far a build is; `seconds` is the audio made by this run. */
export interface BuildProgress {
  done: number;
  total: number;
  skipped: number;
  seconds: number;
}

/** Number of scenes that make about so many hours. */
export function scenesFor(hours: number): number {
  return Math.max(1, Math.ceil((hours * 3600) / MEAN_SECONDS));
}

/**
 * Builds (or goes on building) a corpus. The result does not depend on `jobs`.
 * @throws BagpiperError when the folder holds another corpus or a synthesizer package is not installed
 */
export async function buildCorpus(
  options: BuildOptions,
  onProgress: (p: BuildProgress) => void,
): Promise<BuildProgress> {
  await claimFolder(options);
  const all = shardPlans(options);
  const queue = all.filter((plan) => !isComplete(plan));
  const skipped = options.scenes - queue.reduce((sum, plan) => sum + plan.count, 0);
  const progress: BuildProgress = { done: skipped, total: options.scenes, skipped, seconds: 0 };
  const report = (seconds: number) => {
    progress.done++;
    progress.seconds += seconds;
    onProgress(progress);
  };
  const workers = Array.from(
    { length: Math.min(options.jobs, queue.length) },
    () => new Worker(new URL('./worker.js', import.meta.url)),
  );
  try {
    await Promise.all(workers.map((worker) => serve(worker, queue, report)));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return progress;
}

/** Options with what is not given filled in. */
function whole({ content = 'all', shardScenes = SHARD_SCENES, ...given }: BuildOptions) {
  return { ...given, content, shardScenes };
}

/** The shards of a corpus; every shard but the last is full. */
export function shardPlans(options: BuildOptions): ShardPlan[] {
  const { out, seed, split, content, scenes, shardScenes } = whole(options);
  return Array.from({ length: Math.ceil(scenes / shardScenes) }, (_, index) => {
    const first = index * shardScenes;
    return { out, seed, split, content, index, first, count: Math.min(shardScenes, scenes - first) };
  });
}

/** Gives a worker shards until none is left. */
function serve(worker: Worker, queue: ShardPlan[], onScene: (seconds: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = () => {
      const plan = queue.shift();
      if (plan) worker.postMessage(plan);
      else resolve();
    };
    worker.on('message', (report: WorkerReport) => {
      if (report.kind === 'scene') onScene(report.seconds);
      else if (report.kind === 'done') next();
      else reject(report.expected ? new BagpiperError(report.message) : new Error(report.message));
    });
    worker.on('error', reject);
    next();
  });
}

/** What corpus.json says of a folder. */
interface Claim {
  seed: string;
  split: string;
  /** absent: everything */
  content?: Content;
  scenes: number;
  shardScenes: number;
}

/** Notes in the folder what it holds, so that a later run with another seed cannot mix two corpora. */
async function claimFolder(options: BuildOptions): Promise<void> {
  const { out, seed, split, content, scenes, shardScenes } = whole(options);
  const path = join(out, 'corpus.json');
  try {
    await mkdir(out, { recursive: true });
  } catch (error) {
    throw new BagpiperError(`cannot write to the folder ${out} (${messageOf(error)}); give another --out`);
  }
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text !== null) {
    const old = readClaim(text, path);
    if (old.seed !== seed || old.split !== split) {
      throw new BagpiperError(
        `${out} holds a corpus of seed "${old.seed}", split ${old.split}, not seed "${seed}", split ${split}; give another --out or the same --seed and --split`,
      );
    }
    if ((old.content ?? 'all') !== content) {
      throw new BagpiperError(
        `${out} holds a corpus of ${describe(old.content)}, not of ${describe(content)}; give another --out`,
      );
    }
    if (old.shardScenes !== shardScenes) {
      throw new BagpiperError(
        `${out} holds shards of ${old.shardScenes} scenes, this program writes ${shardScenes}; give another --out`,
      );
    }
  }
  const claim: Claim = { seed, split, ...(content === 'all' ? {} : { content }), scenes, shardScenes };
  await writeFileAtomically(path, `${JSON.stringify(claim)}\n`);
}

const describe = (content: Content = 'all') => (content === 'all' ? 'everything' : `${content} alone`);

function readClaim(text: string, path: string): Claim {
  try {
    return JSON.parse(text) as Claim;
  } catch {
    throw new BagpiperError(
      `${path} is not a corpus description (broken JSON); remove the folder or give another --out`,
    );
  }
}
