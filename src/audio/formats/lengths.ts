/** How long a sound is, by what its headers say: nothing is decoded. Not every file tells. */
import { has, id3Length, mp3FrameAt } from './sniff.js';

/** A file of which any part can be read. */
export interface RandomBytes {
  /** how messages call it */
  readonly name: string;
  /** bytes in all */
  readonly size: number;
  /** up to `length` bytes from `at`; fewer at the end */
  read(at: number, length: number): Promise<Uint8Array>;
}

/** Of a header. */
export interface SoundLength {
  /** samples a channel */
  samples: number;
  sampleRate: number;
}

/** How much of a file is read at once while looking for something. */
const PIECE = 1 << 18;
/** An Ogg page is no longer. */
const OGG_PAGE = 65_307;

/** Chunks of a WAV file up to its data. A size that cannot be true (as of files written to a pipe) means: up to the end. */
export async function wavLength(file: RandomBytes): Promise<SoundLength | undefined> {
  let frame = 0;
  let sampleRate = 0;
  for (let at = 12; at + 8 <= file.size; ) {
    const head = view(await file.read(at, 32));
    if (head.byteLength < 8) return undefined;
    const id = head.getUint32(0);
    const size = head.getUint32(4, true);
    if (id === 0x666d7420 && head.byteLength >= 24) {
      const bits = head.getUint16(22, true);
      frame = head.getUint16(10, true) * Math.ceil(bits / 8);
      sampleRate = head.getUint32(12, true);
      // Only plain samples, and extensible ones, have frames of one size.
      if (![1, 3, 6, 7, 0xfffe].includes(head.getUint16(8, true))) return undefined;
    } else if (id === 0x64617461) {
      if (frame === 0) return undefined;
      const endless = size >= 0x7ffff000 || size === 0;
      const bytes = Math.min(endless ? Number.POSITIVE_INFINITY : size, file.size - at - 8);
      return { samples: Math.floor(bytes / frame), sampleRate };
    }
    at += 8 + size + (size & 1);
  }
  return undefined;
}

/** The STREAMINFO block, which comes first (RFC 9639, 8.2). @param at where the stream begins, after any ID3 tag */
export async function flacLength(file: RandomBytes, at: number): Promise<SoundLength | undefined> {
  const info = view(await file.read(at + 8, 18));
  if (info.byteLength < 18) return undefined;
  const sampleRate = (info.getUint16(10) << 4) | (info.getUint8(12) >> 4);
  const samples = (info.getUint8(13) & 15) * 2 ** 32 + info.getUint32(14);
  return samples === 0 ? undefined : { samples, sampleRate };
}

/** The count in a Xing, Info or VBRI header, without what LAME says is padding; else all frames are walked over. */
export async function mp3Length(file: RandomBytes): Promise<SoundLength | undefined> {
  const tag = id3Length(await file.read(0, 10));
  const head = await file.read(tag, PIECE);
  let start = 0;
  while (start < Math.min(head.length, 65_536) && !(head[start] === 0xff && mp3FrameAt(head, start))) start++;
  const frame = mp3FrameAt(head, start);
  if (!frame) return undefined;
  const { sampleRate, samples } = frame;
  const first = head.subarray(start, start + frame.length);
  const stated = statedSamples(first, samples);
  if (stated !== undefined) return { samples: stated, sampleRate };
  const frames = await countFrames(file, tag + start, sampleRate);
  return frames === undefined ? undefined : { samples: frames * samples, sampleRate };
}

function statedSamples(first: Uint8Array, samples: number): number | undefined {
  const bytes = view(first);
  if (has(first, 36, 'VBRI') && first.length >= 54) return bytes.getUint32(50) * samples;
  for (const at of [36, 21, 13, 9]) {
    if (!has(first, at, 'Xing') && !has(first, at, 'Info')) continue;
    const flags = bytes.getUint32(at + 4);
    if ((flags & 1) === 0 || first.length < at + 12) return undefined;
    const all = bytes.getUint32(at + 8) * samples;
    // Frames, bytes, table and quality, as far as there are; then LAME's own, with delay and padding in 12 bits each.
    const lame = at + 8 + [4, 4, 100, 4].reduce((sum, size, bit) => sum + (flags & (1 << bit) ? size : 0), 0);
    if (first.length < lame + 24 || first[lame] === 0) return all;
    const gap = (first[lame + 21] << 16) | (first[lame + 22] << 8) | first[lame + 23];
    return Math.max(0, all - (gap >> 12) - (gap & 4095));
  }
  return undefined;
}

