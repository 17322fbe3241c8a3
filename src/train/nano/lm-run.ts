/** Trains nano's language model on what the frozen encoder hears: `node dist/train/nano/lm-run.js`. Writes a model folder. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encoderTensors, languageModelTensors } from '../../model/index.js';
import { Random } from '../../random.js';
import { Tokenizer } from '../../text/index.js';
import { openSafetensors, toFloat32, writeSafetensors } from '../../weights/index.js';
import { loadClips } from './encoder-run.js';
import { initialLanguageModel, trainStage } from './lm.js';
import { encodeClips, trainTokenizer } from './prepare.js';
import type { Example } from './samples.js';
import { ENCODER, LM_TRAINING, NANO, nanoConfig, STAGES, TEXT_IDS } from './settings.js';

export interface LmRunOptions {
  corpus: string;
  /** folder with `encoder.safetensors` */
  encoder: string;
  /** folder with `codec.safetensors` and `codec.json`; without it nano learns to hear, not to render */
  codec?: string;
  out: string;
  threads: number;
  maxMinutes?: number;
  signal?: AbortSignal;
}

function readTensors(path: string): Map<string, Float32Array> {
  const file = openSafetensors(path);
  return new Map([...file.tensors.keys()].map((name) => [name, toFloat32(file.tensor(name))]));
}

/** Examples of a split, heard by the encoder. */
async function examples(
  corpus: string,
  split: string,
  encoder: Map<string, Float32Array>,
  threads: number,
): Promise<Example[]> {
  const clips = await loadClips(join(corpus, split), join(corpus, 'mels', split));
  const features = await encodeClips(clips, ENCODER, encoder, threads);
  return clips.map(({ scene }, i) => ({ scene, features: features[i] }));
}

export async function trainLanguageModel(options: LmRunOptions): Promise<void> {
  const { corpus, out, threads, signal } = options;
  mkdirSync(out, { recursive: true });
  const encoder = readTensors(join(options.encoder, 'encoder.safetensors'));
  process.stderr.write('The encoder listens to the corpus ...\n');
  const learn = await examples(corpus, 'train', encoder, threads);
  const held = await examples(corpus, 'valid', encoder, threads);
  const tokenizerPath = join(out, 'tokenizer.json');
  if (!existsSync(tokenizerPath)) {
    const { json } = trainTokenizer(
      learn.slice(0, 4000).map((e) => e.scene),
      TEXT_IDS,
      LM_TRAINING.seed,
    );
    writeFileSync(tokenizerPath, JSON.stringify(json));
  }
  const tokenizer = Tokenizer.fromJson(JSON.parse(readFileSync(tokenizerPath, 'utf8')), tokenizerPath);
  const config = nanoConfig();
  const parameters = initialLanguageModel(config, new Random(LM_TRAINING.seed));
  const until = Date.now() + (options.maxMinutes ?? Number.POSITIVE_INFINITY) * 60_000;
  for (const stage of STAGES) {
    const { finished } = await trainStage(stage, {
      config,
      sizes: LM_TRAINING.sizes,
      tokenizer,
      examples: learn,
      held,
      parameters,
      seed: LM_TRAINING.seed,
      out: join(out, stage.name),
      threads,
      maxMinutes: (until - Date.now()) / 60_000,
      signal,
    });
    await exportModel(join(out, 'model'), readFileSync(tokenizerPath, 'utf8'), parameters, encoder);
    if (!finished) break;
  }
}

/** Writes a model folder: half floats, names as in a published checkpoint. */
async function exportModel(
  folder: string,
  tokenizer: string,
  language: ReadonlyMap<string, Float32Array>,
  encoder: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const config = nanoConfig();
  const tensors = [
    ...[...languageModelTensors(config)].map(([name, shape]) => ({ name, shape, data: language.get(name)! })),
    ...[...encoderTensors(ENCODER)].map(([name, shape]) => ({ name, shape, data: encoder.get(name)! })),
  ];
  await writeSafetensors(
    join(folder, 'model.safetensors'),
    tensors.map((t) => ({ ...t, dtype: 'F32' as const })),
    { format: 'pt' },
  );
  writeFileSync(join(folder, 'tokenizer.json'), tokenizer);
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify(NANO, null, 2)}\n`);
}

if (process.argv[1]?.endsWith('lm-run.js')) {
  const { values } = parseArgs({
    options: {
      corpus: { type: 'string', default: 'runs/corpus' },
      encoder: { type: 'string', default: 'runs/nano/encoder' },
      out: { type: 'string', default: 'runs/nano/lm' },
      threads: { type: 'string', default: '2' },
      minutes: { type: 'string' },
    },
  });
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  await trainLanguageModel({
    corpus: values.corpus,
    encoder: values.encoder,
    out: values.out,
    threads: Number(values.threads),
    ...(values.minutes ? { maxMinutes: Number(values.minutes) } : {}),
    signal: stop.signal,
  });
}
