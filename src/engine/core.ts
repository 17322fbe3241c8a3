/** The engine's inside, in the worker thread: loads a model folder and answers one request after the other. */
import { BagpiperError } from '../errors.js';
import { type Model, openModel } from '../model/bagpiper.js';
import { NanoCodec } from '../model/codec/nano.js';
import { CODEC_PREFIX, codecTensors } from '../model/codec/nano-config.js';
import { buildRows, delayDeinterleave, type Message, type SegmentDefaults } from '../model/index.js';
import { Random } from '../random.js';
import type { SessionOptions } from '../runtime/index.js';
import { StreamDecoder } from '../text/index.js';
import { Decoder } from './decoder.js';
import { generate } from './generate.js';
import { Hearing, MAX_INPUT_SECONDS } from './hear.js';
import type { EngineEvent, EngineInfo, FinishedSegment, GenerateRequest, GenerateStats } from './types.js';

/** Rows read at once while taking in the prompt. */
const PREFILL = 256;
/** Picked rows between two progress events. */
const PROGRESS_ROWS = 10;

/** A request as it travels to the worker: without the signal. */
export type CoreRequest = Omit<GenerateRequest, 'signal'>;

export class Core {
  private constructor(
    private readonly model: Model,
    readonly info: EngineInfo,
    private readonly decoder: Decoder,
    private readonly hearing: Hearing,
    private readonly codec: NanoCodec | null,
  ) {}

  static async open(path: string, threads: number): Promise<Core> {
    const model = openModel(path);
    const { config } = model;
    const options: SessionOptions = { threads, parameters: (name) => ({ data: model.tensor(name) }) };
    const decoder = await Decoder.create(config, options);
    const codec = model.codec && NanoCodec.load(codecWeights(model), model.codec, { threads });
    const info: EngineInfo = {
      source: path,
      name: config.model_type,
      hash: model.folder.modelHash().slice(0, 16),
      parameters: model.parameters,
      threads,
      codec: codec && { hop: codec.hop, codebooks: codec.codebooks },
      maxInputSeconds: MAX_INPUT_SECONDS,
      text: config.generation.text,
      audio: config.generation.audio,
    };
    return new Core(model, info, decoder, new Hearing(config, options), codec);
  }

  /** Answers a request; `check` throws when it was cancelled. */
  async run(request: CoreRequest, emit: (event: EngineEvent) => void, check: () => Promise<void>): Promise<void> {
    const { config } = this.model;
    if (request.segments.includes('audio') && !this.codec) {
      throw new BagpiperError(`${this.info.source} has no codec: this model can describe and answer, but not render.`);
    }
    const stats: GenerateStats = {
      promptRows: 0,
      textTokens: 0,
      audioFrames: 0,
      seconds: { encode: 0, prefill: 0, text: 0, audio: 0, codec: 0 },
    };
    this.decoder.clear(0);
    this.decoder.clear(1);
    await this.readPrompt(request, emit, check, stats);

    const writer = new SegmentWriter(this.model, emit, stats);
    const settings = (modality: 'text' | 'audio'): SegmentDefaults => ({
      ...config.generation[modality],
      ...defined(request[modality]),
    });
    const segments = await generate(this.decoder, config, {
      segments: request.segments,
      text: settings('text'),
      audio: settings('audio'),
      random: new Random(request.seed),
      check,
      onSegment: (index, modality) => writer.begin(index, modality),
      onRow: (segment, row, step) => writer.row(segment, row, step),
    });
    writer.finish();
    const finished: FinishedSegment[] = [];
    for (const [index, { modality, endedBy, rows }] of segments.entries()) {
      if (modality === 'text') {
        finished.push({ modality, endedBy, rows: rows.length, text: writer.texts[index] });
        continue;
      }
      const samples = await this.sound(rows, stats);
      emit({ type: 'audio', segment: index, samples });
      finished.push({ modality, endedBy, rows: rows.length, samples });
    }
    emit({ type: 'end', segments: finished, stats });
  }

  async close(): Promise<void> {
    await this.decoder.release();
    await this.hearing.release();
    await this.codec?.release();
  }

