/** What users give, checked and brought into the form that the engine takes. */
import { BagpiperError } from '../errors.js';
import { MOST_TAKES } from '../model/config.js';
import type { AudioInput, RenderOptions } from './types.js';

/** Samples a second of everything that the engine takes and gives. */
export const RATE = 16000;
/** Seconds that neighbouring windows of a long sound share: a sixth of a window, 5 of 30. */
export const overlapOf = (seconds: number): number => Math.round(seconds * 10) / 60;

/** A sound to hear. */
export interface Heard {
  /** mono at 16 kHz, all finite */
  samples: Float32Array;
  warnings: string[];
}

/** Reads or converts the first `seconds` of a sound. @throws BagpiperError when there is none in it */
export async function hear(input: AudioInput, seconds: number, signal: AbortSignal): Promise<Heard> {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    const { loadMono16k } = await import('../audio/index.js');
    const { samples, warnings } = await loadMono16k(input, { signal, maxSeconds: seconds });
    return { samples: samples.subarray(0, seconds * RATE), warnings: [...warnings] };
  }
  const { samples, warnings } = await converted(input);
  if (samples.length > seconds * RATE) {
    warnings.push(`The sound lasts ${clock(samples.length / RATE)}; only the first ${seconds} s were heard.`);
  }
  return { samples: samples.subarray(0, seconds * RATE), warnings };
}

/**
 * A sound of any length as pieces at 16 kHz mono, holding little of a file at once.
 * @param warnings receives what was odd about the sound; complete after the last piece
 */
export async function* hearPieces(
  input: AudioInput,
  warnings: string[],
  signal: AbortSignal,
): AsyncGenerator<Float32Array, void, void> {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    const { streamMono16k } = await import('../audio/index.js');
    yield* streamMono16k(input, { signal, chunkSeconds: 5, warnings });
    return;
  }
  const sound = await converted(input);
  warnings.push(...sound.warnings);
  yield sound.samples;
}

async function converted(input: Exclude<AudioInput, string | Uint8Array>): Promise<Heard> {
  const { samples, sampleRate } = input instanceof Float32Array ? { samples: input, sampleRate: RATE } : input;
  if (!(samples instanceof Float32Array) || samples.length === 0) {
    throw new BagpiperError('The sound has no samples; give a file, or a Float32Array with mono samples.');
  }
  if (!(sampleRate >= 1000 && sampleRate <= 1_536_000)) {
    throw new BagpiperError(
      `The sample rate is ${sampleRate}; a number of samples a second such as 16000 is accepted.`,
    );
  }
  const clean = finite(samples);
  if (sampleRate === RATE) return clean;
  const { resample } = await import('../audio/index.js');
  return { ...clean, samples: resample(clean.samples, sampleRate, RATE) };
}

function finite(samples: Float32Array): Heard {
  if (samples.every(Number.isFinite)) return { samples, warnings: [] };
  const clean = samples.map((x) => (Number.isFinite(x) ? x : 0));
  return { samples: clean, warnings: ['Some samples were no finite numbers; they were taken as silence.'] };
}

/** A stretch of a long sound. */
export interface Window {
  samples: Float32Array;
  /** seconds in the whole sound */
  from: number;
  to: number;
  /** nothing comes after it */
  last: boolean;
}

/** Cuts a sound into stretches of at most `seconds` that overlap by a sixth; a sound that fits is one window. */
export async function* windowsOf(
  pieces: AsyncIterable<Float32Array>,
  seconds: number,
): AsyncGenerator<Window, void, void> {
  const length = seconds * RATE;
  const step = Math.round((seconds - overlapOf(seconds)) * RATE);
  let held = new Float32Array(0);
  let at = 0;
  const window = (samples: Float32Array, last: boolean): Window => {
    return { samples, from: at / RATE, to: (at + samples.length) / RATE, last };
  };
  for await (const piece of pieces) {
    held = joined([held, piece]);
    while (held.length > length) {
      yield window(held.slice(0, length), false);
      held = held.slice(step);
      at += step;
    }
  }
  yield window(held, true);
}

/** Pieces of sound as one. */
export function joined(pieces: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** A text for the model: without control characters but for line ends and tabs. @throws BagpiperError when nothing is left */
export function cleanText(text: string, what: string): string {
  if (typeof text !== 'string') throw new BagpiperError(`${what} must be a text, not ${typeof text}.`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  const clean = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '').trim();
  if (clean === '') throw new BagpiperError(`${what} is empty; write at least a word.`);
  return clean;
}

/** Seconds of sound that may be asked for: more than any model has positions for. */
const LONGEST_SECONDS = 600;

/** @throws BagpiperError for numbers that mean nothing */
export function checkOptions({
  seed = 0,
  temperature,
  topK,
  guidance,
  system,
  seconds,
  takes = 1,
}: RenderOptions): void {
  const whole = (x: number): boolean => Number.isSafeInteger(x);
  if (!whole(seed) || seed < 0) throw new BagpiperError(`The seed is ${seed}; a whole number from 0 on is accepted.`);
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 10)) {
    throw new BagpiperError(`The temperature is ${temperature}; 0 to 10 are accepted.`);
  }
  if (topK !== undefined && !(whole(topK) && topK >= 1)) {
    throw new BagpiperError(`Top-k is ${topK}; a whole number from 1 on is accepted.`);
  }
  if (guidance !== undefined && !(guidance >= 1 && guidance <= 20)) {
    throw new BagpiperError(`The guidance is ${guidance}; 1 (none) to 20 are accepted.`);
  }
  if (seconds !== undefined && !(seconds > 0 && seconds <= LONGEST_SECONDS)) {
    throw new BagpiperError(`The length is ${seconds} s; above 0, up to ${LONGEST_SECONDS} s are accepted.`);
  }
  if (!(whole(takes) && takes >= 1 && takes <= MOST_TAKES)) {
    throw new BagpiperError(`The number of takes is ${takes}; a whole number from 1 to ${MOST_TAKES} is accepted.`);
  }
  if (system !== undefined && typeof system !== 'string') {
    throw new BagpiperError(`The system text is ${typeof system}; a text is accepted, "" for none.`);
  }
}

/** Seconds as m:ss. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
