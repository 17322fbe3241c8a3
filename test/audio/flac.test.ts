import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { expect, test } from 'vitest';
import { encodeFlac, readAudio } from '../../src/audio/index.js';
import { Random } from '../../src/random.js';
import { fixture, fixtureBytes, lena, oggPage, sine } from './make.js';

/** The MD5 that a FLAC header states of its samples: interleaved little-endian integers of whole bytes. */
function md5(channels: Float32Array[], bits: number): string {
  const bytes = Math.ceil(bits / 8);
  const out = Buffer.alloc(channels[0].length * channels.length * bytes);
  for (let i = 0, at = 0; i < channels[0].length; i++) {
    for (const channel of channels) at = out.writeIntLE(channel[i] * 2 ** (bits - 1), at, bytes);
  }
  return createHash('md5').update(out).digest('hex');
}

test.each([
  ['tone-24-stereo.flac', 48000, 2, 24],
  ['tone-16-six.flac', 44100, 6, 16],
  ['tone-8-mono.flac', 8000, 1, 8],
  ['shifted-16-mono.flac', 22050, 1, 16],
])('decodes %s of libFLAC to the bit', async (file, rate, channels, bits) => {
  const sound = await readAudio(fixture(file));
  expect(sound).toMatchObject({ sampleRate: rate, format: 'flac', warnings: [] });
  expect(sound.channels).toHaveLength(channels);
  expect(md5(sound.channels, bits)).toBe(Buffer.from(fixtureBytes(file).subarray(26, 42)).toString('hex'));
});

test('decodes a recording as libFLAC does', async () => {
  const ours = await readAudio(lena('flac'));
  const theirs = await decodeByLibFlac(new Uint8Array(readFileSync(lena('flac'))));
  expect(ours.channels).toHaveLength(theirs.length);
  expect(ours.channels.every((channel, c) => channel.every((x, i) => x * 32768 === theirs[c][i]))).toBe(true);
});

test('finds the frames behind an ID3 tag', async () => {
  const tag = Buffer.from('ID3\x03\0\0\0\0\0\x0a0123456789', 'latin1');
  const sound = await readAudio(new Uint8Array(Buffer.concat([tag, fixtureBytes('tone-8-mono.flac')])));
  expect(sound.channels[0]).toHaveLength(1500);
});

test('reads Ogg FLAC', async () => {
  const file = Buffer.from(fixtureBytes('tone-8-mono.flac'));
  const head = Buffer.concat([Buffer.from('\x7fFLAC\x01\0\0\0', 'latin1'), file.subarray(0, 42)]);
  head[9 + 4] |= 0x80;
  const frames = file.subarray(headerLength(file));
  const pages = [oggPage([head], 2, 0, 0), oggPage([frames], 4, 1, 1500)];
  const sound = await readAudio(new Uint8Array(Buffer.concat(pages)));
  expect(sound).toMatchObject({ format: 'ogg flac', warnings: [] });
  expect(sound.channels).toEqual((await readAudio(fixture('tone-8-mono.flac'))).channels);
});

const random = new Random(5);
const grain = (length: number, spread: number): Float32Array =>
  Float32Array.from({ length }, () => Math.round((random.next() - 0.5) * spread) / 32768 + 0);
const shapes: [what: string, channels: Float32Array[], rate: number][] = [
  ['a tone', [grid(sine(10000, 44100, 440))], 44100],
  ['loud noise', [grain(5000, 65535)], 8000],
  ['stereo with much in common', [grid(sine(9000, 48000, 300)), grid(sine(9000, 48000, 300, 0.45))], 48000],
  ['opposite full scale', [new Float32Array(4096).fill(-1), new Float32Array(4096).fill(32767 / 32768)], 22050],
  ['silence', [new Float32Array(4097)], 16000],
  ['one sample', [Float32Array.of(0.5)], 16000],
  ['eight channels at an odd rate', Array.from({ length: 8 }, () => grain(4200, 300)), 12345],
  ['impulses', [Float32Array.from({ length: 5000 }, (_, i) => (i % 997 === 0 ? -1 : 0))], 655350],
];

test.each(shapes)('writes %s so that libFLAC and we read the same samples back', async (_, channels, rate) => {
  const file = encodeFlac(channels, rate, { COMMENT: 'seed 1' });
  const ours = await readAudio(file);
  expect(ours).toMatchObject({ sampleRate: rate, format: 'flac', warnings: [] });
  expect(ours.channels).toEqual(channels);
  const theirs = await decodeByLibFlac(file);
  expect(theirs).toHaveLength(channels.length);
  expect(theirs.every((channel, c) => channel.every((x, i) => x === channels[c][i] * 32768))).toBe(true);
});

test('writes smaller files than 16-bit WAV where the sound allows it', () => {
  expect(encodeFlac(grid(sine(44100, 44100, 440)), 44100).length).toBeLessThan(44100);
  expect(encodeFlac(new Float32Array(44100), 44100).length).toBeLessThan(400);
});

test('writes zero samples as a valid file without frames', async () => {
  expect(await decodeByLibFlac(encodeFlac(new Float32Array(0), 16000)).catch(() => [])).toEqual([]);
  await expect(readAudio(encodeFlac(new Float32Array(0), 16000))).rejects.toThrow(/no samples/);
});

/** Rounds to what 16 bits hold. */
function grid(samples: Float32Array): Float32Array {
  return samples.map((x) => Math.round(x * 32768) / 32768 + 0);
}

function headerLength(file: Buffer): number {
  let at = 4;
  for (;;) {
    const last = file[at] >= 128;
    at += 4 + file.readUIntBE(at + 1, 3);
    if (last) return at;
  }
}

/** Whole numbers of 16 bits; the package divides them by 32767. */
async function decodeByLibFlac(file: Uint8Array): Promise<number[][]> {
  const decoder = new FLACDecoder();
  await decoder.ready;
  const { channelData } = await decoder.decodeFile(file);
  decoder.free();
  return channelData.map((channel) => Array.from(channel, (x) => Math.round(x * 32767)));
}
