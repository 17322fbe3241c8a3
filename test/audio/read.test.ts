import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { downmix, loadMono16k, readAudio, streamMono16k } from '../../src/audio/index.js';
import { BagpiperError } from '../../src/errors.js';
import { floatBytes, lena, mp3Bytes, sine, snrDb, vorbisBytes, wavBytes } from './make.js';
import { heldBytes } from './memory.js';

describe('to 16 kHz mono', () => {
  test('channels are averaged, so nothing clips and equal channels stay as loud', async () => {
    const loud = new Float32Array(3200).fill(1);
    const same = await loadMono16k(wavBytes(floatBytes(loud, loud, loud), { tag: 3, bits: 32, channels: 3 }));
    expect(new Set(same.samples)).toEqual(new Set([1]));
    const opposite = await loadMono16k(
      wavBytes(
        floatBytes(
          loud,
          loud.map((x) => -x),
        ),
        { tag: 3, bits: 32, channels: 2 },
      ),
    );
    expect(new Set(opposite.samples)).toEqual(new Set([0]));
    expect([...downmix([Float32Array.of(1, 0.5), Float32Array.of(0, -1)])]).toEqual([0.5, -0.25]);
  });

  test('values beyond full scale are kept', async () => {
    const file = wavBytes(floatBytes(sine(16000, 16000, 440, 3)), { tag: 3, bits: 32 });
    expect(Math.max(...(await loadMono16k(file)).samples)).toBeCloseTo(3, 2);
  });

  test.each([8000, 11025, 44100, 48000, 96000])('from WAV at %d', async (rate) => {
    const file = wavBytes(floatBytes(sine(rate, rate, 1000), sine(rate, rate, 1000)), {
      tag: 3,
      bits: 32,
      channels: 2,
      rate,
    });
    const sound = await loadMono16k(file);
    expect(sound).toMatchObject({ originalRate: rate, originalChannels: 2, seconds: 1 });
    expect(snrDb(sine(16000, 16000, 1000), sound.samples, 1000)).toBeGreaterThan(120);
  });

  test('eight channels at 192 kHz', async () => {
    const channels = Array.from({ length: 8 }, (_, c) => sine(57600, 192000, 440, c < 4 ? 0.8 : 0.4));
    const sound = await loadMono16k(wavBytes(floatBytes(...channels), { tag: 3, bits: 32, channels: 8, rate: 192000 }));
    expect(sound).toMatchObject({ originalRate: 192000, originalChannels: 8 });
    expect(snrDb(sine(4800, 16000, 440, 0.6), sound.samples, 500)).toBeGreaterThan(120);
  });
});

describe('streaming', () => {
  async function chunks(source: Uint8Array | string, chunkSeconds: number): Promise<Float32Array[]> {
    const out: Float32Array[] = [];
    for await (const chunk of streamMono16k(source, { chunkSeconds })) out.push(chunk);
    return out;
  }

  test('gives the samples of the whole in equal chunks', async () => {
    const file = await vorbisBytes([sine(100000, 44100, 440), sine(100000, 44100, 660)], 44100);
    const whole = (await loadMono16k(file)).samples;
    const parts = await chunks(file, 0.5);
    expect(parts.map((p) => p.length)).toEqual([8000, 8000, 8000, 8000, whole.length - 32000]);
    expect(parts.flatMap((p) => [...p])).toEqual([...whole]);
  });

  test('a quarter of an hour of MP3 is read no further than the next chunk', { timeout: 600_000 }, async () => {
    const file = repeated(await mp3Bytes([sine(80000, 8000, 300)], 8000, 8), 900);
    let read = 0;
    const cut = file.subarray;
    file.subarray = function (from, to) {
      read = Math.max(read, to ?? 0);
      return cut.call(this, from, to);
    };
    const chunkBytes = (30 * 8000) / 8;
    let count = 0;
    let samples = 0;
    let ahead = 0;
    const held: number[] = [];
    for await (const chunk of streamMono16k(file)) {
      count++;
      samples += chunk.length;
      ahead = Math.max(ahead, Math.min(read, file.length) - count * chunkBytes);
      if (count % 7 !== 1) continue;
      held.push(await heldBytes());
    }
    expect(samples / 16000).toBeGreaterThan(890);
    // One piece of 64 kB is what the decoder works on; it holds a minute of this sound.
    expect(ahead).toBeLessThan(3 * 65536);
    // Decoded it takes 57 MB, a chunk 2 MB. The decoder itself is there from the first chunk on.
    expect(Math.max(...held) - held[0]).toBeLessThan(8e6);
  });

  test('an hour of silence stays silent', { timeout: 600_000 }, async () => {
    let samples = 0;
    let loudest = 0;
    const silence = wavBytes(new Uint8Array(3600 * 16000).fill(128), { bits: 8 });
    for await (const chunk of streamMono16k(silence)) {
      samples += chunk.length;
      for (const x of chunk) if (x !== 0) loudest = Math.max(loudest, Math.abs(x));
    }
    expect([samples, loudest]).toEqual([3600 * 16000, 0]);
  });

  test('stops reading when the taker stops', async () => {
    const file = wavBytes(new Uint8Array(2 * 16000 * 100));
    for await (const chunk of streamMono16k(file, { chunkSeconds: 1 })) {
      expect(chunk).toHaveLength(16000);
      break;
    }
  });
});

