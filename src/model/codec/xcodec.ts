/**
 * X-Codec (Ye et al. 2024; hf-audio/xcodec-hubert-general): sound at 16 kHz to 50 frames a second of residual codes and back.
 * What it is made of and every length: docs/model.md, "X-Codec".
 */
import { BagpiperError } from '../../errors.js';
import { Graph } from '../../graph/index.js';
import { type Device, Session, type Value } from '../../runtime/index.js';
import type { Codec } from './types.js';
import { codebookCount, XCODEC_RATE, type XcodecConfig, xcodecHop } from './xcodec-config.js';
import { dacFrames, decoderContext, encoderContext } from './xcodec-dac.js';
import { waveFrames, waveWindow } from './xcodec-hubert.js';
import { XCODEC_NETWORKS, type XcodecNetwork } from './xcodec-networks.js';
import { codebookName, semanticFrames } from './xcodec-semantic.js';
import { mergeStatistics, type Statistics } from './xcodec-statistics.js';
import { type TensorSource, XcodecWeights } from './xcodec-weights.js';

export interface XcodecOptions {
  /** threads of ONNX Runtime; default: its own choice */
  threads?: number;
  /** default: the CPU */
  device?: Device;
  /** Frames that are worked on at once where the network allows it. Bounds memory, changes no result. Default 256 (5 s). */
  pieceFrames?: number;
}

/** Everything that encoding computes; numbers are [channels, frames], as upstream lays them out. */
export interface XcodecAnalysis {
  frames: number;
  /** mean of HuBERT's hidden states */
  states: Float32Array;
  semantic: Float32Array;
  acoustic: Float32Array;
  /** what is quantized, [frames, codebook_dim] */
  embeddings: Float32Array;
  /** [frames, codebooks] */
  codes: Int32Array;
}

const PIECE_FRAMES = 256;
/** The time of HuBERT's attention grows with the square of the clip. */
const MAX_SECONDS = 600;

export class Xcodec implements Codec {
  readonly hop: number;
  readonly codebooks: number;
  readonly codebookSize: number;
  readonly context: number;
  private readonly sessions = new Map<XcodecNetwork, Promise<Session>>();
  private readonly books = new Map<number, Float32Array>();

  private constructor(
    private readonly weights: XcodecWeights,
    private readonly config: XcodecConfig,
    private readonly on: Pick<XcodecOptions, 'threads' | 'device'>,
    private readonly pieceFrames: number,
  ) {
    this.hop = xcodecHop(config);
    this.codebooks = codebookCount(config);
    this.codebookSize = config.codebook_size;
    this.context = decoderContext(config.acoustic_model_config);
  }

  /**
   * Numbers are read and graphs compiled when they are first needed, so who only decodes does not hold the encoder.
   *
   * @param source a checked model's tensors
   */
  static load(source: TensorSource, config: XcodecConfig, options: XcodecOptions = {}): Xcodec {
    const { threads, device, pieceFrames = PIECE_FRAMES } = options;
    return new Xcodec(new XcodecWeights(source, config), config, { threads, device }, pieceFrames);
  }

  /**
   * Samples at 16 kHz -> codes [frames, codebooks], the first columns being what fewer codebooks would give. About samples /
   * 320 frames; a rest of 80 samples or more counts as a frame. The whole clip decides about each code.
   *
   * @throws BagpiperError for clips of less than a frame or more than 10 minutes, and for samples that are not finite
   */
  async encode(samples: Float32Array): Promise<Int32Array> {
    return (await this.analyse(samples)).codes;
  }

