/** The small model's own codec: 25 frames a second, 8 residual codebooks of 256 codes, 1.6 kb/s. */
import { BagpiperError } from '../../errors.js';
import { Graph } from '../../graph/index.js';
import { type Device, Session } from '../../runtime/index.js';
import {
  codecContext,
  codecTensors,
  HOP,
  type NanoCodecConfig,
  requireTensor,
  SUB_FRAMES,
  WINDOW,
} from './nano-config.js';
import { decoderSpectra, synthesize } from './nano-decoder.js';
import { encoderGraph, frameCount, windows } from './nano-encoder.js';
import type { Codec } from './types.js';

export interface NanoCodecOptions {
  /** threads of ONNX Runtime; default: its own choice */
  threads?: number;
  /** default: the CPU */
  device?: Device;
}

/** Frames that are encoded at once. */
const ENCODE_FRAMES = 256;
/** Frames that are decoded at once: short calls take the small graph, so that streams start early. */
const DECODE_FRAMES = [8, 64] as const;

export class NanoCodec implements Codec {
  readonly hop = HOP;
  readonly codebooks: number;
  readonly codebookSize: number;
  readonly context: number;
  private encoder: Promise<Session> | undefined;
  private readonly decoders = new Map<number, Promise<Session>>();

  private constructor(
    private readonly tensors: ReadonlyMap<string, Float32Array>,
    private readonly config: NanoCodecConfig,
    private readonly options: NanoCodecOptions,
  ) {
    this.codebooks = config.codebooks;
    this.codebookSize = config.codebook_size;
    this.context = codecContext(config);
  }

  /**
   * Graphs are compiled when they are first needed.
   *
   * @param tensors by the names of {@link codecTensors}, without the model folder's prefix
   * @throws BagpiperError where a tensor is missing or has another size.
   */
  static load(
    tensors: ReadonlyMap<string, Float32Array>,
    config: NanoCodecConfig,
    options: NanoCodecOptions = {},
  ): NanoCodec {
    for (const [name, shape] of codecTensors(config)) requireTensor(tensors, name, shape);
    return new NanoCodec(tensors, config, options);
  }

  /** Samples at 16 kHz -> codes [ceil(samples / 640), codebooks]; the last frame is filled up with silence. */
  async encode(samples: Float32Array): Promise<Int32Array> {
    if (!samples.every(Number.isFinite)) {
      throw new BagpiperError('The samples to encode hold a value that is not a finite number.');
    }
    const frames = frameCount(samples.length);
    const { codebooks } = this;
    const codes = new Int32Array(frames * codebooks);
    this.encoder ??= this.compile((graph) => encoderGraph(graph, this.config));
    const session = await this.encoder;
    for (let from = 0; from < frames; from += ENCODE_FRAMES) {
      const to = Math.min(frames, from + ENCODE_FRAMES);
      const data = windows(samples, from, to);
      const out = await session.run({ windows: { data, dims: [(to - from) * SUB_FRAMES, WINDOW] } });
      for (let k = 0; k < codebooks; k++) {
        const column = out[`codes${k}`].data;
        for (let i = 0; i < to - from; i++) codes[(from + i) * codebooks + k] = Number(column[i]);
      }
    }
    return codes;
  }

  /**
   * Codes [frames, codebooks] -> frames * 640 samples at 16 kHz. Before the first and after the last frame is silence.
   *
   * @throws BagpiperError where the codes are no whole frames or out of range.
   */
  async decode(codes: Int32Array): Promise<Float32Array> {
    const vectors = this.vectors(codes);
    const frames = codes.length / this.codebooks;
    const out = new Float32Array(frames * HOP);
    const size = frames <= 2 * DECODE_FRAMES[0] ? DECODE_FRAMES[0] : DECODE_FRAMES[1];
    const session = await this.decoder(size);
    const { dims } = this.config;
    const rows = size + 2 * this.context;
    for (let from = 0; from < frames; from += size) {
      const z = this.silence(rows);
      const low = Math.max(0, from - this.context);
      const high = Math.min(frames, from + size + this.context);
      z.set(vectors.subarray(low * dims, high * dims), (low - from + this.context) * dims);
      const { samples } = await session.run({ z: { data: z, dims: [1, rows, dims] } });
      out.set((samples.data as Float32Array).subarray(0, (frames - from) * HOP), from * HOP);
    }
    return out;
  }

  async release(): Promise<void> {
    const sessions = [...this.decoders.values(), ...(this.encoder ? [this.encoder] : [])];
    this.decoders.clear();
    this.encoder = undefined;
    for (const session of sessions) await (await session).release();
  }

  /** The sums of code vectors: [frames, dims]. */
  private vectors(codes: Int32Array): Float32Array {
    const { codebooks, codebookSize } = this;
    if (codes.length % codebooks !== 0) {
      throw new BagpiperError(`${codes.length} codes are no whole number of frames of ${codebooks} codes.`);
    }
    for (let i = 0; i < codes.length; i++) {
      if (codes[i] < 0 || codes[i] >= codebookSize) {
        throw new BagpiperError(
          `Code ${codes[i]} in frame ${Math.floor(i / codebooks)}, codebook ${i % codebooks}, is not in the range 0 to ${codebookSize - 1}.`,
        );
      }
    }
    return codeVectors(codes, this.tensors, this.config);
  }

  /** Frames of silence, as the projection sees them: features 0. */
  private silence(rows: number): Float32Array {
    return silentVectors(rows, this.tensors, this.config);
  }

  private decoder(frames: number): Promise<Session> {
    let found = this.decoders.get(frames);
    if (!found) {
      found = this.compile((graph) => {
        const z = graph.input('z', 'float32', [1, frames + 2 * this.context, this.config.dims]);
        graph.output('samples', synthesize(decoderSpectra(z, this.config)));
      });
      this.decoders.set(frames, found);
    }
    return found;
  }

  private compile(build: (graph: Graph) => void): Promise<Session> {
    const graph = new Graph();
    build(graph);
    const parameters = (name: string) => ({ data: this.tensors.get(name)! });
    return Session.create(graph, { parameters, ...this.options });
  }
}

/** Sums of code vectors: codes [frames, codebooks] -> [frames, dims]. Codes must be in range. */
export function codeVectors(
  codes: ArrayLike<number>,
  tensors: ReadonlyMap<string, Float32Array>,
  { codebooks, dims }: NanoCodecConfig,
): Float32Array {
  const books = Array.from({ length: codebooks }, (_, k) => tensors.get(`quantizer.codebooks.${k}`)!);
  const out = new Float32Array((codes.length / codebooks) * dims);
  for (let i = 0; i < codes.length; i++) {
    const at = Math.floor(i / codebooks) * dims;
    const book = books[i % codebooks];
    const from = codes[i] * dims;
    for (let d = 0; d < dims; d++) out[at + d] += book[from + d];
  }
  return out;
}

/** What frames of digital silence project to: [rows, dims], all rows equal. */
export function silentVectors(
  rows: number,
  tensors: ReadonlyMap<string, Float32Array>,
  { dims }: NanoCodecConfig,
): Float32Array {
  const mean = tensors.get('encoder.mean')!;
  const projection = tensors.get('encoder.projection')!;
  const out = new Float32Array(rows * dims);
  for (let d = 0; d < dims; d++) {
    let z = 0;
    for (let i = 0; i < mean.length; i++) z -= mean[i] * projection[d * mean.length + i];
    for (let r = 0; r < rows; r++) out[r * dims + d] = z;
  }
  return out;
}
