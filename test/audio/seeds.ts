/** Small valid files of every format, and what reading one of them came to. */
import { readFileSync } from 'node:fs';
import type { ByteSource } from '../../src/audio/bytes.js';
import { decode } from '../../src/audio/decode.js';
import { encodeFlac, encodeWav } from '../../src/audio/index.js';
import { BagpiperError } from '../../src/errors.js';
import type { Random } from '../../src/random.js';
import { fixture, floatBytes, mp3Bytes, oggPage, opusBytes, sine, vorbisBytes, wavBytes } from './make.js';
import { mutate, repairFlac, repairOgg } from './mutate.js';

export type Format = 'wav' | 'flac' | 'mp3' | 'ogg vorbis' | 'ogg opus' | 'ogg flac';

const a = sine(300, 16000, 440);
const b = sine(300, 16000, 700);
const FLAC = encodeFlac([a, b], 16000, { TITLE: 'x' });
const OTHER_FLAC = new Uint8Array(readFileSync(fixture('tone-8-mono.flac')));

export async function seedsOf(format: Format): Promise<Uint8Array[]> {
  switch (format) {
    case 'wav':
      return [
        encodeWav([a, b], 16000, { metadata: { ICMT: 'seed' } }),
        encodeWav(a, 8000, { bitDepth: 24 }),
        encodeWav([a, b], 48000, { bitDepth: '32float' }),
        wavBytes(floatBytes(a, b, a, b), { tag: 3, bits: 32, channels: 4, extensible: true }),
        wavBytes(new Uint8Array(300), { tag: 6, bits: 8, statedSize: 0xffffffff }),
        wavBytes(new Uint8Array(Float64Array.from(a).buffer), { tag: 3, bits: 64 }),
      ];
    case 'flac':
      return [FLAC, OTHER_FLAC, encodeFlac(new Float32Array(500), 44100), encodeFlac([a, b, a, b, a, b, a, b], 12345)];
    case 'ogg flac': {
      const head = Buffer.concat([Buffer.from('\x7fFLAC\x01\0\0\0', 'latin1'), FLAC.subarray(0, 42)]);
      head[9 + 4] |= 0x80;
      const frames = FLAC.subarray(flacFrames(FLAC)[0]);
      return [new Uint8Array(Buffer.concat([oggPage([head], 2, 0, 0), oggPage([frames], 4, 1, 300)]))];
    }
    case 'mp3':
      return [await mp3Bytes([a], 16000, 16), await mp3Bytes([a, b], 44100, 64), await mp3Bytes([a], 8000, 8)];
    case 'ogg vorbis':
      return [await vorbisBytes([a], 16000, 0), await vorbisBytes([a, b], 44100, 3)];
    case 'ogg opus':
      return [opusBytes([sine(900, 48000, 440)]), opusBytes([sine(900, 48000, 440), sine(900, 48000, 99)], 24000)];
  }
}

/** A damaged copy of one of a format's files; checksums are made right again in most, so that damage gets through. */
export function damaged(format: Format, seeds: readonly Uint8Array[], random: Random): Uint8Array {
  const seed = random.pick(seeds);
  const bytes = mutate(seed, [...seeds, FLAC], random);
  if (random.chance(0.3)) return bytes;
  if (format.startsWith('ogg')) return repairOgg(bytes);
  return format === 'flac' ? repairFlac(bytes, flacFrames(seed)) : bytes;
}

/** Where the frames of a FLAC file with a single frame lie: start and end. */
function flacFrames(file: Uint8Array): number[] {
  let at = 4;
  for (let last = false; !last; ) {
    last = file[at] >= 128;
    at += 4 + ((file[at + 1] << 16) | (file[at + 2] << 8) | file[at + 3]);
  }
  return [at, file.length];
}

export interface Outcome {
  kind: 'sound' | 'refused';
  /** over all channels */
  samples: number;
  blocks: number;
}

/** No step of a decoder may give more, and no file may take more steps. */
const MAX_BLOCKS = 1000;

/**
 * Reads a file to its end, handing it over in pieces of `piece` bytes.
 * @throws whatever was thrown that is not a BagpiperError, and an Error for samples that are not finite, blocks that are
 * not well formed, or work that has no proportion to the file
 */
export async function outcomeOf(bytes: Uint8Array, piece: number): Promise<Outcome> {
  const outcome: Outcome = { kind: 'sound', samples: 0, blocks: 0 };
  try {
    const { blocks } = decode(inPieces(bytes, piece));
    for await (const { channels, sampleRate } of blocks) {
      outcome.blocks++;
      if (outcome.blocks > MAX_BLOCKS) throw new Error(`more than ${MAX_BLOCKS} blocks out of ${bytes.length} bytes`);
      if (!(sampleRate >= 1000 && sampleRate <= 1_536_000)) throw new Error(`a rate of ${sampleRate}`);
      for (const channel of channels) {
        if (channel.length !== channels[0].length) throw new Error('channels of different lengths');
        if (!channel.every(Number.isFinite)) throw new Error('samples that are not finite');
        outcome.samples += channel.length;
      }
    }
  } catch (error) {
    if (!(error instanceof BagpiperError)) throw error;
    if (!/^[^\n]+\.$/.test(error.message)) throw new Error(`not a sentence: ${error.message}`);
    outcome.kind = 'refused';
  }
  return outcome;
}

function inPieces(bytes: Uint8Array, piece: number): ByteSource {
  return {
    name: 'the input',
    async *pieces() {
      for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
    },
  };
}