  /** As {@link encode}, with everything that it computes on the way. */
  async analyse(samples: Float32Array): Promise<XcodecAnalysis> {
    if (samples.length > MAX_SECONDS * XCODEC_RATE) {
      throw new BagpiperError(
        `The clip lasts ${(samples.length / XCODEC_RATE).toFixed(1)} s; X-Codec encodes at most ${MAX_SECONDS} s at once.`,
      );
    }
    if (!samples.every(Number.isFinite)) {
      throw new BagpiperError('The samples to encode hold a value that is not a finite number.');
    }
    const margin = Math.floor(this.hop / 2);
    const padded = new Float32Array(samples.length + 2 * margin);
    padded.set(samples, margin);
    const { semantic_model_config, acoustic_model_config, codebook_dim } = this.config;
    const heard = waveFrames(padded.length, semantic_model_config);
    const frames = heard < 1 ? 0 : semanticFrames(heard, this.config);
    if (frames < 1) {
      throw new BagpiperError(`The clip has ${samples.length} samples at 16 kHz, too few for a frame of X-Codec.`);
    }
    const wave = dacFrames(samples.length, acoustic_model_config) === frames ? samples : padded;
    if (dacFrames(wave.length, acoustic_model_config) !== frames) {
      throw new BagpiperError(
        `X-Codec's two encoders disagree about the frames of ${samples.length} samples; make them a multiple of ${this.hop}.`,
      );
    }
    const { states, semantic } = await this.listen(padded, heard);
    const acoustic = await this.acoustic(wave, frames);
    const { embeddings, ...columns } = await this.run('quantizer', {
      acoustic: { data: acoustic, dims: [1, acoustic.length / frames, frames] },
      semantic: { data: semantic, dims: [1, codebook_dim - acoustic.length / frames, frames] },
    });
    const codes = new Int32Array(frames * this.codebooks);
    for (let k = 0; k < this.codebooks; k++) {
      const column = columns[`codes${k}`].data;
      for (let t = 0; t < frames; t++) codes[t * this.codebooks + k] = Number(column[t]);
    }
    return { frames, states, semantic, acoustic, embeddings: numbers(embeddings), codes };
  }

  /**
   * Codes [frames, codebooks] -> frames * 320 samples at 16 kHz, in pieces that overlap by the context. Loud sounds go beyond 1.
   *
   * @param codebooks columns of `codes`, where they are the first few codebooks' only
   * @throws BagpiperError where the codes are no whole frames or out of range
   */
  async decode(codes: Int32Array, codebooks = this.codebooks): Promise<Float32Array> {
    const frames = this.checkCodes(codes, codebooks);
    const { hop, context } = this;
    const out = new Float32Array(frames * hop);
    for (const [from, to] of pieces(frames, this.pieceFrames)) {
      const low = Math.max(0, from - context);
      const high = Math.min(frames, to + context);
      const { samples } = await this.run(
        'decoder',
        this.sums(codes.subarray(low * codebooks, high * codebooks), codebooks),
      );
      out.set(numbers(samples).subarray((from - low) * hop, (to - low) * hop), from * hop);
    }
    return out;
  }

  /** What the decoder starts from: codes [frames, codebooks] -> [hidden_size, frames]. For checks. */
  async latents(codes: Int32Array, codebooks = this.codebooks): Promise<Float32Array> {
    this.checkCodes(codes, codebooks);
    return numbers((await this.run('latents', this.sums(codes, codebooks))).latents);
  }

  async release(): Promise<void> {
    const sessions = [...this.sessions.values()];
    this.sessions.clear();
    this.books.clear();
    for (const session of sessions) await (await session).release();
  }

  /** HuBERT and the semantic encoder over a wave that makes `frames` vectors. */
  private async listen(wave: Float32Array, frames: number): Promise<{ states: Float32Array; semantic: Float32Array }> {
    const { mean, variance } = await this.statistics(wave);
    const { semantic_model_config: config } = this.config;
    const { size, hop } = waveWindow(config);
    const [first, width] = [config.conv_dim[0], config.conv_dim.at(-1)!];
    const vectors = new Float32Array(frames * width);
    for (const [from, to] of pieces(frames, this.pieceFrames)) {
      const piece = wave.subarray(from * hop, (to - 1) * hop + size);
      const out = await this.run('vectors', {
        wave: { data: piece, dims: [1, 1, piece.length] },
        mean: { data: mean, dims: [1, first, 1] },
        variance: { data: variance, dims: [1, first, 1] },
      });
      vectors.set(numbers(out.vectors), from * width);
    }
    const out = await this.run('semantic', { vectors: { data: vectors, dims: [1, frames, width] } });
    return { states: numbers(out.states), semantic: numbers(out.semantic) };
  }

