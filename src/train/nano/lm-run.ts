/** Trains nano's language model on what the frozen encoder and codec make of the corpus, and writes a model folder. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../files.js';
import { NanoCodec } from '../../model/codec/nano.js';
import { codeTensors, NANO_CODEC } from '../../model/codec/nano-config.js';
import { encoderTensors } from '../../model/index.js';
import { Random } from '../../random.js';
import { Tokenizer } from '../../text/index.js';
import { initialLanguageModel } from '../initial.js';
import { type Adaptor, carryAdaptor, fitAdaptor } from './adaptor.js';
import { loadClips } from './encoder-replica.js';
import { exportModel } from './export.js';
import { claimHeard, hearCorpus } from './heard.js';
import { trainStage } from './lm.js';
import { type NanoParts, readParts, readTensors } from './parts.js';
import { encodeClips, trainTokenizer } from './prepare.js';
import { retell } from './retell.js';
import type { Example } from './samples.js';
import { ENCODER, FURTHER_STAGES, LM_TRAINING, nanoConfig, STAGES, TEXT_IDS } from './settings.js';

export interface LmRunOptions {
  /** folder with the splits `train` and `valid` of `npm run corpus`, and perhaps `speech`, which a finished model is trained on with, too */
  corpus: string;
  /** folder with `encoder.safetensors`; where that is missing, a model that is trained on keeps its own */
  encoder: string;
  /** folder with `codec.safetensors` */
  codec: string;
  out: string;
  /** model folder that is trained on, instead of starting from nothing: its codec is taken */
  from?: string;
  threads: number;
  maxMinutes?: number;
  signal?: AbortSignal;
}

/** Scenes that the tokenizer is trained on. */
const TOKENIZER_SCENES = 4000;

/** Scenes that the adaptor's first values are fitted to. */
const ADAPTOR_SCENES = 1000;

/** Runs the stages from where they stand. @returns whether all are finished */
export async function trainLanguageModel(options: LmRunOptions): Promise<boolean> {
  const { corpus, out, threads, signal } = options;
  mkdirSync(out, { recursive: true });
  const parts = options.from ? readParts(options.from) : undefined;
  const newer = join(options.encoder, 'encoder.safetensors');
  const encoder = parts && !existsSync(newer) ? parts.encoder : readTensors(newer);
  const codec = parts?.codec ?? readTensors(join(options.codec, 'codec.safetensors'));
  const heard = join(out, 'heard');
  claimHeard(heard, only(encoder, encoderTensors(ENCODER)), only(codec, codeTensors(NANO_CODEC)));
  process.stderr.write('The encoder listens to the corpus ...\n');
  const nanoCodec = NanoCodec.load(codec, NANO_CODEC, { threads });
  const stages = parts ? FURTHER_STAGES : STAGES;
  // Replicas read the clips themselves.
  const keep = stages.every(({ replicas }) => replicas !== undefined)
    ? Math.max(ADAPTOR_SCENES, ...stages.map(({ retold = 0 }) => retold))
    : undefined;
  const hear = (split: string, most?: number) =>
    hearCorpus({
      corpus: join(corpus, split),
      mels: join(corpus, 'mels', split),
      cache: join(heard, split),
      encoder,
      audio: ENCODER,
      codec: nanoCodec,
      threads,
      keep: most,
      signal,
    });
  const held = await hear('valid');
  const learn = await hear('train', keep);
  const speech = parts && existsSync(join(corpus, 'speech')) ? await hear('speech', keep) : [];
  await nanoCodec.release();
  const tokenizerPath = join(out, 'tokenizer.json');
  if (!existsSync(tokenizerPath)) writeAtomically(tokenizerPath, parts?.tokenizer ?? newTokenizer(learn));
  const tokenizerText = readFileSync(tokenizerPath, 'utf8');
  const tokenizer = Tokenizer.fromJson(JSON.parse(tokenizerText), tokenizerPath);
  const config = nanoConfig();
  const language = parts
    ? await carriedOver(parts, encoder, learn.slice(0, ADAPTOR_SCENES), options)
    : newLanguageModel(learn.slice(0, ADAPTOR_SCENES), encoder, tokenizer);
  const until = Date.now() + (options.maxMinutes ?? Number.POSITIVE_INFINITY) * 60_000;
  const model = join(out, 'model');
  const told = join(out, 'own-captions.json');
  const onDisk = (split: string) => ({ corpus: join(corpus, split), heard: join(heard, split) });
  const examples = [{ ...onDisk('train'), told }, ...(speech.length > 0 ? [onDisk('speech')] : [])];
  for (const stage of stages) {
    if (stage.retold !== undefined) {
      const teller = { corpus: join(corpus, 'train'), model: options.from ?? model, out: told, clips: stage.retold };
      const captions = await retell({ ...teller, threads, signal });
      if (signal?.aborted) return false;
      captions.forEach((caption, i) => {
        learn[i].told = caption;
      });
    }
    const { finished, step } = await trainStage(stage, {
      config,
      sizes: LM_TRAINING.sizes,
      tokenizer,
      examples: [...learn, ...speech],
      replicas: { examples, tokenizer: tokenizerPath },
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

function newTokenizer(learn: readonly Example[]): string {
  const scenes = learn.slice(0, TOKENIZER_SCENES).map((e) => e.scene);
  return JSON.stringify(trainTokenizer(scenes, TEXT_IDS, LM_TRAINING.seed).json);
}

type Parameters = Map<string, Float32Array>;

/** Without an encoder's heads, a codec's decoder and whatever else has no place in what is heard. */
function only(parameters: Parameters, shapes: ReadonlyMap<string, unknown>): Parameters {
  return new Map([...parameters].filter(([name]) => shapes.has(name)));
}

/** @param encoder with the heads of its training */
function newLanguageModel(clips: readonly Example[], encoder: Parameters, tokenizer: Tokenizer): Parameters {
  const config = nanoConfig();
  const language = initialLanguageModel(config, new Random(LM_TRAINING.seed));
  const fit = fitAdaptor({
    clips,
    words: { weight: encoder.get('word_head.weight')!, bias: encoder.get('word_head.bias')! },
    tokenizer,
    embeddings: language.get('model.embed_tokens.weight')!,
    firstText: config.text_token_offset,
    hidden: config.hidden_size,
    width: config.adaptor_input_dim,
  });
  return setAdaptor(language, fit);
}

/** The language model of a finished one; on another encoder with an adaptor that makes of its features what it made of its own encoder's. */
async function carriedOver(
  { language, encoder: own }: NanoParts,
  encoder: Parameters,
  learn: readonly Example[],
  { corpus, threads }: LmRunOptions,
): Promise<Parameters> {
  if (encoder === own) return language;
  const clips = await loadClips(join(corpus, 'train'), join(corpus, 'mels', 'train'), learn.length);
  const before = await encodeClips(clips, ENCODER, own, threads);
  const [weight, bias] = ADAPTOR.map((name) => language.get(name)!);
  const pairs = learn.map(({ features }, i) => ({ before: before[i], now: features }));
  return setAdaptor(language, carryAdaptor({ weight, bias }, pairs, ENCODER.output_dim));
}

const ADAPTOR = ['adaptor.continuous_audio.weight', 'adaptor.continuous_audio.bias'] as const;

function setAdaptor(language: Parameters, { weight, bias }: Adaptor): Parameters {
  language.get(ADAPTOR[0])!.set(weight);
  language.get(ADAPTOR[1])!.set(bias);
  return language;
}
