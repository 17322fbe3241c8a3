import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { probeAudio, readAudio } from '../../src/audio/index.js';
import { fixtureBytes, lena, mp3Bytes, opusBytes, sine, vorbisBytes } from './make.js';

/** A file in memory that counts what is read of it. */
function file(bytes: Uint8Array): {
  name: string;
  size: number;
  read: (at: number, n: number) => Promise<Uint8Array>;
  got: number;
} {
  const opened = {
    name: 'x',
    size: bytes.length,
    got: 0,
    read: async (at: number, length: number): Promise<Uint8Array> => {
      const piece = bytes.subarray(at, at + length);
      opened.got += piece.length;
      return piece;
    },
  };
  return opened;
}

const tone = (seconds: number, rate: number): Float32Array[] => [
  sine(seconds * rate, rate, 440),
  sine(seconds * rate, rate, 300),
];

describe('what headers say', () => {
  const names = readdirSync(new URL('../fixtures/audio', import.meta.url)).filter((name) => /\.(wav|flac)$/.test(name));
  test.each(names)('of %s is as long as what is decoded', async (name) => {
    const probe = await probeAudio(file(fixtureBytes(name)));
    const { seconds } = await readAudio(fixtureBytes(name));
    expect(probe).toEqual({ kind: 'sound', format: name.split('.')[1], seconds });
  });

  test.each(['mp3', 'ogg', 'opus', 'flac', 'wav'])(
    'of a recording as .%s is as long as what is decoded',
    async (ending) => {
      const bytes = await readFile(lena(ending));
      const probe = await probeAudio(file(bytes));
      const { seconds } = await readAudio(bytes);
      expect(probe.kind === 'sound' && probe.seconds).toBeCloseTo(seconds, 1);
    },
  );

  test.each([
    ['mp3', () => mp3Bytes(tone(20, 44_100), 44_100, 128)],
    ['ogg vorbis', () => vorbisBytes(tone(20, 32_000), 32_000)],
    ['ogg opus', async () => opusBytes(tone(20, 48_000), 64_000)],
  ] as const)('of %s comes from a few reads', async (format, make) => {
    const bytes = await make();
    const opened = file(bytes);
    const probe = await probeAudio(opened);
    const { seconds } = await readAudio(bytes);
    expect(probe).toMatchObject({ kind: 'sound', format });
    expect(Math.abs((probe.kind === 'sound' ? (probe.seconds ?? 0) : 0) - seconds)).toBeLessThan(0.06);
    if (format !== 'mp3') expect(opened.got).toBeLessThan(600_000);
  });

  test('of a cut WAV file is what is there', async () => {
    const whole = await readFile(lena('wav'));
    const cut = whole.subarray(0, whole.length - 1000);
    const probe = await probeAudio(file(cut));
    expect(probe.kind === 'sound' && probe.seconds).toBe((await readAudio(cut)).seconds);
  });

  test('tells sound from other things', async () => {
    const other = async (text: string) => probeAudio(file(Buffer.from(text)));
    expect(await other('')).toEqual({ kind: 'other', label: 'an empty file' });
    expect(await other('{"a": 1}')).toEqual({ kind: 'other', label: 'JSON or other text' });
    expect(await other('Some words.')).toEqual({ kind: 'other' });
    expect(await other('RIFF    WAVE')).toEqual({ kind: 'sound', format: 'wav' });
    expect(await other('fLaC')).toEqual({ kind: 'sound', format: 'flac' });
  });
});