describe('limits', () => {
  const file = wavBytes(new Uint8Array(2 * 48000));

  test('maxSeconds cuts and says so', async () => {
    const sound = await readAudio(file, { maxSeconds: 1.5, name: 'talk.wav' });
    expect(sound.seconds).toBe(1.5);
    expect(sound.warnings).toEqual(['talk.wav is longer than 1.5 s; only the first 1.5 s were read.']);
    expect((await readAudio(file, { maxSeconds: 3 })).warnings).toEqual([]);
  });

  test('a signal stops reading with its reason', async () => {
    const reason = new Error('changed my mind');
    await expect(readAudio(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('M4A', () => {
  const path = process.env.PATH;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bagpiper-test-'));
  });
  afterEach(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  });

  /** Puts a shell script called ffmpeg in front of everything else. */
  function fakeFfmpeg(script: string): void {
    writeFileSync(join(folder, 'ffmpeg'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'ffmpeg'), 0o755);
    process.env.PATH = `${folder}${delimiter}${path}`;
  }

  test('without ffmpeg is an error that tells what to do', async () => {
    process.env.PATH = folder;
    const error = await readAudio(lena('m4a'), { name: 'song.m4a' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BagpiperError);
    expect((error as Error).message).toBe(
      'song.m4a: MP4 or M4A (AAC or ALAC) needs ffmpeg, and ffmpeg is not installed; ' +
        'install ffmpeg or convert the file to WAV, FLAC, MP3 or Ogg.',
    );
  });

  test('is read through ffmpeg, from a path and from bytes', async () => {
    writeFileSync(
      join(folder, 'out.wav'),
      wavBytes(Uint8Array.of(0, 64, 0, 32), { rate: 44100, statedSize: 0xffffffff }),
    );
    // Answers only when the input is the MP4 file.
    fakeFfmpeg(
      `while [ "$1" != -i ]; do shift; done; head -c 12 "\${2#file:}" | grep -q ftyp && cat "${folder}/out.wav"`,
    );
    const bytes = new Uint8Array(Buffer.from('\0\0\0\x20ftypM4A \0\0\0\0', 'latin1'));
    for (const source of [lena('m4a'), bytes]) {
      const sound = await readAudio(source);
      expect([...sound.channels[0]]).toEqual([0.5, 0.25]);
      expect(sound).toMatchObject({ sampleRate: 44100, format: 'MP4 or M4A (AAC or ALAC), by ffmpeg', warnings: [] });
    }
  });

  test('that ffmpeg refuses is an error with its words', async () => {
    fakeFfmpeg('echo "moov atom not found" >&2; exit 1');
    await expect(readAudio(lena('m4a'))).rejects.toThrow(/ffmpeg cannot decode it \(moov atom not found\)/);
  });

  test('on this machine is read, or refused for the lack of ffmpeg', async () => {
    const outcome = await loadMono16k(lena('m4a')).catch((error: unknown) => error as Error);
    if (outcome instanceof Error) expect(outcome.message).toMatch(/ffmpeg is not installed/);
    else expect(outcome.seconds).toBeCloseTo(12.27, 1);
  });
});

/** An MP3 stream over and over, up to so many seconds (at 8 kbit/s). Its frames do not need each other. */
function repeated(stream: Uint8Array, seconds: number): Uint8Array {
  const out = new Uint8Array(seconds * 1000);
  for (let at = 0; at < out.length; at += stream.length) out.set(stream.subarray(0, out.length - at), at);
  return out;
}
