import { BagpiperError, messageOf } from '../errors.js';
import { type ByteSource, fileSource, memorySource } from './bytes.js';
import { DamagedAudio, UnsupportedAudio } from './formats/faults.js';
import { FlacDecoder } from './formats/flac.js';
import { Mp3Decoder } from './formats/mp3.js';
import { OggDecoder } from './formats/ogg.js';
import { type Kind, SNIFF_BYTES, sniff } from './formats/sniff.js';
import { WavDecoder } from './formats/wav.js';
import { type Block, MAX_CHANNELS, MAX_RATE, MIN_RATE, type PushDecoder, type ReadOptions } from './types.js';

const ACCEPTED = 'WAV, FLAC, MP3, Ogg Vorbis and Ogg Opus are read (M4A/AAC and others where ffmpeg is installed)';
/** bytes fed to a decoder at a time: bounds what one step can produce */
const PIECE = 65536;
const DEFAULT_SECONDS = 7200;

/** A sound being decoded: `blocks` may be taken once; the rest is complete when they ran out. */
export interface Decoding {
  blocks: AsyncGenerator<Block, void, void>;
  /** the format, once the first block is out */
  format(): string;
  warnings: string[];
}

/** @throws BagpiperError for a path that cannot be read */
export async function openSource(source: string | Uint8Array, options: ReadOptions): Promise<ByteSource> {
  if (typeof source !== 'string') return memorySource(source, options.name ?? 'the audio data');
  return fileSource(source, options.name ?? source);
}

/**
 * Decodes any accepted format piece by piece. Samples that are not finite become 0, and a source that changes its rate
 * or channels midway ends there; both leave a warning.
 * Errors (while iterating): BagpiperError for anything wrong with the source.
 */
export function decode(source: ByteSource, options: ReadOptions = {}): Decoding {
  const state: { decoder?: PushDecoder; warnings: string[] } = { warnings: [] };
  return {
    blocks: checkedBlocks(source, options, state),
    format: () => state.decoder?.format ?? 'unknown',
    warnings: state.warnings,
  };
}

async function* checkedBlocks(
  source: ByteSource,
  options: ReadOptions,
  state: { decoder?: PushDecoder; warnings: string[] },
): AsyncGenerator<Block, void, void> {
  const warn = (text: string): void => void state.warnings.push(`${source.name} ${text}.`);
  const limit = options.maxSeconds ?? DEFAULT_SECONDS;
  let shape: { rate: number; channels: number } | undefined;
  let frames = 0;
  let broken = 0;
  for await (const block of rawBlocks(source, options, state)) {
    const { channels, sampleRate: rate } = block;
    checkShape(source.name, channels.length, rate);
    shape ??= { rate, channels: channels.length };
    if (shape.rate !== rate || shape.channels !== channels.length) {
      warn(`changes its rate or channels after ${(frames / shape.rate).toFixed(1)} s; the rest was left out`);
      break;
    }
    for (const channel of channels) broken += silenceBroken(channel);
    const room = Math.round(limit * rate) - frames;
    if (channels[0].length > room) {
      warn(`is longer than ${limit} s; only the first ${limit} s were read`);
      if (room > 0) yield { channels: channels.map((c) => c.subarray(0, room)), sampleRate: rate };
      break;
    }
    frames += channels[0].length;
    yield block;
  }
  for (const text of state.decoder?.warnings ?? []) warn(text);
  if (broken > 0) warn(`has ${broken} samples that are not finite numbers; they were read as 0`);
}

function checkShape(name: string, channels: number, rate: number): void {
  if (channels > MAX_CHANNELS || rate < MIN_RATE || rate > MAX_RATE) {
    const what = `${channels} channels at ${rate} samples a second`;
    throw new BagpiperError(`${name}: ${what} cannot be true: the file is damaged; export it again.`);
  }
}

