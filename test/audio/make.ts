/** Sound with a known content, and files of every format made from it by other tools than ours. */
import { readFileSync } from 'node:fs';
import OpusScript from 'opusscript';

/** Sines as `a sin(2 pi f i / rate + phase)`. */
export function sine(length: number, rate: number, hz: number, amplitude = 0.5, phase = 0): Float32Array {
  return Float32Array.from({ length }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate + phase));
}

/** Power of `expected` over the power of the difference, dB, from sample `skip` to `skip` before the end. */
export function snrDb(expected: ArrayLike<number>, got: ArrayLike<number>, skip = 0): number {
  let signal = 0;
  let noise = 0;
  for (let i = skip; i < Math.min(expected.length, got.length) - skip; i++) {
    signal += expected[i] ** 2;
    noise += (expected[i] - got[i]) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** Without the silence that an encoder put in front: the part of `got` that fits `expected` best, up to 2,500 samples in. */
export function aligned(expected: Float32Array, got: Float32Array): Float32Array {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  const from = Math.floor(expected.length / 2);
  for (let lag = 0; lag < 2500; lag++) {
    let product = 0;
    for (let i = from; i < from + 3000 && i < expected.length; i++) product += expected[i] * (got[i + lag] ?? 0);
    if (product > most) [best, most] = [lag, product];
  }
  return got.subarray(best, best + expected.length);
}

/** A recording of another project's tests, in many formats. */
export function lena(extension: string): string {
  return new URL(`../../node_modules/audio-lena/lena.${extension}`, import.meta.url).pathname;
}

/** The path of a file in test/fixtures/audio. */
export function fixture(name: string): string {
  return new URL(`../fixtures/audio/${name}`, import.meta.url).pathname;
}

export function fixtureBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fixture(name)));
}

export interface WavFields {
  tag?: number;
  channels?: number;
  rate?: number;
  bits?: number;
  /** wraps the tag as WAVE_FORMAT_EXTENSIBLE */
  extensible?: boolean;
  /** what the header says about the size of the data, if not the truth */
  statedSize?: number;
  /** chunks between the format and the data */
  between?: Uint8Array;
}

/** A WAV file put together by the book (Microsoft's multimedia standards update, 1994). */
export function wavBytes(data: Uint8Array, fields: WavFields = {}): Uint8Array {
  const { tag = 1, channels = 1, rate = 16000, bits = 16, extensible = false } = fields;
  const size = extensible ? 40 : 16;
  const fmt = Buffer.alloc(8 + size);
  fmt.write('fmt ');
  fmt.writeUInt32LE(size, 4);
  fmt.writeUInt16LE(extensible ? 0xfffe : tag, 8);
  fmt.writeUInt16LE(channels, 10);
  fmt.writeUInt32LE(rate >>> 0, 12);
  fmt.writeUInt32LE(((rate * channels * bits) / 8) >>> 0, 16);
  fmt.writeUInt16LE(((channels * bits) / 8) & 0xffff, 20);
  fmt.writeUInt16LE(bits, 22);
  if (extensible) {
    fmt.writeUInt16LE(22, 24);
    fmt.writeUInt16LE(bits, 26);
    fmt.writeUInt32LE(2 ** channels - 1, 28);
    fmt.writeUInt16LE(tag, 32);
    Buffer.from('000000001000800000aa00389b71', 'hex').copy(fmt, 34);
  }
  const head = Buffer.alloc(8);
  head.write('data');
  head.writeUInt32LE(fields.statedSize ?? data.length, 4);
  const body = Buffer.concat([fmt, fields.between ?? new Uint8Array(0), head, data]);
  const riff = Buffer.alloc(12);
  riff.write('RIFF');
  riff.writeUInt32LE((fields.statedSize ?? 0) > 2 ** 31 ? 0xffffffff : 4 + body.length, 4);
  riff.write('WAVE', 8);
  return new Uint8Array(Buffer.concat([riff, body]));
}

/** Interleaved 32-bit floats. */
export function floatBytes(...channels: ArrayLike<number>[]): Uint8Array {
  const out = new Float32Array(channels[0].length * channels.length);
  channels.forEach((channel, c) => {
    for (let i = 0; i < channel.length; i++) out[i * channels.length + c] = channel[i];
  });
  return new Uint8Array(out.buffer);
}