  private async readPrompt(
    request: CoreRequest,
    emit: (event: EngineEvent) => void,
    check: () => Promise<void>,
    stats: GenerateStats,
  ) {
    const { config, tokenizer } = this.model;
    const began = performance.now();
    const heard: Float32Array[] = [];
    const messages: Message[] = [];
    for (const message of request.messages) {
      if (message.modality === 'text') {
        messages.push({ role: message.role, modality: 'text', textIds: tokenizer.encode(message.text) });
        continue;
      }
      emit({ type: 'phase', phase: 'encode' });
      await check();
      const { vectors, tokens } = await this.hearing.features(message.samples);
      heard.push(vectors);
      if (message.role === 'assistant') throw new BagpiperError('A prompt cannot hold sound made by the assistant.');
      messages.push({ role: message.role, modality: 'audio', frames: tokens });
    }
    stats.seconds.encode = (performance.now() - began) / 1000;
    emit({ type: 'phase', phase: 'prefill' });
    const prefill = performance.now();
    const grid = buildRows(messages, config, { mode: 'inference' });
    if (grid.length > config.max_position_embeddings / 2) {
      throw new BagpiperError(
        `The prompt has ${grid.length} rows; this model takes at most ${config.max_position_embeddings / 2}. Shorten the text or the clip.`,
      );
    }
    const { hidden_size: width, num_stream: streams } = config;
    const features = new Float32Array(grid.length * width);
    const isFeature = new Float32Array(grid.length);
    grid.continuous.forEach((span, i) => {
      features.set(heard[i], span.start * width);
      isFeature.fill(1, span.start, span.start + span.length);
    });
    for (let at = 0; at < grid.length; at += PREFILL) {
      await check();
      const to = Math.min(grid.length, at + PREFILL);
      await this.decoder.feed({
        slot: 0,
        slots: 1,
        count: to - at,
        ids: grid.ids.subarray(at * streams, to * streams),
        features: features.subarray(at * width, to * width),
        isFeature: isFeature.subarray(at, to),
      });
    }
    stats.promptRows = grid.length;
    stats.seconds.prefill = (performance.now() - prefill) / 1000;
  }

  /** Rows of an audio segment to samples; fewer rows than the delay pattern's give silence of no length. */
  private async sound(rows: readonly Int32Array[], stats: GenerateStats): Promise<Float32Array> {
    const { config } = this.model;
    if (rows.length < config.num_stream) return new Float32Array(0);
    const ids = new Int32Array(rows.length * config.num_stream);
    rows.forEach((row, t) => {
      ids.set(row, t * config.num_stream);
    });
    const began = performance.now();
    const codes = delayDeinterleave(ids, config);
    stats.audioFrames += codes.length / config.num_stream;
    const samples = await this.codec!.decode(codes);
    stats.seconds.codec += (performance.now() - began) / 1000;
    return samples;
  }
}

/** Text as it comes, progress, and the time of each segment. */
class SegmentWriter {
  readonly texts: string[] = [];
  private stream: StreamDecoder | undefined;
  private segment = -1;
  private modality: 'text' | 'audio' = 'text';
  private since = 0;

  constructor(
    private readonly model: Model,
    private readonly emit: (event: EngineEvent) => void,
    private readonly stats: GenerateStats,
  ) {}

  begin(index: number, modality: 'text' | 'audio'): void {
    this.finish();
    this.segment = index;
    this.modality = modality;
    this.since = performance.now();
    this.texts[index] = '';
    this.stream = modality === 'text' ? new StreamDecoder(this.model.tokenizer) : undefined;
    this.emit({ type: 'segment', index, modality });
  }

  row(segment: number, row: Int32Array, step: number): void {
    if (this.stream) {
      this.stats.textTokens++;
      this.say(this.stream.push(row[0] - this.model.config.text_token_offset));
    }
    if (step % PROGRESS_ROWS === 0) this.emit({ type: 'progress', segment, rows: step + 1 });
  }

  finish(): void {
    if (this.segment < 0) return;
    if (this.stream) this.say(this.stream.end());
    this.stream = undefined;
    this.stats.seconds[this.modality] += (performance.now() - this.since) / 1000;
    this.segment = -1;
  }

  private say(delta: string): void {
    if (delta === '') return;
    this.texts[this.segment] += delta;
    this.emit({ type: 'text', segment: this.segment, delta });
  }
}

function codecWeights(model: Model): Map<string, Float32Array> {
  return new Map([...codecTensors(model.codec!).keys()].map((name) => [name, model.tensor(CODEC_PREFIX + name)]));
}

/** Without the fields that are undefined, so that they do not hide defaults. */
function defined<T extends object>(options: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
}
