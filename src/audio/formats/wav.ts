import { type Block, MAX_CHANNELS, MAX_RATE, MIN_RATE, type PushDecoder } from '../types.js';
import { DamagedAudio, UnsupportedAudio } from './faults.js';
import { ByteQueue } from './queue.js';

/** What the `fmt ` chunk says, checked. */
interface WavFormat {
  channels: number;
  sampleRate: number;
  bytes: number;
  kind: 'int' | 'float' | 'alaw' | 'ulaw';
}

const KNOWN_CODECS: Record<number, string> = {
  2: 'ADPCM',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  80: 'MPEG',
  85: 'MP3',
  353: 'Windows Media Audio',
};
/** Chunks in front of the samples are skipped, but not for ever. */
const MAX_FMT = 4096;
/** samples a channel in one block: bounds memory whatever the header says */
const BLOCK_FRAMES = 32768;

/** WAV: 8/16/24/32-bit integers, 32/64-bit floats, A-law, u-law, also as extensible and RF64. */
export class WavDecoder implements PushDecoder {
  format = 'wav';
  readonly warnings: string[] = [];
  private readonly queue = new ByteQueue();
  private state: 'riff' | 'chunk' | 'fmt' | 'skip' | 'data' | 'done' = 'riff';
  private left = 0;
  private fmt: WavFormat | undefined;
  /** the data size is not known: written to a pipe, or RF64 */
  private endless = false;
  private frames = 0;

  async *push(bytes: Uint8Array): AsyncGenerator<Block, void, void> {
    if (this.state === 'done') return;
    this.queue.push(bytes);
    while (this.header()) {}
    if (this.state === 'data') yield* this.samples();
  }

  // biome-ignore lint/correctness/useYield: nothing is ever held back
  async *end(): AsyncGenerator<Block, void, void> {
    if (this.state === 'data') {
      if (!this.endless && this.left > 0) this.warnings.push('ends before its header says: the file is truncated');
    } else if (this.frames === 0 && this.state !== 'done') {
      throw new DamagedAudio(this.fmt ? 'a WAV file without a data chunk' : 'a WAV file without a fmt chunk');
    }
  }

  free(): void {
    this.queue.bytes = new Uint8Array(0);
  }

  /** One step through the chunks; false when more bytes are needed or the samples begin. */
  private header(): boolean {
    const view = this.queue.view();
    switch (this.state) {
      case 'riff':
        if (view.byteLength < 12) return false;
        this.queue.drop(12);
        this.state = 'chunk';
        return true;
      case 'chunk': {
        if (view.byteLength < 8) return false;
        const id = view.getUint32(0, false);
        const size = view.getUint32(4, true);
        this.queue.drop(8);
        this.enter(id, size);
        return true;
      }
      case 'fmt':
        if (view.byteLength < this.left) return false;
        this.fmt = parseFormat(view, this.left);
        this.format = describe(this.fmt);
        this.state = 'skip';
        return true;
      case 'skip': {
        const step = Math.min(this.left, this.queue.bytes.length);
        this.queue.drop(step);
        this.left -= step;
        if (this.left > 0) return false;
        this.state = 'chunk';
        return true;
      }
      default:
        return false;
    }
  }

  private enter(id: number, size: number): void {
    if (id === 0x666d7420 && !this.fmt) {
      if (size < 16 || size > MAX_FMT) throw new DamagedAudio(`a WAV file with a fmt chunk of ${size} bytes`);
      this.state = 'fmt';
      this.left = size + (size & 1);
    } else if (id === 0x64617461) {
      if (!this.fmt) throw new DamagedAudio('a WAV file whose data comes before its fmt chunk');
      this.state = 'data';
      // Programs that write to a pipe leave 0 or the largest number here, RF64 always the largest.
      this.endless = size >= 0x7ffff000 || size === 0;
      this.left = this.endless ? Number.POSITIVE_INFINITY : size;
    } else {
      this.state = 'skip';
      this.left = size + (size & 1);
    }
  }

