/** Makes `world.safetensors` for a model folder: statistics of the corpus that the model was trained on, as its encoder hears it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadMono16k } from '../../audio/index.js';
import { Hearing } from '../../engine/hear.js';
import { BagpiperError } from '../../errors.js';
import { type Model, openModel } from '../../model/bagpiper.js';
import { ENCODER_STAMP, noveltyScore, WORLD_FILE, WORLD_FORMAT, type WorldStatistics } from '../../model/index.js';
import { Random } from '../../random.js';
import { float32ToHalf, type TensorInput, toFloat32, writeSafetensors } from '../../weights/index.js';
import { readArrays } from './heard.js';
import { WORLD } from './settings.js';
import { listShards, readShard } from './shards.js';
import { fitWorld } from './world-fit.js';

export interface WorldOptions {
  /** folder with the splits `train` and `valid` of `npm run corpus` */
  corpus: string;
  /** model folder, which gets the file */
  model: string;
  /** what an encoder made of the split `train`, as the language model's training keeps it; used where the encoder is this one */
  heard?: string;
  threads: number;
  signal?: AbortSignal;
}

/** Fits the statistics to clips of `train` and the threshold to those of `valid`; a signal ends it without a file. @throws BagpiperError where something is missing */
export async function makeWorld({ corpus, model: folder, heard: kept, threads, signal }: WorldOptions): Promise<void> {
  const model = openModel(folder, { world: false });
  const audio = model.config.audio_config;
  if (!audio) throw new BagpiperError(`${folder} has no audio encoder, so there is nothing to make statistics of.`);
  const options = { threads, parameters: (name: string) => ({ data: model.tensor(name) }), blocks: model.blocks };
  const hearing = new Hearing(model.config, options, true);
  try {
    const train = join(corpus, 'train');
    const heard = (await keptFeatures(hearing, train, kept)) ?? (await hearClips(hearing, train, WORLD.clips, signal));
    const held = await hearClips(hearing, join(corpus, 'valid'), WORLD.clips, signal);
    if (signal?.aborted) return;
    const tokens = everyFew(heard, audio.output_dim, WORLD.tokens);
    process.stderr.write(`statistics of ${tokens.length / audio.output_dim} tokens of ${heard.length} clips\n`);
    const statistics = fitWorld(tokens, audio.output_dim, { ...WORLD, random: new Random(WORLD.seed) });
    const scores = held.map((features) => noveltyScore(statistics, features)).sort((a, b) => a - b);
    const threshold = scores[Math.ceil((1 - WORLD.falseAlarms) * scores.length) - 1];
    writeWorld(folder, model, statistics, threshold);
    process.stderr.write(
      `threshold ${threshold.toFixed(3)}: ${100 * WORLD.falseAlarms}% of ${scores.length} clips are above\n`,
    );
  } finally {
    await hearing.release();
  }
}

/**
 * Features of clips that are spread over the shards of which there are some in a folder, whole shards.
 * @returns undefined where there are none, or they are another encoder's
 */
async function keptFeatures(
  hearing: Hearing,
  split: string,
  folder: string | undefined,
): Promise<Float32Array[] | undefined> {
  if (folder === undefined) return undefined;
  const fileOf = (name: string): string => join(folder, `${name}.features`);
  const names = listShards(split).filter((name) => existsSync(fileOf(name)));
  if (names.length === 0) return undefined;
  const first = readShard(split, names[0]);
  const { samples } = await loadMono16k(join(first.folder, first.records[0].audio));
  if (!alike((await hearing.features(samples)).features!, readArrays(fileOf(names[0]))[0])) {
    process.stderr.write(`${folder} is of another encoder: the clips are heard anew\n`);
    return undefined;
  }
  const step = Math.max(1, (names.length * first.records.length) / WORLD.clips);
  const chosen = Array.from({ length: Math.floor(names.length / step) }, (_, i) => names[Math.floor(i * step)]);
  return chosen.flatMap((name) => readArrays(fileOf(name)));
}

/** Whether features are the same but for the eight bits in which the trainers keep pictures: 0.6% of their size. */
function alike(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false;
  let [apart, size] = [0, 0];
  for (const [i, x] of a.entries()) {
    apart += (x - b[i]) ** 2;
    size += x * x;
  }
  return apart < 1e-3 * size;
}

/** Features of clips that are spread over a split, each [tokens, output_dim]; fewer where the signal ends it. */
async function hearClips(
  hearing: Hearing,
  split: string,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const all = listShards(split).flatMap((name) => {
    const { folder, records } = readShard(split, name);
    return records.map(({ audio, scene }) => ({ path: join(folder, audio), seconds: scene.seconds }));
  });
  const step = Math.max(1, all.length / count);
  const clips = Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor(i * step)]);
  // Clips of one length share a graph.
  clips.sort((a, b) => a.seconds - b.seconds || (a.path < b.path ? -1 : 1));
  const heard: Float32Array[] = [];
  for (const { path } of clips) {
    if (signal?.aborted) break;
    const { samples } = await loadMono16k(path);
    heard.push((await hearing.features(samples)).features!);
    if (heard.length % 500 === 0) process.stderr.write(`${split}: ${heard.length}/${clips.length} clips heard\n`);
  }
  return heard;
}

/** At most so many tokens, evenly spaced: [tokens, width]. */
function everyFew(heard: readonly Float32Array[], width: number, most: number): Float32Array {
  const total = heard.reduce((sum, { length }) => sum + length / width, 0);
  const count = Math.min(most, total);
  const out = new Float32Array(count * width);
  let [clip, before] = [0, 0];
  for (let i = 0; i < count; i++) {
    const token = Math.floor((i * total) / count);
    while (token - before >= heard[clip].length / width) before += heard[clip++].length / width;
    out.set(heard[clip].subarray((token - before) * width, (token - before + 1) * width), i * width);
  }
  return out;
}

/** Writes the file. @param model whose encoder the statistics are of */
export function writeWorld(folder: string, model: Model, statistics: WorldStatistics, threshold: number): void {
  const { mean, directions, centres, leading, exponent } = statistics;
  const width = mean.length;
  const half = (name: string, data: Float32Array, columns: number): TensorInput => {
    return { name, dtype: 'F16', shape: [data.length / columns, columns], data: float32ToHalf(data) };
  };
  const stamp = toFloat32(model.folder.tensor(ENCODER_STAMP));
  const tensors: TensorInput[] = [
    { name: 'mean', dtype: 'F32', shape: [width], data: mean },
    half('directions', directions, width),
    half('centres', centres, directions.length / width),
    half('leading', leading, width),
    { name: 'encoder', dtype: 'F32', shape: [width], data: stamp },
  ];
  const settings = { exponent: String(exponent), threshold: String(threshold) };
  writeSafetensors(join(folder, WORLD_FILE), tensors, { ...WORLD_FORMAT, ...settings });
}
