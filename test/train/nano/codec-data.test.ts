import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeWav } from '../../../src/audio/index.js';
import { BagpiperError } from '../../../src/errors.js';
import { loadClips, toFloat } from '../../../src/train/nano/codec-data.js';

const root = mkdtempSync(join(tmpdir(), 'codec-data-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'clips-'));
});

function write(path: string, samples: Float32Array, rate = 16000): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), encodeWav(samples, rate));
}

/** A clip whose samples are all the same number of 1/32768. */
const level = (value: number, length: number): Float32Array => new Float32Array(length).fill(value / 32768);

describe('loadClips', () => {
  it('reads the samples of every WAV file below the folder, in the order of their paths', () => {
    write('b/2.wav', level(3, 20));
    write('b/1.wav', level(-2, 10));
    write('a/deep/down.wav', level(1, 30));
    writeFileSync(join(folder, 'notes.txt'), 'nothing');
    const clips = loadClips(folder);
    expect(clips.map(({ samples }) => [samples.length, samples[0]])).toEqual([
      [30, 1],
      [10, -2],
      [20, 3],
    ]);
    expect(toFloat(clips[1].samples)).toEqual(level(-2, 10));
  });

  it('takes about as many seconds as asked for, evenly from all', () => {
    for (let i = 0; i < 20; i++) write(`${String(i).padStart(2, '0')}.wav`, level(i + 1, 16000));
    const values = loadClips(folder, 5).map(({ samples }) => samples[0]);
    expect(values).toHaveLength(5);
    const gaps = values.slice(1).map((value, i) => value - values[i]);
    // A header counts as 22 samples, so that now and then five are passed over.
    for (const gap of gaps) expect([4, 5]).toContain(gap);
  });

  it('says what to do where there is no folder, or no WAV file in it', () => {
    const hint = 'build a corpus first: npm run corpus -- --out';
    expect(() => loadClips(folder)).toThrow(new BagpiperError(`${folder} holds no WAV files; ${hint} ${folder}`));
    const missing = join(folder, 'missing');
    expect(() => loadClips(missing)).toThrow(new BagpiperError(`${missing} holds no WAV files; ${hint} ${missing}`));
  });

  it.each<[string, () => Uint8Array]>([
    ['another rate', () => encodeWav(new Float32Array(10), 44100)],
    ['24 bits', () => encodeWav(new Float32Array(10), 16000, { bitDepth: 24 })],
    ['no samples at all', () => encodeWav(new Float32Array(10), 16000).subarray(0, 20)],
    ['an empty file', () => new Uint8Array(0)],
    ['noise', () => Uint8Array.from({ length: 300 }, (_, i) => (i * 97) % 251)],
  ])('refuses %s by name', (_, bytes) => {
    writeFileSync(join(folder, 'odd.wav'), bytes());
    const path = join(folder, 'odd.wav');
    const message = `${path} is not a WAV file of 16-bit mono samples at 16000 Hz, which training needs.`;
    expect(() => loadClips(folder)).toThrow(new BagpiperError(message));
  });
});
