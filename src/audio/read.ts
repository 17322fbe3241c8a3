import { BagpiperError } from '../errors.js';
import { decode, openSource } from './decode.js';
import { MODEL_RATE } from './logmel.js';
import { Resampler } from './resample.js';
import type { AudioData, Block, MonoAudio, ReadOptions } from './types.js';

/** Samples over all channels that {@link readAudio} holds at most (1 GiB). */
const MAX_HELD = 2 ** 28;

/**
 * Reads a whole sound file: WAV (8/16/24/32-bit, float, A-law, u-law, extensible), FLAC, MP3, Ogg Vorbis, Ogg Opus, and
 * what a system `ffmpeg` reads where one is installed. The content decides, not the name.
 * @param source a path (Node) or the file's bytes
 * @throws BagpiperError when nothing can be decoded; damage after a readable start only leaves a warning
 */
export async function readAudio(source: string | Uint8Array, options: ReadOptions = {}): Promise<AudioData> {
  const input = await openSource(source, options);
  const decoding = decode(input, options);
  const parts: Float32Array[][] = [];
  let sampleRate = 0;
  let held = 0;
  for await (const block of decoding.blocks) {
    sampleRate = block.sampleRate;
    held += block.channels.length * block.channels[0].length;
    if (held > MAX_HELD) {
      decoding.warnings.push(`${input.name} is too long to hold at once; only its start was read.`);
      break;
    }
    block.channels.forEach((samples, c) => {
      parts[c] ??= [];
      parts[c].push(samples);
    });
  }
  if (parts.length === 0) throw new BagpiperError(`${input.name}: there are no samples in it; give a file with sound.`);
  const channels = parts.map(concat);
  const seconds = channels[0].length / sampleRate;
  return { channels, sampleRate, format: decoding.format(), seconds, warnings: decoding.warnings };
}

/**
 * Reads any accepted sound as the model wants it: the channels' average at 16 kHz. Values are never clipped; where the
 * source or the resampling filter goes beyond 1, so does the result.
 * @param source a path (Node) or the file's bytes
 * @throws BagpiperError as {@link readAudio}
 */
export async function loadMono16k(source: string | Uint8Array, options: ReadOptions = {}): Promise<MonoAudio> {
  const input = await openSource(source, options);
  const decoding = decode(input, options);
  const parts: Float32Array[] = [];
  let first: Block | undefined;
  let resampler: Resampler | undefined;
  for await (const block of decoding.blocks) {
    first ??= block;
    resampler ??= new Resampler(block.sampleRate, MODEL_RATE);
    parts.push(resampler.push(downmix(block.channels)));
  }
  if (!first || !resampler)
    throw new BagpiperError(`${input.name}: there are no samples in it; give a file with sound.`);
  parts.push(resampler.flush());
  const samples = concat(parts);
  return {
    samples,
    originalRate: first.sampleRate,
    originalChannels: first.channels.length,
    seconds: samples.length / MODEL_RATE,
    warnings: decoding.warnings,
  };
}

export interface StreamOptions extends ReadOptions {
  /** Length of the chunks, default 30 s; only the last is shorter. */
  chunkSeconds?: number;
  /** Receives what was wrong with the source but could be worked around; complete once the last chunk was taken. */
  warnings?: string[];
}

/**
 * Any accepted sound as chunks at 16 kHz mono, holding only about one chunk: for files of many hours. Without
 * `maxSeconds` there is no limit to the length.
 * @throws BagpiperError as {@link readAudio}
 */
export async function* streamMono16k(
  source: string | Uint8Array,
  options: StreamOptions = {},
): AsyncGenerator<Float32Array, void, void> {
  const size = Math.max(1, Math.round((options.chunkSeconds ?? 30) * MODEL_RATE));
  const input = await openSource(source, options);
  const decoding = decode(input, { maxSeconds: Number.POSITIVE_INFINITY, ...options });
  let chunk = new Float32Array(size);
  let filled = 0;
  let resampler: Resampler | undefined;
  const full: Float32Array[] = [];
  const take = (samples: Float32Array): void => {
    for (let at = 0; at < samples.length; ) {
      const part = samples.subarray(at, at + size - filled);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < size) continue;
      full.push(chunk);
      chunk = new Float32Array(size);
      filled = 0;
    }
  };
  for await (const block of decoding.blocks) {
    options.signal?.throwIfAborted();
    resampler ??= new Resampler(block.sampleRate, MODEL_RATE);
    take(resampler.push(downmix(block.channels)));
    while (full.length > 0) yield full.shift() as Float32Array;
  }
  if (!resampler) throw new BagpiperError(`${input.name}: there are no samples in it; give a file with sound.`);
  take(resampler.flush());
  options.warnings?.push(...decoding.warnings);
  yield* full;
  if (filled > 0) yield chunk.subarray(0, filled);
}

/** The average of the channels. */
export function downmix(channels: Float32Array[]): Float32Array {
  if (channels.length === 1) return channels[0];
  const out = new Float32Array(channels[0].length);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    out[i] = sum / channels.length;
  }
  return out;
}

function concat(parts: Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