  private *samples(): Generator<Block, void, void> {
    const fmt = this.fmt as WavFormat;
    const frame = fmt.bytes * fmt.channels;
    let usable = Math.floor(Math.min(this.left, this.queue.bytes.length) / frame);
    while (usable > 0) {
      const count = Math.min(usable, BLOCK_FRAMES);
      const channels = decodeFrames(this.queue.bytes, count, fmt);
      this.queue.drop(count * frame);
      this.left -= count * frame;
      this.frames += count;
      usable -= count;
      yield { channels, sampleRate: fmt.sampleRate };
    }
    if (this.left < frame) {
      this.state = 'done';
      this.queue.bytes = new Uint8Array(0);
    }
  }
}

function parseFormat(view: DataView, size: number): WavFormat {
  let tag = view.getUint16(0, true);
  const channels = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const bits = view.getUint16(14, true);
  // Extensible: the first two bytes of the sub-format's GUID are the plain tag.
  if (tag === 0xfffe && size >= 26) tag = view.getUint16(24, true);
  const kinds: Record<number, WavFormat['kind']> = { 1: 'int', 3: 'float', 6: 'alaw', 7: 'ulaw' };
  const kind = kinds[tag];
  if (!kind) {
    throw new UnsupportedAudio(`a WAV file with ${KNOWN_CODECS[tag] ?? `unknown codec ${tag}`} inside`);
  }
  const bytes = Math.ceil(bits / 8);
  const fits = {
    int: bytes >= 1 && bytes <= 4,
    float: bits === 32 || bits === 64,
    alaw: bytes === 1,
    ulaw: bytes === 1,
  };
  if (!fits[kind]) throw new DamagedAudio(`a WAV file with ${bits}-bit ${kind} samples`);
  if (channels < 1 || channels > MAX_CHANNELS) throw new DamagedAudio(`a WAV file with ${channels} channels`);
  if (sampleRate < MIN_RATE || sampleRate > MAX_RATE) {
    throw new DamagedAudio(`a WAV file at ${sampleRate} samples a second`);
  }
  return { channels, sampleRate, bytes, kind };
}

function describe(fmt: WavFormat): string {
  if (fmt.kind === 'alaw') return 'wav (A-law)';
  if (fmt.kind === 'ulaw') return 'wav (u-law)';
  return fmt.kind === 'float' ? `wav (${8 * fmt.bytes}-bit float)` : `wav (${8 * fmt.bytes}-bit)`;
}

/** The first `count` frames of interleaved samples, one array a channel. */
function decodeFrames(bytes: Uint8Array, count: number, fmt: WavFormat): Float32Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, count * fmt.bytes * fmt.channels);
  const sample = reader(view, fmt);
  return Array.from({ length: fmt.channels }, (_, c) => {
    const out = new Float32Array(count);
    const step = fmt.bytes * fmt.channels;
    for (let i = 0, at = c * fmt.bytes; i < count; i++, at += step) out[i] = sample(at);
    return out;
  });
}

function reader(view: DataView, fmt: WavFormat): (at: number) => number {
  if (fmt.kind === 'float')
    return fmt.bytes === 4 ? (at) => view.getFloat32(at, true) : (at) => view.getFloat64(at, true);
  if (fmt.kind === 'alaw') return (at) => alaw(view.getUint8(at));
  if (fmt.kind === 'ulaw') return (at) => ulaw(view.getUint8(at));
  switch (fmt.bytes) {
    case 1:
      return (at) => (view.getUint8(at) - 128) / 128;
    case 2:
      return (at) => view.getInt16(at, true) / 32768;
    case 3:
      return (at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 65536) / 8388608;
    default:
      return (at) => view.getInt32(at, true) / 2147483648;
  }
}

/** ITU-T G.711 A-law byte -> sample */
function alaw(byte: number): number {
  const b = byte ^ 0x55;
  const exponent = (b >> 4) & 7;
  const mantissa = ((b & 15) << 4) + 8;
  const value = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return (b & 0x80 ? value : -value) / 32768;
}

/** ITU-T G.711 u-law byte -> sample */
function ulaw(byte: number): number {
  const b = ~byte & 0xff;
  const value = ((((b & 15) << 3) + 132) << ((b >> 4) & 7)) - 132;
  return (b & 0x80 ? -value : value) / 32768;
}
