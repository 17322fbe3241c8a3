/**
 * What all runs share: the corpus (of `npm run corpus`) as the shipped model's frozen encoder and codec hear it, and the
 * shipped model itself, whose tokenizer the small models use and which hears what they make.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BagpiperError } from '../src/errors.js';
import { samplesOf, type TestClip } from '../src/evaluate/nano/context.js';
import { type Model, openModel } from '../src/model/bagpiper.js';
import { openCodec } from '../src/model/codec/open.js';
import {
  type BagpiperConfig,
  type Codec,
  encoderTensors,
  type JsonObject,
  languageModelTensors,
} from '../src/model/index.js';
import { type Bagpiper, loadBagpiper, modelSource } from '../src/tasks/index.js';
import type { Tokenizer } from '../src/text/index.js';
import { type HeardOptions, hearCorpus } from '../src/train/nano/heard.js';
import type { Example } from '../src/train/nano/samples.js';
import { listShards, readShard } from '../src/train/nano/shards.js';
import { SIZES, type SizeFields, type SizeName, sizedConfig } from './sizes.js';

export interface MaterialOptions {
  /** folder with the splits `train` and `valid` of `npm run corpus` */
  corpus: string;
  /** folder for features and codes of both splits (train/nano/heard.ts); those that are not there are made */
  heard: string;
  /** folder of the shipped model */
  model?: string;
  threads: number;
  /** other sizes of the small models, for tests */
  sizes?: Readonly<Record<SizeName, SizeFields>>;
  /** says what is going on */
  tell?: (text: string) => void;
  signal?: AbortSignal;
}

/** Of each first codebook's codes, so many must be those of the model's codec. */
const SAME_CODES = 0.8;

export class Material {
  private listener: Promise<Bagpiper> | undefined;
  private voice: Codec | undefined;

  private constructor(
    readonly learn: readonly Example[],
    readonly held: readonly Example[],
    /** the recordings of `held` */
    readonly clips: readonly TestClip[],
    readonly shipped: Model,
    /** stands for the data in a result's settings */
    readonly digest: string,
    private readonly options: MaterialOptions,
  ) {}

  /** @throws BagpiperError where a folder is missing, empty, or of another codec than the model's */
  static async open(options: MaterialOptions): Promise<Material> {
    const shipped = openModel(modelSource(options.model));
    const heard = await hearSplits(shipped, options);
    const { examples: held, clips } = heard.valid;
    const { examples: learn } = heard.train;
    const digest = createHash('sha256');
    for (const { scene, features } of [...learn, ...held]) digest.update(`${scene.id} ${features.length} `);
    for (const { features } of held) digest.update(new Uint8Array(features.buffer, features.byteOffset, 64));
    digest.update(shipped.folder.modelHash());
    const material = new Material(learn, held, clips, shipped, digest.digest('hex').slice(0, 16), options);
    await material.checkCodes(join(options.heard, 'valid'));
    return material;
  }

  get tokenizer(): Tokenizer {
    return this.shipped.tokenizer;
  }

  get threads(): number {
    return this.options.threads;
  }

  /** Config of a small model. */
  config(size: SizeName): BagpiperConfig {
    return sizedConfig(this.shipped.folder.config as JsonObject, (this.options.sizes ?? SIZES)[size]);
  }

  /** The shipped model's own language model. */
  shippedParameters(): Map<string, Float32Array> {
    return new Map([...languageModelTensors(this.shipped.config).keys()].map((n) => [n, this.shipped.tensor(n)]));
  }

  /** The shipped codec. */
  get codec(): Codec {
    this.voice ??= openCodec(this.shipped, this.threads) ?? undefined;
    if (!this.voice)
      throw new BagpiperError(`${this.shipped.folder.path} has no codec; name a model that makes sound.`);
    return this.voice;
  }

  /** The shipped model's verbs, loaded when first asked for. */
  hearing(): Promise<Bagpiper> {
    this.listener ??= loadBagpiper(this.shipped.folder.path, { threads: this.threads });
    return this.listener;
  }

  async close(): Promise<void> {
    await (await this.listener)?.close();
    await this.voice?.release();
  }

  /** Codes of another codec would be decoded to noise: better said at once. */
  private async checkCodes(heard: string): Promise<void> {
    const { codebooks } = this.codec;
    const own = await this.codec.encode(await samplesOf(this.clips[0]));
    const there = this.held[0].codes!;
    const frames = Math.min(own.length, there.length) / codebooks;
    let same = 0;
    for (let t = 0; t < frames; t++) if (own[t * codebooks] === there[t * codebooks]) same++;
    if (own.length === there.length && same >= SAME_CODES * frames) return;
    throw new BagpiperError(
      `${heard} holds the codes of another codec than ${this.shipped.folder.path}; give the model that belongs to it with --model, or another folder with --heard.`,
    );
  }
}

type Split = 'train' | 'valid';

interface Heard {
  examples: Example[];
  clips: TestClip[];
}

/** Both splits as the shipped model's encoder and codec hear them; what is missing of the folder `heard` is made. */
async function hearSplits(shipped: Model, options: MaterialOptions): Promise<Record<Split, Heard>> {
  const audio = shipped.config.audio_config;
  const codec = openCodec(shipped, options.threads);
  if (!audio || !codec) {
    await codec?.release();
    throw new BagpiperError(`${shipped.folder.path} does not both hear and make sound; name a model that does.`);
  }
  const encoder = new Map([...encoderTensors(audio).keys()].map((name) => [name, shipped.tensor(name)]));
  try {
    const hear = (split: Split) => hearSplit(split, { encoder, audio, codec }, shipped.config, options);
    return { valid: await hear('valid'), train: await hear('train') };
  } finally {
    await codec.release();
  }
}

/** The scenes of a split, in the corpus's order. */
async function hearSplit(
  split: Split,
  networks: Pick<HeardOptions, 'encoder' | 'audio' | 'codec'>,
  { adaptor_input_dim, num_stream }: BagpiperConfig,
  { corpus: root, heard, threads, tell, signal }: MaterialOptions,
): Promise<Heard> {
  const [corpus, cache] = [join(root, split), join(heard, split)];
  const examples = await hearCorpus({
    ...{ ...networks, corpus, mels: join(root, 'mels', split), cache, threads, signal },
    progress: (done, total) => tell?.(`hearing ${split}: shard ${done} of ${total}`),
  });
  const clips: TestClip[] = [];
  for (const name of listShards(corpus)) {
    const { records, folder } = readShard(corpus, name);
    for (const record of records) {
      const { features, codes } = examples[clips.length];
      if (features.length % adaptor_input_dim !== 0 || codes!.length % num_stream !== 0) {
        throw new BagpiperError(
          `${join(cache, name)}.features and .codes do not fit the scenes of ${join(corpus, name)}, or the model; remove them, and they are made anew.`,
        );
      }
      clips.push({ record, scene: record.scene, path: join(folder, record.audio) });
    }
  }
  return { examples, clips };
}
