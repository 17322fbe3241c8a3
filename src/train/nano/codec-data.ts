/** Training material of the codec: clips in memory as 16-bit samples, and random pieces of them. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { RATE } from '../../model/codec/nano-config.js';

/** One clip, mono at 16 kHz. */
export interface Clip {
  samples: Int16Array;
}

/**
 * Reads the WAV files below a folder in the order of their paths; about `maxSeconds` of sound where there is more.
 *
 * @throws BagpiperError where there is none, or one is not 16-bit mono at 16 kHz.
 */
export function loadClips(folder: string, maxSeconds = Infinity): Clip[] {
  const clips: Clip[] = [];
  const paths = wavPaths(folder);
  const total = paths.reduce((n, path) => n + statSync(path).size, 0) / (2 * RATE);
  // Evenly from the whole folder where it holds more than is asked for.
  const share = Math.min(1, maxSeconds / Math.max(1, total));
  for (const [i, path] of paths.entries()) {
    if (Math.floor(i * share) === Math.floor((i - 1) * share)) continue;
    const samples = readWav(path);
    clips.push({ samples });
  }
  if (clips.length === 0) {
    throw new BagpiperError(`${folder} holds no WAV files; build a corpus first: npm run corpus -- --out ${folder}`);
  }
  return clips;
}

/** Samples of a clip as numbers from -1 to 1. */
export function toFloat(samples: Int16Array): Float32Array {
  return Float32Array.from(samples, (v) => v / 32768);
}

function wavPaths(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return entries
    .filter((name) => name.endsWith('.wav'))
    .sort()
    .map((name) => join(folder, name));
}

/** Bytes of a chunk's header, and of a format chunk. */
const [HEADER, FORMAT] = [8, 24];

function readWav(path: string): Int16Array {
  const bytes = readFileSync(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 12;
  let fits = false;
  while (at + HEADER <= bytes.length) {
    const id = bytes.toString('latin1', at, at + 4);
    const size = view.getUint32(at + 4, true);
    if (id === 'fmt ' && at + FORMAT <= bytes.length) {
      fits =
        view.getUint16(at + 10, true) === 1 &&
        view.getUint32(at + 12, true) === RATE &&
        view.getUint16(at + 22, true) === 16;
    }
    if (id === 'data' && fits) {
      const length = Math.min(size, bytes.length - at - 8) >> 1;
      return Int16Array.from({ length }, (_, i) => view.getInt16(at + 8 + 2 * i, true));
    }
    at += 8 + size + (size & 1);
  }
  throw new BagpiperError(`${path} is not a WAV file of 16-bit mono samples at ${RATE} Hz, which training needs.`);
}
