/** The engine's inside, in the worker thread: loads a model folder and answers requests, several at once. */
import { join } from 'node:path';
import { BagpiperError } from '../errors.js';
import { type Model, openModel } from '../model/bagpiper.js';
import { openCodec } from '../model/codec/open.js';
import {
  buildRows,
  type Codec,
  joinNovelty,
  judge,
  languageModelTensors,
  type Message,
  type Modality,
  type Novelty,
  noveltyScore,
  type SegmentDefaults,
} from '../model/index.js';
import { Random } from '../random.js';
import { type Device, preparedBytes, removeOutdated, type SessionOptions } from '../runtime/index.js';
import { Admission } from './admission.js';
import { Decoder } from './decoder.js';
import { endingScores } from './endings.js';
import { generate } from './generate.js';
import { Hearing } from './hear.js';
import { type Lane, type PromptRows, Scheduler } from './scheduler.js';
import { segmentSettings } from './settings.js';
import type { EngineEvent, EngineInfo, GenerateRequest, GenerateStats } from './types.js';
import { AnswerWriter } from './writer.js';

/** Rows that are fed in one step: a request takes one, or two where a segment is guided. */
export const MAX_ROWS = 4;

/** A request as it travels to the worker: without the signal. */
export type CoreRequest = Omit<GenerateRequest, 'signal'>;

type Settings = Record<Modality, SegmentDefaults>;

export class Core {
  private readonly admission = new Admission(MAX_ROWS);
  private readonly scheduler: Scheduler;

  private constructor(
    private readonly model: Model,
    readonly info: EngineInfo,
    private readonly decoder: Decoder,
    private readonly hearing: Hearing,
    private readonly codec: Codec | null,
  ) {
    this.scheduler = new Scheduler(decoder);
  }

  /**
   * @param device one that works here, see `chooseDevice`
   * @param make write compiled graphs beside the weights, see {@link Core.prepare}
   */
  static async open(path: string, threads: number, device: Device = 'cpu', make = false): Promise<Core> {
    const model = openModel(path);
    const { config } = model;
    checkSize(model);
    const options: SessionOptions = {
      threads,
      device,
      prepared: { folder: preparedFolder(model), make },
      parameters: (name) => ({ data: model.tensor(name) }),
      blocks: model.blocks,
    };
    const decoder = await Decoder.create(config, options);
    const codec = openCodec(model, threads, device);
    if (codec) checkCodec(codec, model);
    const info: EngineInfo = {
      source: path,
      name: config.model_type,
      hash: model.folder.modelHash().slice(0, 16),
      parameters: model.parameters,
      threads,
      device,
      codec: codec && { hop: codec.hop, codebooks: codec.codebooks },
      maxInputSeconds: config.max_input_seconds,
      text: config.generation.text,
      audio: config.generation.audio,
      takes: config.generation.takes,
    };
    return new Core(model, info, decoder, new Hearing(config, options, model.world !== null), codec);
  }

  /**
   * Compiles the networks of a model whose matrices are stored in blocks, and leaves them beside its weights for the next
   * time. @returns the folder and its bytes
   */
  static async prepare(path: string, threads: number): Promise<{ folder: string; bytes: number }> {
    const model = openModel(path);
    if (![...languageModelTensors(model.config).keys()].some((name) => model.blocks(name))) {
      throw new BagpiperError(
        `${path} is not stored in 4 or 8 bits, so there is nothing to prepare; convert it first (bagpiper convert).`,
      );
    }
    const folder = preparedFolder(model);
    removeOutdated({ folder });
    const core = await Core.open(path, threads, 'cpu', true);
    try {
      await core.hearing.open();
    } finally {
      await core.close();
    }
    return { folder, bytes: preparedBytes(folder) };
  }

  /**
   * Answers a request; others may run meanwhile.
   *
   * @throws the signal's reason soon after it fires; BagpiperError for what a caller can get wrong
   */
  async run(request: CoreRequest, emit: (event: EngineEvent) => void, signal: AbortSignal): Promise<void> {
    const settings: Settings = {
      text: segmentSettings('text', this.info.text, request.text),
      audio: segmentSettings('audio', this.info.audio, request.audio),
    };
    const sounds = request.segments.includes('audio');
    if (sounds && !this.codec) {
      throw new BagpiperError(`${this.info.source} has no codec: this model can describe and answer, but not render.`);
    }
    const rows = request.segments.some((modality) => settings[modality].cfg > 1) ? 2 : 1;
    await this.admission.enter(rows, signal, () => emit({ type: 'phase', phase: 'queued' }));
    const lane = this.scheduler.open(signal);
    try {
      await this.answer(request, settings, lane, emit, signal);
    } finally {
      await lane.close();
      this.admission.leave(rows);
    }
  }

  /** To be called when no request runs any more. */
  async close(): Promise<void> {
    await this.decoder.release();
    await this.hearing.release();
    await this.codec?.release();
  }