/** Replaces what is not finite by 0 in place; gives how many there were. */
function silenceBroken(samples: Float32Array): number {
  let count = 0;
  for (let i = 0; i < samples.length; i++) {
    if (Number.isFinite(samples[i])) continue;
    samples[i] = 0;
    count++;
  }
  return count;
}

async function* rawBlocks(
  source: ByteSource,
  options: ReadOptions,
  state: { decoder?: PushDecoder; warnings: string[] },
): AsyncGenerator<Block, void, void> {
  let got = 0;
  try {
    for await (const { bytes, head } of withHead(source.pieces(PIECE))) {
      options.signal?.throwIfAborted();
      if (!state.decoder) {
        const kind = sniff(head.subarray(0, SNIFF_BYTES));
        if (kind.kind === 'foreign') {
          yield* foreignBlocks(source, kind.label, options, state);
          return;
        }
        state.decoder = decoderFor(kind, source.name);
      }
      for await (const block of state.decoder.push(bytes)) {
        got += block.channels[0].length;
        yield block;
      }
    }
    if (!state.decoder) throw new BagpiperError(`${source.name}: the file is empty; ${ACCEPTED}.`);
    for await (const block of state.decoder.end()) yield block;
  } catch (error) {
    if (error instanceof BagpiperError || options.signal?.aborted) throw error;
    if (got === 0) throw explain(source.name, error);
    state.warnings.push(`${source.name} is damaged (${messageOf(error)}); what came before was read.`);
  } finally {
    release(state.decoder);
  }
}

/** Pieces as they come, each with enough of the file's start to tell what it is: a pipe may hand out very few bytes. */
async function* withHead(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ bytes: Uint8Array; head: Uint8Array }, void, void> {
  const waiting: Uint8Array[] = [];
  let length = 0;
  let head: Uint8Array | undefined;
  for await (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length >= SNIFF_BYTES) head ??= joined(waiting);
    if (head) for (const bytes of waiting.splice(0)) yield { bytes, head };
  }
  head ??= joined(waiting);
  for (const bytes of waiting) yield { bytes, head };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function decoderFor(kind: Kind, name: string): PushDecoder {
  switch (kind.kind) {
    case 'wav':
      return new WavDecoder();
    case 'flac':
      return new FlacDecoder();
    case 'mp3':
      return new Mp3Decoder();
    case 'ogg vorbis':
    case 'ogg opus':
    case 'ogg flac':
      return new OggDecoder(kind.kind);
    default: {
      const what =
        kind.kind === 'other' && kind.label ? `this is ${kind.label}` : 'this is no sound file that is known';
      throw new BagpiperError(`${name}: ${what}; ${ACCEPTED}.`);
    }
  }
}

/** Formats for the system's ffmpeg; it hands back a WAV stream. */
async function* foreignBlocks(
  source: ByteSource,
  label: string,
  options: ReadOptions,
  state: { decoder?: PushDecoder },
): AsyncGenerator<Block, void, void> {
  const { ffmpegPieces } = await import('./ffmpeg.js');
  const decoder = new WavDecoder();
  for await (const bytes of ffmpegPieces(source, label, options.signal)) {
    yield* decoder.push(bytes);
    decoder.format = `${label}, by ffmpeg`;
    state.decoder = decoder;
  }
  yield* decoder.end();
}

function explain(name: string, error: unknown): BagpiperError {
  if (error instanceof UnsupportedAudio) {
    return new BagpiperError(`${name}: this is ${error.message}, which is not read; convert it to WAV or FLAC first.`);
  }
  const what = error instanceof DamagedAudio ? error.message : `damaged sound data (${messageOf(error)})`;
  return new BagpiperError(`${name}: this is ${what}: the file is damaged or cut off; export or download it again.`);
}

/** A decoder that failed may fail again while it is put away; its memory goes with it anyway. */
function release(decoder: PushDecoder | undefined): void {
  try {
    decoder?.free();
  } catch {
    // nothing left to release
  }
}