interface MediaEncoder {
  configure(options: object): void;
  encode(channels: Float32Array[]): Uint8Array;
  finalize(): Uint8Array;
}

/** MP3 by LAME, which turns the volume down by 5% at lower bitrates. */
export async function mp3Bytes(channels: Float32Array[], sampleRate: number, bitrate = 320): Promise<Uint8Array> {
  const { createMp3Encoder } = await import('wasm-media-encoders');
  return encoded((await createMp3Encoder()) as unknown as MediaEncoder, channels, { sampleRate, bitrate });
}

/** Ogg Vorbis by libvorbis. */
export async function vorbisBytes(channels: Float32Array[], sampleRate: number, vbrQuality = 5): Promise<Uint8Array> {
  const { createOggEncoder } = await import('wasm-media-encoders');
  return encoded((await createOggEncoder()) as unknown as MediaEncoder, channels, { sampleRate, vbrQuality });
}

function encoded(encoder: MediaEncoder, channels: Float32Array[], options: object): Uint8Array {
  encoder.configure({ channels: channels.length, ...options });
  // Both calls give a view that the next one overwrites.
  const head = Buffer.from(encoder.encode(channels));
  return new Uint8Array(Buffer.concat([head, Buffer.from(encoder.finalize())]));
}

/** Samples of silence that libopus puts in front, at 48 kHz. */
const OPUS_DELAY = 312;

/** Ogg Opus by libopus, in the container of RFC 7845. @param channels one or two, at 48 kHz */
export function opusBytes(channels: Float32Array[], bitrate = 64000): Uint8Array {
  const count = channels.length;
  const encoder = new OpusScript(48000, count, OpusScript.Application.AUDIO);
  encoder.setBitrate(bitrate);
  const total = channels[0].length;
  const packets: Uint8Array[] = [];
  for (let at = 0; at < total + OPUS_DELAY; at += 960) {
    const pcm = new Int16Array(960 * count);
    for (let i = 0; i < pcm.length; i++) {
      pcm[i] = Math.round(32767 * (channels[i % count][at + Math.floor(i / count)] ?? 0));
    }
    packets.push(new Uint8Array(encoder.encode(Buffer.from(pcm.buffer), 960)));
  }
  encoder.delete();
  const head = Buffer.alloc(19);
  head.write('OpusHead');
  head[8] = 1;
  head[9] = count;
  head.writeUInt16LE(OPUS_DELAY, 10);
  head.writeUInt32LE(48000, 12);
  const tags = Buffer.from('OpusTags\x04\0\0\0test\0\0\0\0', 'latin1');
  const pages = [oggPage([head], 2, 0, 0), oggPage([tags], 0, 1, 0)];
  for (let at = 0, n = 2; at < packets.length; at += 20, n++) {
    const some = packets.slice(at, at + 20);
    const last = at + 20 >= packets.length;
    pages.push(oggPage(some, last ? 4 : 0, n, last ? total + OPUS_DELAY : 960 * (at + some.length)));
  }
  return new Uint8Array(Buffer.concat(pages));
}

/** A page of RFC 3533 with whole packets. @param flags 2 first page, 4 last page */
export function oggPage(packets: Uint8Array[], flags: number, sequence: number, granule: number): Buffer {
  const lacing = packets.flatMap((p) => [...new Array(Math.floor(p.length / 255)).fill(255), p.length % 255]);
  const head = Buffer.alloc(27);
  head.write('OggS');
  head[5] = flags;
  head.writeBigUInt64LE(BigInt(granule), 6);
  head.writeUInt32LE(1234, 14);
  head.writeUInt32LE(sequence, 18);
  head[26] = lacing.length;
  const page = Buffer.concat([head, Buffer.from(lacing), ...packets]);
  page.writeUInt32LE(oggChecksum(page), 22);
  return page;
}

/** Bit by bit, as the standard words it. The checksum's own bytes must be 0. */
export function oggChecksum(page: Uint8Array): number {
  let crc = 0;
  for (const byte of page) {
    crc = (crc ^ (byte << 24)) >>> 0;
    for (let i = 0; i < 8; i++) crc = (crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1) >>> 0;
  }
  return crc;
}