  private async answer(
    request: CoreRequest,
    settings: Settings,
    lane: Lane,
    emit: (event: EngineEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const stats: GenerateStats = {
      promptRows: 0,
      textTokens: 0,
      audioFrames: 0,
      seconds: { encode: 0, prefill: 0, text: 0, audio: 0, codec: 0 },
    };
    const heard: Novelty[] = [];
    const prompt = await this.prompt(request, emit, stats, heard, signal);
    emit({ type: 'phase', phase: 'prefill' });
    const began = performance.now();
    await lane.prefill(prompt);
    stats.promptRows = prompt.count;
    stats.seconds.prefill = (performance.now() - began) / 1000;

    const writer = new AnswerWriter(this.model, this.codec, emit, stats);
    let endings: number[] | null = null;
    try {
      const [first] = await generate(lane, this.model.config, {
        segments: request.segments,
        ...settings,
        random: new Random(request.seed),
        choices: this.codec ? ['text', 'audio'] : ['text'],
        onSegment: (index, modality) => writer.begin(index, modality),
        onRow: (segment, row, step) => writer.row(segment, row, step),
        onSegmentEnd: (segment) => writer.finish(segment),
      });
      if (request.endings && first?.modality === 'text') {
        endings = await endingScores(lane, this.model, { promptRows: prompt.count, rows: first.rows }, request.endings);
      }
    } finally {
      writer.stop();
    }
    const novelty = joinNovelty(heard);
    emit({
      type: 'end',
      segments: writer.finished,
      stats,
      ...(endings ? { endings } : {}),
      ...(novelty ? { novelty } : {}),
    });
  }

  /** Messages to rows: text by the tokenizer, sound by the encoder. @param novelty receives a judgement of each sound */
  private async prompt(
    request: CoreRequest,
    emit: (event: EngineEvent) => void,
    stats: GenerateStats,
    novelty: Novelty[],
    signal: AbortSignal,
  ): Promise<PromptRows> {
    const { config, tokenizer, world } = this.model;
    const began = performance.now();
    const heard: Float32Array[] = [];
    const messages: Message[] = [];
    for (const message of request.messages) {
      if (message.modality === 'text') {
        messages.push({ role: message.role, modality: 'text', textIds: tokenizer.encode(message.text) });
        continue;
      }
      if (message.role === 'assistant') throw new BagpiperError('A prompt cannot hold sound made by the assistant.');
      emit({ type: 'phase', phase: 'encode' });
      const { vectors, tokens, features } = await this.hearing.features(message.samples);
      signal.throwIfAborted();
      if (world && features) novelty.push(judge(noveltyScore(world, features), world.threshold));
      heard.push(vectors);
      messages.push({ role: message.role, modality: 'audio', frames: tokens });
    }
    stats.seconds.encode = (performance.now() - began) / 1000;
    const grid = buildRows(messages, config, { mode: 'inference' });
    const most = Math.floor(config.max_position_embeddings / 2);
    if (grid.length > most) {
      throw new BagpiperError(
        `The prompt has ${grid.length} rows; this model takes at most ${most}. Shorten the text or the clip.`,
      );
    }
    const width = config.hidden_size;
    const features = new Float32Array(grid.length * width);
    const isFeature = new Float32Array(grid.length);
    for (const [i, { start, length }] of grid.continuous.entries()) {
      features.set(heard[i], start * width);
      isFeature.fill(1, start, start + length);
    }
    return { count: grid.length, ids: grid.ids, features, isFeature };
  }
}

/** Compiled graphs lie beside the weights they were made of. */
function preparedFolder({ folder }: Model): string {
  return join(folder.path, 'prepared', folder.modelHash().slice(0, 16));
}

/** ONNX Runtime takes graphs up to 2 GiB, and plain matrices are part of them. */
const MOST_PLAIN_BYTES = 2e9;

/** @throws BagpiperError where the decoder is too large to be run from plain numbers */
function checkSize({ folder, config, blocks }: Model): void {
  let bytes = 0;
  for (const [name, shape] of languageModelTensors(config)) {
    if (name.startsWith('model.layers.') && !blocks(name)) bytes += 4 * shape.reduce((a, b) => a * b, 1);
  }
  if (bytes <= MOST_PLAIN_BYTES) return;
  throw new BagpiperError(
    `${folder.path} holds ${(bytes / 1e9).toFixed(1)} GB of plain weights in its decoder, as 32-bit floats; at most ${MOST_PLAIN_BYTES / 1e9} GB are run here: convert it first (bagpiper convert ${folder.path} OUT --quantize q4).`,
  );
}

/** @throws BagpiperError where the codec cannot take what the language model may say */
function checkCodec({ codebooks, codebookSize }: Codec, { config, folder }: Model): void {
  const codes = config.codec_layer_size - 1;
  if (codebooks === config.num_stream && codebookSize >= codes) return;
  throw new BagpiperError(
    `${folder.configFile}: the codec has ${codebooks} codebooks of ${codebookSize} codes, but the language model writes ${config.num_stream} streams of ${codes}.`,
  );
}
