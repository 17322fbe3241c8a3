/** The sound of an audio segment while its rows still come: the delay pattern undone row by row, frames decoded in chunks. */
import { decodeStream } from '../model/codec/chunks.js';
import { type BagpiperConfig, type Codec, delayDeinterleave } from '../model/index.js';

/** Frames on their way to the codec. */
class FrameQueue implements AsyncIterable<Int32Array> {
  private readonly frames: Int32Array[] = [];
  private ended = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  push(codes: Int32Array): void {
    this.frames.push(codes);
    this.wake?.();
  }

  end(failure?: Error): void {
    this.ended = true;
    this.failure ??= failure;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Int32Array, void, void> {
    for (;;) {
      if (this.failure) throw this.failure;
      const codes = this.frames.shift();
      if (codes) yield codes;
      else if (this.ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }
}

export class SoundStream {
  /** frames handed to the codec */
  frames = 0;
  /** wall-clock seconds in the codec */
  seconds = 0;
  private readonly recent: Int32Array[] = [];
  private readonly queue = new FrameQueue();
  private readonly chunks: Float32Array[] = [];
  private readonly decoded: Promise<void>;

  /** @param emit gets every chunk of samples when it is there */
  constructor(
    private readonly config: BagpiperConfig,
    codec: Codec,
    emit: (samples: Float32Array) => void,
  ) {
    this.decoded = this.decode(codec, emit);
    // A failure is reported by `end`; until someone asks it must not count as unhandled.
    this.decoded.catch(() => {});
  }

  /** One row [num_stream] of the segment. The frame that it completes goes to the codec. */
  push(row: Int32Array): void {
    const { num_stream: streams } = this.config;
    this.recent.push(row);
    if (this.recent.length < streams) return;
    const ids = new Int32Array(streams * streams);
    for (const [t, each] of this.recent.entries()) ids.set(each, t * streams);
    this.recent.shift();
    this.frames++;
    this.queue.push(delayDeinterleave(ids, this.config));
  }

  /** No more rows: waits for the rest and gives all samples. Too few rows for one frame give none. */
  async end(): Promise<Float32Array> {
    this.queue.end();
    await this.decoded;
    const samples = new Float32Array(this.chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of this.chunks) {
      samples.set(chunk, at);
      at += chunk.length;
    }
    return samples;
  }

  /** Gives up: nothing more is decoded. */
  stop(): void {
    this.queue.end(new Error('the request has ended'));
  }

  private async decode(codec: Codec, emit: (samples: Float32Array) => void): Promise<void> {
    const { hop, codebooks, context } = codec;
    const timed = async (codes: Int32Array): Promise<Float32Array> => {
      const began = performance.now();
      const samples = await codec.decode(codes);
      this.seconds += (performance.now() - began) / 1000;
      return samples;
    };
    for await (const chunk of decodeStream({ hop, codebooks, context, decode: timed }, this.queue)) {
      this.chunks.push(chunk);
      emit(chunk);
    }
  }
}
