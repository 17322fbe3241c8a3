import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeFlac, loadMono16k, readAudio, streamMono16k } from '../../src/audio/index.js';
import { BagpiperError } from '../../src/errors.js';
import { Random } from '../../src/random.js';
import { fixture, floatBytes, mp3Bytes, opusBytes, sine, vorbisBytes, wavBytes } from './make.js';

const folder = mkdtempSync(join(tmpdir(), 'bagpiper-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const tone = sine(32000, 16000, 440);
const noise = new Random(2);
const files: Record<string, Uint8Array> = {
  wav: wavBytes(floatBytes(tone), { tag: 3, bits: 32 }),
  flac: encodeFlac([tone], 16000),
  mp3: await mp3Bytes([tone], 16000, 64),
  // Noise fills several pages.
  vorbis: await vorbisBytes([Float32Array.from({ length: 90000 }, () => noise.range(-0.5, 0.5))], 44100, 9),
  opus: opusBytes([sine(96000, 48000, 440)]),
};
const names = Object.keys(files);

/** The message of the one kind of error that users may see, checked for its form. */
async function refusal(source: Uint8Array | string, name?: string): Promise<string> {
  const errors = await Promise.all([
    readAudio(source, { name }).catch((e: unknown) => e),
    loadMono16k(source, { name }).catch((e: unknown) => e),
    streamMono16k(source, { name })
      .next()
      .catch((e: unknown) => e),
  ]);
  for (const error of errors) expect(error).toBeInstanceOf(BagpiperError);
  const messages = errors.map((error) => (error as Error).message);
  expect(new Set(messages).size).toBe(1);
  expect(messages[0]).toMatch(/^[^\n]+\.$/);
  return messages[0];
}

describe('what is no sound file', () => {
  test('a missing file', async () => {
    const path = join(folder, 'none.wav');
    expect(await refusal(path)).toBe(`${path}: there is no such file; check the path.`);
    expect(await refusal(join(fixture('scipy-u8.wav'), 'inside'))).toMatch(/no such file/);
  });

  test('a folder', async () => {
    expect(await refusal(folder)).toBe(`${folder}: this is a folder; name an audio file in it.`);
  });

  test('an empty file', async () => {
    writeFileSync(join(folder, 'empty.wav'), '');
    const message = await refusal(join(folder, 'empty.wav'), 'empty.wav');
    expect(message).toMatch(/^empty\.wav: the file is empty; WAV, FLAC, MP3, Ogg Vorbis and Ogg Opus are read/);
  });

  test.each([
    ['a PNG picture', '\x89PNG\r\n\x1a\n'],
    ['a ZIP archive', 'PK\x03\x04'],
    ['a PDF document', '%PDF-1.7'],
    ['a web page', '<!DOCTYPE html>'],
    ['JSON or other text', '{"a":1}'],
    ['a MIDI file', 'MThd\0\0\0\x06'],
    ['a RIFF file that is not WAVE', 'RIFF\0\0\0\0AVI LIST'],
  ])('%s called song.wav', async (label, content) => {
    const message = await refusal(new Uint8Array(Buffer.from(content, 'latin1')), 'song.wav');
    expect(message).toMatch(new RegExp(`^song\\.wav: this is ${label}.*; WAV, FLAC, MP3`));
  });

  test('text, single bytes and random bytes', async () => {
    expect(await refusal(new Uint8Array(Buffer.from('hello')), 'a.wav')).toMatch(/no sound file that is known/);
    const random = new Random(11);
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from({ length: 1 + random.int(3000) }, () => random.int(256));
      const outcome = await readAudio(bytes).catch((e: unknown) => e);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(BagpiperError);
    }
  });
});

describe('truncated files', () => {
  test.each(names)('%s cut anywhere gives its start with a warning, or an error', async (name) => {
    const whole = (await readAudio(files[name])).channels[0];
    for (let percent = 1; percent < 100; percent += 7) {
      const part = files[name].subarray(0, Math.floor((files[name].length * percent) / 100));
      const outcome = await readAudio(part, { name }).catch((e: unknown) => e as Error);
      if (outcome instanceof Error) {
        expect(outcome).toBeInstanceOf(BagpiperError);
        expect(outcome.message).toMatch(/damaged|no samples/);
        continue;
      }
      const got = outcome.channels[0];
      expect(got.length).toBeLessThanOrEqual(whole.length);
      // Raw MP3 frames do not say how many there are; the others do.
      if (name !== 'mp3') expect(outcome.warnings.join()).toMatch(/truncated/);
      if (name === 'wav' || name === 'flac') expect(got).toEqual(whole.subarray(0, got.length));
    }
  });

  test.each(names)('%s cut in its header is an error', async (name) => {
    for (const length of [4, 12, 30]) await refusal(files[name].subarray(0, length), name);
  });

  test.each(names)('%s with a hole in the middle is read around it', async (name) => {
    const file = files[name];
    const at = Math.floor(file.length * 0.75);
    const broken = new Uint8Array(file);
    broken.fill(0, at, at + 40);
    const sound = await readAudio(broken);
    expect(sound.channels[0].every(Number.isFinite)).toBe(true);
    expect(sound.channels[0].length).toBeGreaterThan(500);
  });
});

describe('WAV headers that lie', () => {
  const four = (size: number): Uint8Array => wavBytes(new Uint8Array(0), { statedSize: size });

  test('4 GB in 44 bytes, and none at all', async () => {
    for (const size of [0xffffffff, 0xfffffff0, 0x7fffffff, 0x40000000, 0]) {
      expect(four(size)).toHaveLength(44);
      expect(await refusal(four(size), 'liar.wav')).toMatch(/^liar\.wav: .*no samples in it/);
    }
  });

  test('more data than there is', async () => {
    const sound = await readAudio(wavBytes(new Uint8Array(200), { statedSize: 1 << 30 }), { name: 'liar.wav' });
    expect(sound.channels[0]).toHaveLength(100);
    expect(sound.warnings).toEqual(['liar.wav ends before its header says: the file is truncated.']);
  });

  test.each([
    ['0 channels', { channels: 0 }],
    ['1000 channels', { channels: 1000 }],
    ['0 samples a second', { rate: 0 }],
    ['4294967295 samples a second', { rate: 0xffffffff }],
    ['0-bit', { bits: 0 }],
    ['64-bit int', { bits: 64 }],
    ['7-bit float', { tag: 3, bits: 7 }],
    ['unknown codec 4660', { tag: 0x1234 }],
    ['ADPCM', { tag: 2, bits: 4 }],
  ])('%s', async (what, fields) => {
    expect(await refusal(wavBytes(new Uint8Array(400), fields), 'odd.wav')).toMatch(
      new RegExp(`^odd\\.wav: .*${what}`),
    );
  });

  test('no data chunk, data before the format, a huge format', async () => {
    const file = wavBytes(new Uint8Array(100));
    expect(await refusal(file.subarray(0, 36))).toMatch(/without a data chunk/);
    expect(await refusal(Uint8Array.from([...file.subarray(0, 12), ...file.subarray(36)]))).toMatch(/before its fmt/);
    const huge = file.slice();
    new DataView(huge.buffer).setUint32(16, 0xffffffff, true);
    expect(await refusal(huge)).toMatch(/fmt chunk of 4294967295 bytes/);
  });
});

describe('odd but true', () => {
  test('one sample', async () => {
    const one = wavBytes(Uint8Array.of(0, 64), { rate: 16000 });
    expect([...(await loadMono16k(one)).samples]).toEqual([0.5]);
    for (const rate of [8000, 44100, 192000]) {
      const { samples } = await loadMono16k(wavBytes(Uint8Array.of(0, 64), { rate }));
      expect(samples).toHaveLength(Math.round(16000 / rate));
    }
  });

  test('all zeros', async () => {
    const { samples } = await loadMono16k(wavBytes(new Uint8Array(88200), { rate: 44100 }));
    expect(samples).toHaveLength(16000);
    expect(samples.every((x) => x === 0)).toBe(true);
  });

  test('NaN and infinities become silence, with a warning', async () => {
    const odd = Float32Array.of(0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.5);
    for (const [bits, data] of [
      [32, floatBytes(odd)],
      [64, new Uint8Array(Float64Array.from(odd).buffer)],
    ] as const) {
      const sound = await readAudio(wavBytes(data, { tag: 3, bits }), { name: 'odd.wav' });
      expect([...sound.channels[0]]).toEqual([0.5, 0, 0, 0, -0.5]);
      expect(sound.warnings).toEqual(['odd.wav has 3 samples that are not finite numbers; they were read as 0.']);
    }
  });

  test('numbers that no float32 holds', async () => {
    const data = new Uint8Array(Float64Array.of(1e300, 0.25, -1e300).buffer);
    expect([...(await readAudio(wavBytes(data, { tag: 3, bits: 64 }))).channels[0]]).toEqual([0, 0.25, 0]);
  });

  test('two files glued together: the second is not taken for sound', async () => {
    const sound = await readAudio(Uint8Array.from([...files.wav, ...files.wav]));
    expect(sound.channels[0]).toHaveLength(32000);
  });
});
