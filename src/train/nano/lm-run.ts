/** Trains nano's language model on what the frozen encoder and codec make of the corpus, and writes a model folder. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../files.js';
import { NanoCodec } from '../../model/codec/nano.js';
import { NANO_CODEC } from '../../model/codec/nano-config.js';
import { Random } from '../../random.js';
import { Tokenizer } from '../../text/index.js';
import { openSafetensors, toFloat32 } from '../../weights/index.js';
import { initialLanguageModel } from '../initial.js';
import { fitAdaptor } from './adaptor.js';
import { exportModel } from './export.js';
import { hearCorpus } from './heard.js';
import { trainStage } from './lm.js';
import { trainTokenizer } from './prepare.js';
import { retell } from './retell.js';
import { ENCODER, LM_TRAINING, nanoConfig, STAGES, TEXT_IDS } from './settings.js';

export interface LmRunOptions {
  /** folder with the splits `train` and `valid` of `npm run corpus` */
  corpus: string;
  /** folder with `encoder.safetensors` */
  encoder: string;
  /** folder with `codec.safetensors` */
  codec: string;
  out: string;
  /** start from the parameters of this checkpoint instead of from nothing */
  initial?: string;
  threads: number;
  maxMinutes?: number;
  signal?: AbortSignal;
}

/** Scenes that the tokenizer is trained on. */
const TOKENIZER_SCENES = 4000;

/** Scenes that the adaptor's first values are fitted to. */
const ADAPTOR_SCENES = 1000;
/** Scenes that the model describes itself before fine-tuning. */
const RETOLD_SCENES = 5120;

export function readTensors(path: string): Map<string, Float32Array> {
  const file = openSafetensors(path);
  return new Map([...file.tensors.keys()].map((name) => [name, toFloat32(file.tensor(name))]));
}

/** Takes parameters over by name, from a checkpoint of a run. */
function takeOver(into: Map<string, Float32Array>, checkpoint: string): void {
  const file = openSafetensors(checkpoint);
  for (const [name, values] of into) values.set(toFloat32(file.tensor(`parameter/${name}`)));
}

/** Runs the stages from where they stand. @returns whether all are finished */
export async function trainLanguageModel(options: LmRunOptions): Promise<boolean> {
  const { corpus, out, threads, signal } = options;
  mkdirSync(out, { recursive: true });
  const encoder = readTensors(join(options.encoder, 'encoder.safetensors'));
  const codec = readTensors(join(options.codec, 'codec.safetensors'));
  process.stderr.write('The encoder listens to the corpus ...\n');
  const nanoCodec = NanoCodec.load(codec, NANO_CODEC, { threads });
  const hear = (split: string) =>
    hearCorpus({
      corpus: join(corpus, split),
      mels: join(corpus, 'mels', split),
      cache: join(out, 'heard', split),
      encoder,
      audio: ENCODER,
      codec: nanoCodec,
      threads,
      signal,
    });
  const held = await hear('valid');
  const learn = await hear('train');
  await nanoCodec.release();
  const tokenizerPath = join(out, 'tokenizer.json');
  if (!existsSync(tokenizerPath)) {
    const scenes = learn.slice(0, TOKENIZER_SCENES).map((e) => e.scene);
    const { json } = trainTokenizer(scenes, TEXT_IDS, LM_TRAINING.seed);
    writeAtomically(tokenizerPath, JSON.stringify(json));
  }
  const tokenizerText = readFileSync(tokenizerPath, 'utf8');
  const tokenizer = Tokenizer.fromJson(JSON.parse(tokenizerText), tokenizerPath);
  const config = nanoConfig();
  const language = initialLanguageModel(config, new Random(LM_TRAINING.seed));
  if (options.initial) takeOver(language, options.initial);
  const fit = fitAdaptor({
    clips: learn.slice(0, ADAPTOR_SCENES),
    words: { weight: encoder.get('word_head.weight')!, bias: encoder.get('word_head.bias')! },
    tokenizer,
    embeddings: language.get('model.embed_tokens.weight')!,
    firstText: config.text_token_offset,
    hidden: config.hidden_size,
    width: config.adaptor_input_dim,
  });
  language.get('adaptor.continuous_audio.weight')!.set(fit.weight);
  language.get('adaptor.continuous_audio.bias')!.set(fit.bias);
  const until = Date.now() + (options.maxMinutes ?? Number.POSITIVE_INFINITY) * 60_000;
  const model = join(out, 'model');
  for (const stage of STAGES) {
    if (stage.mixture.choose !== undefined) {
      const own = { corpus: join(corpus, 'train'), model, out: join(out, 'own-captions.json'), clips: RETOLD_SCENES };
      const told = await retell({ ...own, threads, signal });
      if (signal?.aborted) return false;
      told.forEach((caption, i) => {
        learn[i].told = caption;
      });
    }
    const { finished, step } = await trainStage(stage, {
      config,
      sizes: LM_TRAINING.sizes,
      tokenizer,
      examples: learn,
      held,
      parameters: language,
      seed: LM_TRAINING.seed,
      out: join(out, stage.name),
      threads,
      maxMinutes: (until - Date.now()) / 60_000,
      signal,
    });
    const trained = { stage: stage.name, step: String(step), seed: LM_TRAINING.seed };
    exportModel(model, tokenizerText, { language, encoder, codec }, trained);
    if (!finished) return false;
  }
  return true;
}
