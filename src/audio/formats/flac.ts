import { type Block, MAX_RATE, MIN_RATE, type PushDecoder } from '../types.js';
import { OutOfBits } from './bit-reader.js';
import { DamagedAudio } from './faults.js';
import { decodeFrame, type FlacFrame, type FlacInfo, looksLikeFrame } from './flac-frame.js';
import { ByteQueue } from './queue.js';
import { has, id3Length } from './sniff.js';

/** No frame is longer: 65,535 samples of 8 channels with 32 bits, and some. */
const MAX_FRAME = 4 << 20;

/**
 * FLAC (RFC 9639), every bit depth and channel count. Frames with a wrong checksum are left out. Written here and not
 * taken from a package so that damaged files stay cheap and quiet and memory stays bounded.
 */
export class FlacDecoder implements PushDecoder {
  format = 'flac';
  readonly warnings: string[] = [];
  private readonly queue = new ByteQueue();
  private state: 'start' | 'metadata' | 'skip' | 'frames' = 'start';
  private skip = 0;
  private lastBlock = false;
  private info: FlacInfo = { sampleRate: 0, channels: 0, bits: 0, total: 0 };
  private decoded = 0;
  private damaged = 0;
  /** in the middle of a damaged place */
  private lost = false;
  /** the last frame is not all there */
  private cut = false;
  private ended = false;

  async *push(bytes: Uint8Array): AsyncGenerator<Block, void, void> {
    this.queue.push(bytes);
    while (this.state !== 'frames' && this.header()) {}
    if (this.state === 'frames') yield* this.frames();
  }

  async *end(): AsyncGenerator<Block, void, void> {
    this.ended = true;
    if (this.state === 'frames') yield* this.frames();
    if (this.decoded === 0 && this.info.channels > 0 && this.info.total === 0 && this.damaged === 0) return;
    if (this.decoded === 0) throw new DamagedAudio('a FLAC file in which no frame can be decoded');
    if (this.damaged > 0) {
      this.warnings.push(`has ${this.damaged} damaged ${this.damaged === 1 ? 'place' : 'places'}, which were left out`);
    }
    if (this.cut || (this.decoded < this.info.total && this.damaged === 0)) {
      this.warnings.push('ends before its header says: the file is truncated');
    }
  }

  free(): void {
    this.queue.bytes = new Uint8Array(0);
  }

  /** One step through what stands before the frames; false when more bytes are needed. */
  private header(): boolean {
    const { bytes } = this.queue;
    if (this.state === 'skip') {
      const step = Math.min(this.skip, bytes.length);
      this.queue.drop(step);
      this.skip -= step;
      if (this.skip > 0) return false;
      this.state = this.lastBlock ? 'frames' : has(this.queue.bytes, 0, 'fLaC') ? 'start' : 'metadata';
      return true;
    }
    if (this.state === 'start') {
      if (bytes.length < 10) return false;
      this.skip = has(bytes, 0, 'ID3') ? id3Length(bytes) : 4;
      this.lastBlock = false;
      this.state = 'skip';
      return true;
    }
    if (bytes.length < 4) return false;
    const type = bytes[0] & 127;
    const size = (bytes[1] << 16) | (bytes[2] << 8) | bytes[3];
    if (type === 0 && bytes.length < 4 + 18) return false;
    if (type === 0) this.info = parseInfo(this.queue.view());
    this.lastBlock = bytes[0] >= 128;
    this.skip = 4 + size;
    this.state = 'skip';
    return true;
  }

  private *frames(): Generator<Block, void, void> {
    for (;;) {
      const { bytes } = this.queue;
      if (bytes.length < 2 && !this.ended) return;
      const frame = bytes.length === 0 ? undefined : this.next(bytes);
      if (!frame) return;
      this.queue.drop(frame.length);
      this.decoded += frame.channels[0].length;
      yield { channels: frame.channels, sampleRate: frame.sampleRate };
    }
  }

  /** The next intact frame; undefined when more bytes are needed or none is left. */
  private next(bytes: Uint8Array): FlacFrame | undefined {
    for (let at = 0; at < bytes.length; at++) {
      if (!looksLikeFrame(bytes, at)) continue;
      try {
        const frame = decodeFrame(bytes, at, this.info);
        if (frame.sampleRate < MIN_RATE || frame.sampleRate > MAX_RATE)
          throw new DamagedAudio('a FLAC frame without a rate');
        this.skipped(at);
        this.lost = false;
        return { ...frame, length: at + frame.length };
      } catch (error) {
        if (error instanceof OutOfBits) {
          if (this.ended) this.cut = true;
          else if (bytes.length - at < MAX_FRAME) {
            this.skipped(at);
            this.queue.drop(at);
            return undefined;
          }
        } else if (!(error instanceof DamagedAudio)) throw error;
      }
    }
    // The first byte of a frame's mark may have come and the second not yet; a tag at the end (ID3v1) is not damage.
    const keep = !this.ended && bytes[bytes.length - 1] === 0xff ? 1 : 0;
    if (!has(bytes, 0, 'TAG') && !this.cut) this.skipped(bytes.length - keep);
    this.queue.drop(bytes.length - keep);
    return undefined;
  }

  /** Counts places, not bytes. */
  private skipped(count: number): void {
    if (count > 0 && !this.lost) {
      this.damaged++;
      this.lost = true;
    }
  }
}

function parseInfo(view: DataView): FlacInfo {
  const word = view.getUint32(14);
  return {
    sampleRate: word >>> 12,
    channels: ((word >>> 9) & 7) + 1,
    bits: ((word >>> 4) & 31) + 1,
    total: (word & 15) * 2 ** 32 + view.getUint32(18),
  };
}
