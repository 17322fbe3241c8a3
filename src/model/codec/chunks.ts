/** Decoding while codes still come: overlapping chunks whose joints are exact, small ones first. */
import { BagpiperError } from '../../errors.js';
import type { Codec } from './types.js';

/** What {@link decodeStream} needs of a codec. */
export type StreamableCodec = Pick<Codec, 'hop' | 'codebooks' | 'context' | 'decode'>;

export interface StreamOptions {
  /** frames of the first chunk: few, so that sound starts early. Default 8. */
  first?: number;
  /** frames that chunks grow to, doubling. Default 64. */
  most?: number;
}

/**
 * Decodes frames as they come. Each chunk waits for the codec's context after it and takes as much from before it, so the
 * chunks joined are what decoding all frames at once gives (but for rounding).
 *
 * @param frames code rows of whole frames, any number of frames at a time
 * @returns chunks of samples at 16 kHz, `frames * hop` samples in all
 * @throws BagpiperError where a piece is no whole number of frames
 */
export async function* decodeStream(
  codec: StreamableCodec,
  frames: AsyncIterable<Int32Array> | Iterable<Int32Array>,
  { first = 8, most = 64 }: StreamOptions = {},
): AsyncGenerator<Float32Array, void, void> {
  const held = new HeldFrames(codec.codebooks);
  let size = Math.max(1, first);
  let done = 0;
  for await (const piece of frames) {
    held.push(piece);
    while (held.end >= done + size + codec.context) {
      yield await decodePart(codec, held, done, done + size);
      done += size;
      held.dropBefore(done - codec.context);
      size = Math.min(2 * size, Math.max(most, first));
    }
  }
  for (; done < held.end; done = Math.min(held.end, done + most)) {
    yield await decodePart(codec, held, done, Math.min(held.end, done + most));
  }
}

/** Frames [from, to) with what context is there, cut to their own samples. */
async function decodePart(codec: StreamableCodec, held: HeldFrames, from: number, to: number): Promise<Float32Array> {
  const low = Math.max(0, from - codec.context);
  const high = Math.min(held.end, to + codec.context);
  const samples = await codec.decode(held.slice(low, high));
  return samples.slice((from - low) * codec.hop, (to - low) * codec.hop);
}

/** Code rows that are still needed, under their numbers in the whole stream. */
class HeldFrames {
  private codes: number[] = [];
  private start = 0;

  constructor(private readonly codebooks: number) {}

  get end(): number {
    return this.start + this.codes.length / this.codebooks;
  }

  push(piece: Int32Array): void {
    if (piece.length % this.codebooks !== 0) {
      throw new BagpiperError(`${piece.length} codes are no whole number of frames of ${this.codebooks} codes.`);
    }
    for (const code of piece) this.codes.push(code);
  }

  slice(from: number, to: number): Int32Array {
    return Int32Array.from(this.codes.slice((from - this.start) * this.codebooks, (to - this.start) * this.codebooks));
  }

  dropBefore(frame: number): void {
    if (frame <= this.start) return;
    this.codes.splice(0, (frame - this.start) * this.codebooks);
    this.start = frame;
  }
}
