import { beforeAll, describe, expect, test } from 'vitest';
import { readAudio } from '../../src/audio/index.js';
import { aligned, lena, mp3Bytes, opusBytes, sine, snrDb, vorbisBytes } from './make.js';

/** Tones that differ from themselves at every shift of less than their length. */
const rising = (rate: number, from: number, amplitude: number): Float32Array =>
  Float32Array.from(
    { length: 1.5 * rate },
    (_, i) => amplitude * Math.sin((2 * Math.PI * i * (from + i / 200)) / rate),
  );

describe.each([
  ['mp3', 44100, 60, mp3Bytes],
  ['ogg vorbis', 44100, 25, vorbisBytes],
  ['ogg opus', 48000, 20, async (channels: Float32Array[]) => opusBytes(channels, 128000)],
] as const)('%s', (format, rate, leastSnr, encode) => {
  const channels = [rising(rate, 300, 0.4), rising(rate, 700, 0.3)];

  test('gives the encoded tones back, channel by channel', async () => {
    const sound = await readAudio(await encode(channels, rate));
    expect(sound).toMatchObject({ format, sampleRate: rate, warnings: [] });
    expect(sound.channels).toHaveLength(2);
    channels.forEach((channel, c) => {
      // LAME streams do not state their delay; the others come out in place.
      const got = format === 'mp3' ? aligned(channel, sound.channels[c]) : sound.channels[c];
      expect(got).toHaveLength(channel.length);
      expect(snrDb(channel, got, 2000)).toBeGreaterThan(leastSnr);
    });
  });

  test('reads mono as one channel', async () => {
    const sound = await readAudio(await encode(channels.slice(0, 1), rate));
    expect(sound.channels).toHaveLength(1);
    expect(snrDb(channels[0], aligned(channels[0], sound.channels[0]), 2000)).toBeGreaterThan(leastSnr);
  });
});

test.each([8000, 16000, 22050, 32000, 48000])('reads MP3 at %d samples a second', async (rate) => {
  const tone = rising(rate, 300, 0.5);
  const sound = await readAudio(await mp3Bytes([tone], rate, 64));
  expect(sound.sampleRate).toBe(rate);
  expect(snrDb(tone, aligned(tone, sound.channels[0]), 2000)).toBeGreaterThan(20);
});

describe('a recording written by ffmpeg', () => {
  let reference: Float32Array;
  beforeAll(async () => {
    reference = (await readAudio(lena('wav'))).channels[0];
  });

  test.each([
    ['mp3', 75],
    ['ogg', 25],
  ])('lena.%s', async (extension, leastSnr) => {
    const sound = await readAudio(lena(extension));
    expect(sound.warnings).toEqual([]);
    expect(sound.channels[0]).toHaveLength(reference.length);
    expect(snrDb(reference, sound.channels[0])).toBeGreaterThan(leastSnr);
  });

  test('lena.opus', async () => {
    const sound = await readAudio(lena('opus'));
    expect(sound).toMatchObject({ sampleRate: 48000, warnings: [] });
    expect(sound.seconds).toBeCloseTo(reference.length / 44100, 4);
  });
});

test('an MP3 behind an ID3 tag with a large picture and with junk at the end', async () => {
  const tone = rising(44100, 440, 0.5);
  const tag = Buffer.concat([
    Buffer.from('ID3\x03\0\0\0\x0c\x4e\x20', 'latin1'),
    Buffer.alloc(12 * 16384 + 78 * 128 + 32),
  ]);
  const tail = Buffer.from(`TAG${' '.repeat(125)}`);
  const sound = await readAudio(new Uint8Array(Buffer.concat([tag, await mp3Bytes([tone], 44100), tail])));
  expect(snrDb(tone, aligned(tone, sound.channels[0]), 2000)).toBeGreaterThan(60);
  expect(sound.warnings).toEqual([]);
});

test('chained Ogg files are read one after the other', async () => {
  const one = Buffer.from(opusBytes([sine(24000, 48000, 440)]));
  const sound = await readAudio(new Uint8Array(Buffer.concat([one, one])));
  expect(sound.channels[0]).toHaveLength(48000);
  expect(sound.warnings).toEqual([]);
});
