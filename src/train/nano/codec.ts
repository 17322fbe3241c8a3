/**
 * Trains the small model's codec: codebooks by statistics (minutes), then the decoder by gradients (as long as there is
 * time). The codes are final after the first part, so a language model can be trained on them while the decoder improves.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../files.js';
import { Graph } from '../../graph/index.js';
import { NanoCodec } from '../../model/codec/nano.js';
import { codecTensors, NANO_CODEC, type NanoCodecConfig } from '../../model/codec/nano-config.js';
import { Random } from '../../random.js';
import { openSafetensors, toFloat32, writeSafetensors } from '../../weights/index.js';
import { train } from '../loop.js';
import type { ScheduleOptions } from '../schedule.js';
import { Trainer } from '../trainer.js';
import { type Clip, loadClips, toFloat } from './codec-data.js';
import { type CodedClip, decoderTraining, initialDecoder, Pieces } from './codec-decoder.js';
import { principalComponents, project, residualCodebooks, sampleFeatures } from './codec-quantizer.js';

export interface CodecRunOptions {
  /** folder with WAV files (16-bit mono at 16 kHz) to learn from, at any depth */
  corpus: string;
  /** folder for `codec.safetensors`, `codec.json`, the checkpoint and the log */
  out: string;
  threads: number;
  steps?: number;
  maxMinutes?: number;
  signal?: AbortSignal;
}

/** How the shipped codec is trained. */
export const CODEC_TRAINING = {
  seed: 'nano-codec-1',
  /** sound in memory */
  seconds: 20_000,
  /** frames that codebooks are fitted to, and rounds of k-means */
  fitFrames: 300_000,
  iterations: 20,
  pieces: 16,
  frames: 24,
  schedule: { peak: 1e-3, warmup: 100, steps: 2000, floor: 0.03 } satisfies ScheduleOptions,
  clip: 1,
};

const say = (message: string): void => void process.stderr.write(`codec: ${message}\n`);

/**
 * Trains from where `out` stands: fitted codebooks and checkpoints there are used.
 *
 * @throws BagpiperError where the corpus has no usable sound.
 */
export async function trainCodec(options: CodecRunOptions): Promise<void> {
  const { corpus, out, threads } = options;
  const config: NanoCodecConfig = NANO_CODEC;
  const { seed, seconds, pieces, frames, clip } = CODEC_TRAINING;
  const schedule = { ...CODEC_TRAINING.schedule, steps: options.steps ?? CODEC_TRAINING.schedule.steps };
  mkdirSync(out, { recursive: true });
  const clips = loadClips(corpus, seconds);
  say(`${clips.length} clips`);
  const fitted = await fitOnce(clips, config, join(out, 'quantizer.safetensors'), threads);
  const tensors = new Map([...fitted, ...initialDecoder(config, new Random(`${seed}/decoder`))]);
  if (!existsSync(join(out, 'codec.safetensors'))) save(out, tensors, config, 0);

  const coded = await encodeAll(clips, tensors, config, threads);
  const graph = new Graph();
  const scalars = decoderTraining(graph, config, { pieces, frames });
  const trainer = await Trainer.create(graph, scalars, tensors, {
    threads,
    beta1: 0.8,
    beta2: 0.99,
    weightDecay: 0.01,
  });
  const source = new Pieces(coded, tensors, config, { pieces, frames });
  const result = await train(
    trainer,
    async (step) => ({ inputs: source.draw(new Random(`${seed}/pieces/${step}`)), tokens: pieces * frames }),
    {
      out,
      name: 'codec (frames as tokens)',
      schedule,
      clip,
      settings: { config, ...CODEC_TRAINING, schedule },
      maxMinutes: options.maxMinutes,
      signal: options.signal,
    },
  );
  save(out, tensors, config, result.step);
  await trainer.release();
}

/** The fitted encoder and codebooks: from the file where it is there, else computed and written. */
async function fitOnce(
  clips: readonly Clip[],
  config: NanoCodecConfig,
  path: string,
  threads: number,
): Promise<Map<string, Float32Array>> {
  if (existsSync(path)) {
    const file = openSafetensors(path);
    return new Map([...file.tensors.keys()].map((name) => [name, toFloat32(file.tensor(name))]));
  }
  const random = new Random(`${CODEC_TRAINING.seed}/quantizer`);
  const features = await sampleFeatures(clips, config.mel_bands, CODEC_TRAINING.fitFrames, random, threads);
  say(`${features.count} frames to fit to`);
  const { mean, projection } = principalComponents(features, config.dims);
  const rows = await project(features, mean, projection, threads);
  const { iterations } = CODEC_TRAINING;
  const books = await residualCodebooks(rows, config, { iterations, threads, random, progress: say });
  const tensors = new Map([
    ['encoder.mean', mean],
    ['encoder.projection', projection],
  ]);
  books.forEach((book, k) => {
    tensors.set(`quantizer.codebooks.${k}`, book);
  });
  const shapes = codecTensors(config);
  writeSafetensors(
    path,
    [...tensors].map(([name, data]) => ({ name, dtype: 'F32', shape: shapes.get(name)!, data })),
  );
  return tensors;
}

async function encodeAll(
  clips: readonly Clip[],
  tensors: ReadonlyMap<string, Float32Array>,
  config: NanoCodecConfig,
  threads: number,
): Promise<CodedClip[]> {
  const codec = NanoCodec.load(tensors, config, { threads });
  const coded: CodedClip[] = [];
  for (const { samples } of clips) coded.push({ samples, codes: await codec.encode(toFloat(samples)) });
  await codec.release();
  say('clips encoded');
  return coded;
}

function save(out: string, tensors: ReadonlyMap<string, Float32Array>, config: NanoCodecConfig, step: number): void {
  const list = [...codecTensors(config)].map(([name, shape]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: tensors.get(name)!,
  }));
  writeSafetensors(join(out, 'codec.safetensors'), list, { step: String(step) });
  writeAtomically(join(out, 'codec.json'), `${JSON.stringify(config, null, 2)}\n`);
}
