/** What a file is by its first bytes; its name plays no part. */
export type Kind =
  | { kind: 'wav' | 'flac' | 'mp3' | 'ogg vorbis' | 'ogg opus' | 'ogg flac' }
  /** a sound format that only a system `ffmpeg` decodes */
  | { kind: 'foreign'; label: string }
  /** something that is not sound, with a name for it if it is known */
  | { kind: 'other'; label: string | undefined };

/** How many bytes {@link sniff} wants to see (fewer are fine). */
export const SNIFF_BYTES = 65536;

const FOREIGN: [offset: number, magic: string, label: string][] = [
  [4, 'ftyp', 'MP4 or M4A (AAC or ALAC)'],
  [0, 'FORM', 'AIFF'],
  [0, 'caff', 'Apple CAF'],
  [0, '.snd', 'Sun AU'],
  [0, '\x1a\x45\xdf\xa3', 'WebM or Matroska'],
  [0, '0&\xb2u\x8ef\xcf\x11', 'Windows Media'],
  [0, '#!AMR', 'AMR'],
  [0, 'MAC ', "Monkey's Audio"],
  [0, 'wvpk', 'WavPack'],
  [0, 'RIFX', 'big-endian WAV'],
  [0, 'riff.\x91\xcf\x11', 'Wave64'],
  [0, 'ADIF', 'AAC (ADIF)'],
  [0, '\x0bw', 'Dolby AC-3'],
];

const OTHER: [magic: string, label: string][] = [
  ['\x89PNG', 'a PNG picture'],
  ['\xff\xd8\xff', 'a JPEG picture'],
  ['GIF8', 'a GIF picture'],
  ['PK\x03\x04', 'a ZIP archive'],
  ['\x1f\x8b', 'a gzip archive'],
  ['%PDF', 'a PDF document'],
  ['MThd', 'a MIDI file (notes, not sound)'],
  ['<!DOCTYPE', 'a web page'],
  ['<html', 'a web page'],
  ['{', 'JSON or other text'],
];

/** @param head the first bytes of the file, {@link SNIFF_BYTES} or all there are */
export function sniff(head: Uint8Array): Kind {
  const start = id3Length(head);
  const at = start < head.length ? start : 0;
  if (has(head, 0, 'RIFF') || has(head, 0, 'RF64')) {
    return has(head, 8, 'WAVE') ? { kind: 'wav' } : { kind: 'other', label: 'a RIFF file that is not WAVE' };
  }
  if (has(head, at, 'fLaC')) return { kind: 'flac' };
  if (has(head, 0, 'OggS')) return ogg(head);
  for (const [offset, magic, label] of FOREIGN) if (has(head, offset, magic)) return { kind: 'foreign', label };
  for (const [magic, label] of OTHER) if (has(head, 0, magic)) return { kind: 'other', label };
  if (isAdts(head, at)) return { kind: 'foreign', label: 'AAC' };
  if (start > 0 || mp3FrameAt(head, 0)) return { kind: 'mp3' };
  return { kind: 'other', label: undefined };
}

/** Length of an ID3v2 tag at the start, 0 without one. */
export function id3Length(head: Uint8Array): number {
  if (!has(head, 0, 'ID3') || head.length < 10) return 0;
  const size = ((head[6] & 127) << 21) | ((head[7] & 127) << 14) | ((head[8] & 127) << 7) | (head[9] & 127);
  return 10 + size + (head[5] & 16 ? 10 : 0);
}

export function has(bytes: Uint8Array, at: number, magic: string): boolean {
  if (at + magic.length > bytes.length) return false;
  for (let i = 0; i < magic.length; i++) if (bytes[at + i] !== magic.charCodeAt(i)) return false;
  return true;
}

function ogg(head: Uint8Array): Kind {
  const packet = 27 + (head[26] ?? 0);
  if (has(head, packet, 'OpusHead')) return { kind: 'ogg opus' };
  if (has(head, packet, '\x01vorbis')) return { kind: 'ogg vorbis' };
  if (has(head, packet, '\x7fFLAC')) return { kind: 'ogg flac' };
  if (has(head, packet, 'Speex')) return { kind: 'foreign', label: 'Ogg Speex' };
  return { kind: 'other', label: 'an Ogg file without Vorbis or Opus' };
}

/** ADTS AAC looks like MP3 with layer bits 00, which MPEG audio never has. */
function isAdts(head: Uint8Array, at: number): boolean {
  return head[at] === 0xff && (head[at + 1] & 0xf6) === 0xf0 && ((head[at + 2] >> 2) & 15) < 13;
}

/** An MPEG audio frame header. */
export interface Mp3Frame {
  /** bytes to the next frame */
  length: number;
  channels: 1 | 2;
  sampleRate: number;
  /** samples a frame and channel */
  samples: number;
  /** 1, 2 or 3 */
  layer: number;
}

const BITRATES: Record<string, number[]> = {
  '1/1': [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  '1/2': [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  '1/3': [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  '2/1': [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  '2/2': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

/** The frame header at `at` (ISO/IEC 11172-3 and 13818-3), if one is there and followed by another or by nothing. */
export function mp3FrameAt(bytes: Uint8Array, at: number): Mp3Frame | undefined {
  const frame = parseFrame(bytes, at);
  if (!frame) return undefined;
  const next = at + frame.length;
  return next + 4 > bytes.length || parseFrame(bytes, next) ? frame : undefined;
}

function parseFrame(bytes: Uint8Array, at: number): Mp3Frame | undefined {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1] & 0xe0) !== 0xe0) return undefined;
  const version = (bytes[at + 1] >> 3) & 3;
  const layer = 4 - ((bytes[at + 1] >> 1) & 3);
  const rateIndex = (bytes[at + 2] >> 2) & 3;
  const bitrateIndex = bytes[at + 2] >> 4;
  if (version === 1 || layer === 4 || rateIndex === 3 || bitrateIndex === 15 || bitrateIndex === 0) return undefined;
  const mpeg1 = version === 3;
  const rates = BITRATES[`${mpeg1 ? 1 : 2}/${mpeg1 ? layer : Math.min(layer, 2)}`];
  const bitrate = rates[bitrateIndex] * 1000;
  const sampleRate = [44100, 48000, 32000][rateIndex] / (mpeg1 ? 1 : version === 2 ? 2 : 4);
  const padding = (bytes[at + 2] >> 1) & 1;
  const samples = layer === 1 ? 384 : layer === 3 && !mpeg1 ? 576 : 1152;
  const slots = Math.floor((samples * bitrate) / (8 * sampleRate));
  const length = layer === 1 ? (Math.floor((12 * bitrate) / sampleRate) + padding) * 4 : slots + padding;
  return { length, channels: bytes[at + 3] >> 6 === 3 ? 1 : 2, sampleRate, samples, layer };
}