  /** Mean and variance of HuBERT's first layer over the whole wave. */
  private async statistics(wave: Float32Array): Promise<Statistics> {
    const { semantic_model_config: config } = this.config;
    const [kernel, stride] = [config.conv_kernel[0], config.conv_stride[0]];
    const parts: (Statistics & { count: number })[] = [];
    const steps = waveFrames(wave.length, config, 1);
    for (const [from, to] of pieces(steps, Math.ceil((this.pieceFrames * this.hop) / stride))) {
      const piece = wave.subarray(from * stride, (to - 1) * stride + kernel);
      const { mean, variance } = await this.run('statistics', { wave: { data: piece, dims: [1, 1, piece.length] } });
      parts.push({ mean: numbers(mean), variance: numbers(variance), count: to - from });
    }
    return mergeStatistics(parts);
  }

  /** The acoustic encoder over a wave that makes `frames` frames: [hidden_size, frames]. */
  private async acoustic(wave: Float32Array, frames: number): Promise<Float32Array> {
    const { acoustic_model_config: config } = this.config;
    const { hidden_size: channels } = config;
    const context = encoderContext(config);
    const out = new Float32Array(channels * frames);
    for (const [from, to] of pieces(frames, this.pieceFrames)) {
      const low = Math.max(0, from - context);
      const end = to + context >= frames ? wave.length : (to + context) * this.hop;
      const samples = wave.subarray(low * this.hop, end);
      const { acoustic } = await this.run('acoustic', { samples: { data: samples, dims: [1, 1, samples.length] } });
      const width = acoustic.dims[2];
      for (let c = 0; c < channels; c++) {
        const row = numbers(acoustic).subarray(c * width + from - low, c * width + to - low);
        out.set(row, c * frames + from);
      }
    }
    return out;
  }

  /** Sums of code vectors as the decoder's input [1, frames, codebook_dim]. Codes must be in range. */
  private sums(codes: Int32Array, codebooks: number): { sums: Value } {
    const dims = this.config.codebook_dim;
    const frames = codes.length / codebooks;
    const data = new Float32Array(frames * dims);
    for (let k = 0; k < codebooks; k++) {
      const book = this.book(k);
      for (let t = 0; t < frames; t++) {
        const from = codes[t * codebooks + k] * dims;
        for (let d = 0; d < dims; d++) data[t * dims + d] += book[from + d];
      }
    }
    return { sums: { data, dims: [1, frames, dims] } };
  }

  private book(k: number): Float32Array {
    const book = this.books.get(k) ?? this.weights.values(codebookName(k));
    this.books.set(k, book);
    return book;
  }

  /** The number of frames. @throws BagpiperError */
  private checkCodes(codes: Int32Array, codebooks: number): number {
    if (!Number.isInteger(codebooks) || codebooks < 1 || codebooks > this.codebooks) {
      throw new BagpiperError(
        `Codes of ${codebooks} codebooks cannot be decoded; 1 to ${this.codebooks} are accepted.`,
      );
    }
    if (codes.length % codebooks !== 0) {
      throw new BagpiperError(`${codes.length} codes are no whole number of frames of ${codebooks} codes.`);
    }
    for (let i = 0; i < codes.length; i++) {
      if (codes[i] < 0 || codes[i] >= this.codebookSize) {
        throw new BagpiperError(
          `Code ${codes[i]} in frame ${Math.floor(i / codebooks)}, codebook ${i % codebooks}, is not in the range 0 to ${this.codebookSize - 1}.`,
        );
      }
    }
    return codes.length / codebooks;
  }

  private async run(network: XcodecNetwork, inputs: Record<string, Value>): Promise<Record<string, Value>> {
    let session = this.sessions.get(network);
    if (!session) {
      const graph = new Graph();
      XCODEC_NETWORKS[network](graph, this.config);
      const parameters = (name: string) => ({ data: this.weights.values(name) });
      session = Session.create(graph, { parameters, ...this.on });
      this.sessions.set(network, session);
    }
    return (await session).run(inputs);
  }
}

const numbers = ({ data }: Value): Float32Array => data as Float32Array;

/** Cuts [0, length) into pieces of nearly equal sizes, none above `most`: few sizes, so that compiled graphs reuse memory. */
function* pieces(length: number, most: number): Generator<[from: number, to: number]> {
  const count = Math.ceil(length / most);
  for (let i = 0; i < count; i++) yield [Math.round((i * length) / count), Math.round(((i + 1) * length) / count)];
}