/** undefined where frames do not follow each other to the end */
async function countFrames(file: RandomBytes, from: number, sampleRate: number): Promise<number | undefined> {
  let frames = 0;
  for (let at = from; at + 4 <= file.size; ) {
    const piece = await file.read(at, PIECE);
    const last = at + piece.length >= file.size;
    let inside = 0;
    while (inside + 4 <= piece.length) {
      const frame = mp3FrameAt(piece, inside);
      if (!frame) {
        if (!last && piece.length - inside < 4096) break;
        return last && isEnd(piece, inside) ? frames : undefined;
      }
      if (frame.sampleRate !== sampleRate) return undefined;
      if (inside + frame.length > piece.length) {
        if (last) return frames;
        break;
      }
      frames++;
      inside += frame.length;
    }
    if (inside === 0) return undefined;
    at += inside;
  }
  return frames;
}

/** Tags at the end, or what is left of a frame. */
function isEnd(bytes: Uint8Array, at: number): boolean {
  return has(bytes, at, 'TAG') || has(bytes, at, 'APETAGEX') || bytes.length - at < 1500;
}

/** The last page's position. Streams in a chain, and recordings from the middle of one, do not tell. */
export async function oggLength(
  file: RandomBytes,
  kind: 'ogg vorbis' | 'ogg opus' | 'ogg flac',
): Promise<SoundLength | undefined> {
  const head = await file.read(0, PIECE);
  if (head.length < 60) return undefined;
  const bytes = view(head);
  const serial = bytes.getUint32(14, true);
  const packet = 27 + head[26];
  if (packet + 40 > head.length) return undefined;
  const opus = kind === 'ogg opus';
  const vorbisRate = (): number => bytes.getUint32(packet + 12, true);
  const flacRate = (): number => (bytes.getUint16(packet + 27) << 4) | (head[packet + 29] >> 4);
  const sampleRate = opus ? 48_000 : kind === 'ogg vorbis' ? vorbisRate() : flacRate();
  const skip = opus ? bytes.getUint16(packet + 10, true) : 0;
  const first = firstGranule(head, serial);
  // The first page with sound ends within seconds, or the recording did not begin at 0.
  if (first === undefined || first > 20 * sampleRate) return undefined;
  const tail = await file.read(Math.max(0, file.size - 2 * OGG_PAGE), 2 * OGG_PAGE);
  const last = lastGranule(tail, serial);
  return last === undefined || last <= skip ? undefined : { samples: last - skip, sampleRate };
}

function firstGranule(bytes: Uint8Array, serial: number): number | undefined {
  for (let at = 0; at + 27 <= bytes.length && has(bytes, at, 'OggS'); ) {
    const page = view(bytes.subarray(at));
    const granule = granuleOf(page);
    if (page.getUint32(14, true) === serial && granule !== undefined && granule > 0) return granule;
    const segments = bytes[at + 26];
    if (at + 27 + segments > bytes.length) return undefined;
    let size = 27 + segments;
    for (let i = 0; i < segments; i++) size += bytes[at + 27 + i];
    at += size;
  }
  return undefined;
}

function lastGranule(bytes: Uint8Array, serial: number): number | undefined {
  for (let at = bytes.length - 27; at >= 0; at--) {
    if (bytes[at] !== 0x4f || !has(bytes, at, 'OggS')) continue;
    const page = view(bytes.subarray(at));
    if (page.getUint32(14, true) !== serial) return undefined;
    const granule = granuleOf(page);
    if (granule !== undefined) return granule;
  }
  return undefined;
}

/** undefined where no packet ends on the page */
function granuleOf(page: DataView): number | undefined {
  const high = page.getInt32(10, true);
  return high < 0 ? undefined : high * 2 ** 32 + page.getUint32(6, true);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
