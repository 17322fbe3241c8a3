import { BagpiperError } from '../errors.js';

export type BitDepth = 16 | 24 | '32float';

export interface WavOptions {
  /** Default 16. Integers are rounded and clipped at +-1; floats are written as they are. */
  bitDepth?: BitDepth;
  /** Texts for a LIST/INFO chunk: four-letter names such as ICMT (comment), INAM (title), ISFT (software). */
  metadata?: Record<string, string>;
}

/** A header is written for this many data bytes when the length is not known (a pipe). */
const UNKNOWN = 0xffffffff;

/**
 * The 44 to 58 bytes (and metadata) in front of a WAV file's samples.
 * @param frames samples a channel; leave it out when writing to a pipe: readers then take all that comes
 */
export function wavHeader(
  sampleRate: number,
  channels: number,
  frames: number | undefined,
  options: WavOptions = {},
): Uint8Array {
  const float = options.bitDepth === '32float';
  const bytes = sampleBytes(options.bitDepth);
  const info = infoChunk(options.metadata ?? {});
  const fmt = new Uint8Array(8 + 16 + (float ? 2 : 0));
  const data = frames === undefined ? UNKNOWN : frames * channels * bytes;
  const fact = float ? 12 : 0;
  const header = new Uint8Array(12 + fmt.length + fact + info.length + 8);
  const total = header.length - 8 + data + (data & 1);
  if (frames !== undefined && total > UNKNOWN) {
    throw new BagpiperError(
      `a WAV file holds 4 GB, not ${(total / 2 ** 30).toFixed(1)}; write shorter pieces or FLAC.`,
    );
  }
  const view = new DataView(header.buffer);
  put(header, 0, 'RIFF');
  view.setUint32(4, Math.min(total, UNKNOWN), true);
  put(header, 8, 'WAVEfmt ');
  view.setUint32(16, fmt.length - 8, true);
  view.setUint16(20, float ? 3 : 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * bytes, true);
  view.setUint16(32, channels * bytes, true);
  view.setUint16(34, bytes * 8, true);
  let at = 12 + fmt.length;
  if (float) {
    put(header, at, 'fact');
    view.setUint32(at + 4, 4, true);
    view.setUint32(at + 8, frames ?? UNKNOWN, true);
    at += fact;
  }
  header.set(info, at);
  at += info.length;
  put(header, at, 'data');
  view.setUint32(at + 4, data, true);
  return header;
}

/** Samples as a WAV file stores them, interleaved, without a header. @param samples mono, or `[channels][samples]` */
export function wavSamples(samples: Float32Array | Float32Array[], bitDepth: BitDepth = 16): Uint8Array {
  const channels = asChannels(samples);
  const bytes = sampleBytes(bitDepth);
  const frames = channels[0].length;
  const out = new Uint8Array(frames * channels.length * bytes);
  const view = new DataView(out.buffer);
  channels.forEach((channel, c) => {
    const step = bytes * channels.length;
    for (let i = 0, at = c * bytes; i < frames; i++, at += step) {
      if (bitDepth === '32float') view.setFloat32(at, channel[i], true);
      else if (bitDepth === 16) view.setInt16(at, toInteger(channel[i], 16), true);
      else {
        const value = toInteger(channel[i], 24);
        view.setUint16(at, value & 0xffff, true);
        view.setInt8(at + 2, value >> 16);
      }
    }
  });
  return out;
}

/** A whole WAV file. @param samples mono, or `[channels][samples]` @param sampleRate samples a second */
export function encodeWav(
  samples: Float32Array | Float32Array[],
  sampleRate: number,
  options: WavOptions = {},
): Uint8Array {
  const channels = asChannels(samples);
  const header = wavHeader(sampleRate, channels.length, channels[0].length, options);
  const data = wavSamples(channels, options.bitDepth);
  const out = new Uint8Array(header.length + data.length + (data.length & 1));
  out.set(header);
  out.set(data, header.length);
  return out;
}

/**
 * Writes a WAV file, whole or not at all (Node).
 * @param samples mono, or `[channels][samples]` @param sampleRate samples a second
 * @throws BagpiperError when it cannot be written
 */
export async function writeWav(
  path: string,
  samples: Float32Array | Float32Array[],
  sampleRate: number,
  options: WavOptions = {},
): Promise<void> {
  const { writeFileAtomically } = await import('../files.js');
  await writeFileAtomically(path, encodeWav(samples, sampleRate, options));
}

/** A sample as a signed integer: full scale 2^(bits-1), rounded, clipped; NaN becomes 0. */
export function toInteger(sample: number, bits: 16 | 24): number {
  const full = 2 ** (bits - 1);
  const value = Math.round(sample * full);
  if (value >= full) return full - 1;
  return value < -full ? -full : value || 0;
}

/** Mono samples as a list of one channel; refuses channels of different lengths. */
export function asChannels(samples: Float32Array | Float32Array[]): Float32Array[] {
  const channels = Array.isArray(samples) ? samples : [samples];
  if (channels.length === 0 || channels.some((c) => c.length !== channels[0].length)) {
    throw new RangeError('sound to write needs at least one channel, and all of one length');
  }
  return channels;
}

function sampleBytes(bitDepth: BitDepth = 16): number {
  return bitDepth === '32float' ? 4 : bitDepth / 8;
}

function infoChunk(metadata: Record<string, string>): Uint8Array {
  const items = Object.entries(metadata).map(([name, text]) => {
    if (!/^[A-Z0-9]{4}$/.test(name))
      throw new RangeError(`WAV metadata needs four-letter names such as ICMT, not ${name}`);
    // The text ends in a zero byte, and every chunk starts on an even one.
    const bytes = new TextEncoder().encode(`${text}\0`);
    const out = new Uint8Array(8 + bytes.length + (bytes.length & 1));
    put(out, 0, name);
    new DataView(out.buffer).setUint32(4, bytes.length, true);
    out.set(bytes, 8);
    return out;
  });
  if (items.length === 0) return new Uint8Array(0);
  const size = items.reduce((sum, item) => sum + item.length, 4);
  const out = new Uint8Array(8 + size);
  put(out, 0, 'LIST');
  new DataView(out.buffer).setUint32(4, size, true);
  put(out, 8, 'INFO');
  let at = 12;
  for (const item of items) {
    out.set(item, at);
    at += item.length;
  }
  return out;
}

function put(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
