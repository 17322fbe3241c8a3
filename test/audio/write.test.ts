import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeWav, readAudio, readWavMetadata, wavHeader, writeFlac, writeWav } from '../../src/audio/index.js';
import { BagpiperError } from '../../src/errors.js';
import { fixtureBytes, sine } from './make.js';

/** What goes wrong in the file system, by the call; see the mock below. */
const faults = vi.hoisted(() => ({ write: '', rename: '' }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const failure = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });
  return {
    ...real,
    async open(path: string, flags?: string) {
      const file = await real.open(path, flags);
      if (faults.write === '' || flags === undefined) return file;
      return {
        async writeFile(bytes: Uint8Array) {
          // A full disk takes some of the bytes before it refuses.
          await file.writeFile(bytes.subarray(0, bytes.length / 2));
          throw failure(faults.write);
        },
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
    async rename(from: string, to: string) {
      if (faults.rename !== '') throw failure(faults.rename);
      await real.rename(from, to);
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-test-'));
});
afterEach(() => {
  faults.write = '';
  faults.rename = '';
  rmSync(folder, { recursive: true });
});

describe('WAV bytes', () => {
  test.each([
    ['scipy-s16.wav', 16],
    ['python-s24.wav', 24],
  ] as const)('are those of %s', async (file, bitDepth) => {
    const { channels, sampleRate } = await readAudio(fixtureBytes(file));
    expect(encodeWav(channels, sampleRate, { bitDepth })).toEqual(fixtureBytes(file));
  });

  test('float files keep every value, beyond full scale too', async () => {
    const samples = Float32Array.of(0, -0, 1.5, -2, 1e-30, Math.fround(0.1));
    const sound = await readAudio(encodeWav(samples, 48000, { bitDepth: '32float' }));
    expect(sound.channels).toEqual([samples]);
  });

  test('integers are rounded and clipped, and NaN is silence', async () => {
    const samples = Float32Array.of(2, -2, 1, -1, 0.4 / 32768, 0.6 / 32768, Number.NaN, Number.POSITIVE_INFINITY);
    const sound = await readAudio(encodeWav(samples, 16000));
    expect([...sound.channels[0]].map((x) => x * 32768)).toEqual([32767, -32768, 32767, -32768, 0, 1, 0, 32767]);
  });

  test('an odd number of bytes is padded and read back', async () => {
    const file = encodeWav(Float32Array.of(0.5, -0.5, 0.25), 8000, { bitDepth: 24 });
    expect(file.length % 2).toBe(0);
    expect([...(await readAudio(file)).channels[0]]).toEqual([0.5, -0.5, 0.25]);
  });

  test('a header for a pipe lets readers take all that comes', async () => {
    const file = Buffer.concat([wavHeader(16000, 1, undefined), Buffer.from([0, 64, 0, 32])]);
    expect([...(await readAudio(new Uint8Array(file))).channels[0]]).toEqual([0.5, 0.25]);
  });

  test('more than 4 GB is refused before anything is written', () => {
    expect(() => wavHeader(48000, 2, 2 ** 31)).toThrow(BagpiperError);
  });
});

describe('metadata', () => {
  const metadata = { ICMT: '{"seed":1,"text":"naïve \u{1f3b5}"}', INAM: 'odd', ISFT: 'bagpiper' };

  test('comes back from bytes and from a file', async () => {
    const file = encodeWav(sine(100, 16000, 440), 16000, { metadata });
    expect(await readWavMetadata(file)).toEqual(metadata);
    const path = join(folder, 'a.wav');
    await writeWav(path, sine(100, 16000, 440), 16000, { metadata, bitDepth: '32float' });
    expect(await readWavMetadata(path)).toEqual(metadata);
  });

  test('behind the samples is found too', async () => {
    const plain = encodeWav(sine(99, 16000, 440), 16000);
    const list = Buffer.from('LIST\x10\0\0\0INFOICMT\x03\0\0\0ok\0\0', 'latin1');
    expect(await readWavMetadata(new Uint8Array(Buffer.concat([plain, list])))).toEqual({ ICMT: 'ok' });
  });

  test('is empty for files without any', async () => {
    for (const bytes of [new Uint8Array(0), fixtureBytes('scipy-u8.wav'), fixtureBytes('tone-8-mono.flac')]) {
      expect(await readWavMetadata(bytes)).toEqual({});
    }
  });

  test('of a missing file is an error', async () => {
    await expect(readWavMetadata(join(folder, 'none.wav'))).rejects.toThrow(BagpiperError);
  });
});

describe('files are whole or not there', () => {
  const samples = sine(16000, 16000, 440);
  const writers = [
    ['out.wav', (path: string) => writeWav(path, samples, 16000)],
    ['out.flac', (path: string) => writeFlac(path, samples, 16000)],
  ] as const;

  test.each(writers)('%s is written and read back', async (name, write) => {
    await write(join(folder, name));
    const sound = await readAudio(join(folder, name));
    expect([...sound.channels[0]]).toEqual([...samples].map((x) => Math.round(x * 32768) / 32768 + 0));
    expect(readdirSync(folder)).toEqual([name]);
  });

  test.each(writers)('a full disk leaves no %s and no rest', async (name, write) => {
    faults.write = 'ENOSPC';
    const path = join(folder, name);
    const error = await write(path).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BagpiperError);
    expect((error as Error).message).toBe(
      `${path}: cannot be written: the disk is full; free some space or choose another folder.`,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('an older file survives a full disk', async () => {
    const path = join(folder, 'out.wav');
    writeFileSync(path, 'older');
    for (const fault of ['write', 'rename'] as const) {
      faults[fault] = 'ENOSPC';
      await expect(writeWav(path, samples, 16000)).rejects.toThrow(/disk is full/);
    }
    expect(readFileSync(path, 'utf8')).toBe('older');
    expect(readdirSync(folder)).toEqual(['out.wav']);
  });

  test('a folder that does not exist, or is meant as the file, is an error', async () => {
    await expect(writeWav(join(folder, 'no', 'out.wav'), samples, 16000)).rejects.toThrow(/folder does not exist/);
    expect(existsSync(join(folder, 'no'))).toBe(false);
    const error = await writeWav(folder, samples, 16000).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BagpiperError);
    expect(readdirSync(tmpdir()).filter((f) => folder.endsWith(f.split('.')[0]) && f.endsWith('.part'))).toEqual([]);
  });
});
