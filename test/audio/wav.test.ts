import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readAudio } from '../../src/audio/index.js';
import { fixture, floatBytes, lena, wavBytes } from './make.js';

/** The whole numbers in the fixtures: `(i step + c offset) mod m - m / 2`. */
function pattern(step: number, offset: number, modulus: number, scale: number): number[][] {
  return [0, 1].map((c) =>
    Array.from({ length: 50 }, (_, i) => Math.fround((((i * step + c * offset) % modulus) - modulus / 2) / scale)),
  );
}

const written: [file: string, rate: number, format: string, expected: number[][]][] = [
  ['scipy-u8.wav', 8000, 'wav (8-bit)', pattern(7, 64, 256, 128)],
  ['scipy-s16.wav', 11025, 'wav (16-bit)', pattern(997, 12345, 65536, 32768)],
  ['python-s24.wav', 48000, 'wav (24-bit)', pattern(99991, 1234567, 2 ** 24, 2 ** 23)],
  ['scipy-s32.wav', 192000, 'wav (32-bit)', pattern(257698037, 1234567890, 2 ** 32, 2 ** 31)],
  ['scipy-f32.wav', 96000, 'wav (32-bit float)', pattern(997, 12345, 65536, 16384)],
  ['scipy-f64.wav', 44100, 'wav (64-bit float)', pattern(997, 12345, 65536, 49152)],
];

test.each(written)('reads %s exactly', async (file, rate, format, expected) => {
  const sound = await readAudio(fixture(file));
  expect(sound.channels.map((c) => [...c])).toEqual(expected);
  expect(sound).toMatchObject({ sampleRate: rate, format, seconds: 50 / rate, warnings: [] });
});

test.each([
  ['alaw', 6],
  ['ulaw', 7],
] as const)('reads every byte of G.711 %s as another tool does', async (name, tag) => {
  const table = JSON.parse(readFileSync(fixture('g711.json'), 'utf8'))[name] as number[];
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const sound = await readAudio(wavBytes(bytes, { tag, bits: 8, rate: 8000 }));
  expect([...sound.channels[0]].map((x) => x * 32768 + 0)).toEqual(table);
});

test('reads extensible files, also with float inside and eight channels', async () => {
  const channels = Array.from({ length: 8 }, (_, c) => Float32Array.of(c / 8, -c / 8, 0.5));
  const file = wavBytes(floatBytes(...channels), { tag: 3, bits: 32, channels: 8, rate: 192000, extensible: true });
  const sound = await readAudio(file);
  expect(sound.channels).toEqual(channels);
  expect(sound.sampleRate).toBe(192000);
});

test('skips chunks it does not know, with odd sizes too', async () => {
  const between = new Uint8Array([...Buffer.from('junk\x03\0\0\0abc\0', 'latin1')]);
  const sound = await readAudio(wavBytes(Uint8Array.of(0, 64), { between }));
  expect([...sound.channels[0]]).toEqual([0.5]);
});

test('reads what a program wrote to a pipe without knowing the length', async () => {
  for (const statedSize of [0, 0xffffffff, 0x7fffffff]) {
    const sound = await readAudio(wavBytes(Uint8Array.of(0, 64, 0, 32), { statedSize }));
    expect([...sound.channels[0]]).toEqual([0.5, 0.25]);
    expect(sound.warnings).toEqual([]);
  }
});

test('reads RF64 files', async () => {
  const file = wavBytes(Uint8Array.of(0, 64, 0, 32), { statedSize: 0xffffffff });
  file.set(Buffer.from('RF64'));
  expect([...(await readAudio(file)).channels[0]]).toEqual([0.5, 0.25]);
});

test('the content decides, not the name', async () => {
  const bytes = new Uint8Array(readFileSync(lena('wav')));
  const sound = await readAudio(bytes, { name: 'song.mp3' });
  expect(sound).toMatchObject({ format: 'wav (16-bit)', sampleRate: 44100, warnings: [] });
  const raw = new Int16Array(bytes.slice(-2 * sound.channels[0].length).buffer);
  expect(sound.channels[0].every((x, i) => x * 32768 === raw[i])).toBe(true);
});
