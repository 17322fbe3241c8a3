import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BagpiperError } from '../../../src/errors.js';
import { decodeStream } from '../../../src/model/codec/chunks.js';
import { Xcodec } from '../../../src/model/codec/xcodec.js';
import { parseXcodecConfig } from '../../../src/model/codec/xcodec-config.js';
import { mergeStatistics } from '../../../src/model/codec/xcodec-statistics.js';
import { xcodecFiles } from '../../../src/model/codec/xcodec-weights.js';
import { Random } from '../../../src/random.js';
import { openSafetensors } from '../../../src/weights/index.js';
import { reference } from '../parity-kit.js';
import { farthest, noise } from './tiny-codec.js';

const folder = reference('xcodec');
const config = parseXcodecConfig(JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')), 'config.json');
const source = xcodecFiles(openSafetensors(`${folder}/model.safetensors`), config, folder);
const open = (pieceFrames: number): Xcodec => Xcodec.load(source, config, { threads: 1, pieceFrames });

/** Works on all frames at once, and on a few. */
let whole: Xcodec;
let piecewise: Xcodec;
beforeAll(() => {
  whole = open(10_000);
  piecewise = open(17);
});
afterAll(async () => {
  await whole.release();
  await piecewise.release();
});

function randomCodes(frames: number, codebooks = 8): Int32Array {
  const random = new Random('x-codes');
  return Int32Array.from({ length: frames * codebooks }, () => random.int(64));
}

describe('Xcodec.decode', () => {
  it.each([0, 1, 17, 18, 150])('gives in pieces what it gives at once, of %i frames', async (frames) => {
    const codes = randomCodes(frames);
    const expected = await whole.decode(codes);
    expect(expected).toHaveLength(320 * frames);
    expect(farthest(await piecewise.decode(codes), expected)).toBeLessThan(1e-5);
  });

  it('needs all of the context that it names, and no more', async () => {
    const { context } = whole;
    const codes = randomCodes(2 * context + 3);
    const middle = (samples: Float32Array) => samples.subarray((context + 1) * 320, (context + 2) * 320);
    const plain = middle(await whole.decode(codes));
    const without = async (frame: number): Promise<number> => {
      const changed = codes.map((code, i) => (Math.floor(i / 8) === frame ? (code + 1) % 64 : code));
      return farthest(middle(await whole.decode(changed)), plain);
    };
    expect(await without(0)).toBe(0);
    expect(await without(1)).toBeGreaterThan(0);
    expect(await without(2 * context + 1)).toBeGreaterThan(0);
    expect(await without(2 * context + 2)).toBe(0);
  });

  it('streams without seams: chunks joined are the whole, sample by sample', async () => {
    const codes = randomCodes(120);
    const expected = await whole.decode(codes);
    const pieces = Array.from({ length: 40 }, (_, i) => codes.subarray(i * 24, (i + 1) * 24));
    const chunks: Float32Array[] = [];
    for await (const chunk of decodeStream(whole, pieces, { first: 4, most: 32 })) chunks.push(chunk);
    expect(chunks.map(({ length }) => length / 320)).toEqual([4, 8, 16, 32, 32, 28]);
    expect(farthest(Float32Array.from(chunks.flatMap((chunk) => [...chunk])), expected)).toBeLessThan(1e-5);
  });

  it('takes the first codebooks alone', async () => {
    const codes = randomCodes(5, 3);
    const samples = await whole.decode(codes, 3);
    expect(samples).toHaveLength(1600);
    const other = codes.slice();
    other[2] = (other[2] + 1) % 64;
    expect(farthest(await whole.decode(other, 3), samples)).toBeGreaterThan(0);
  });

  it('refuses codes out of range, frames that are not whole, and codebooks that it has not', async () => {
    const codes = randomCodes(3);
    codes[9] = 64;
    const refusal = (promise: Promise<unknown>, message: string) =>
      expect(promise).rejects.toThrow(new BagpiperError(message));
    await refusal(whole.decode(codes), 'Code 64 in frame 1, codebook 1, is not in the range 0 to 63.');
    await refusal(whole.decode(new Int32Array(12)), '12 codes are no whole number of frames of 8 codes.');
    await refusal(whole.decode(new Int32Array(9), 9), 'Codes of 9 codebooks cannot be decoded; 1 to 8 are accepted.');
  });
});

describe('Xcodec.encode', () => {
  it.each([80, 8050, 33_333])('gives in pieces what it gives at once, of %i samples', async (samples) => {
    const wave = noise(samples).map((x, i) => x * (0.2 + Math.sin(i / 3000) ** 2) + 0.1);
    const [a, b] = [await whole.analyse(wave), await piecewise.analyse(wave)];
    expect(b.frames).toBe(a.frames);
    expect(farthest(b.acoustic, a.acoustic)).toBeLessThan(1e-5);
    expect(farthest(b.states, a.states)).toBeLessThan(1e-4);
    expect(farthest(b.embeddings, a.embeddings)).toBeLessThan(1e-4);
    expect(b.codes).toEqual(a.codes);
  });

  it('is finite for silence', async () => {
    const { embeddings, codes } = await whole.analyse(new Float32Array(3200));
    expect(embeddings.every(Number.isFinite)).toBe(true);
    expect(codes).toHaveLength(80);
  });

  it.each<[string, Float32Array, string]>([
    ['no sound', new Float32Array(0), 'The clip has 0 samples at 16 kHz, too few for a frame of X-Codec.'],
    ['79 samples', new Float32Array(79), 'The clip has 79 samples at 16 kHz, too few for a frame of X-Codec.'],
    ['NaN', Float32Array.of(Number.NaN), 'The samples to encode hold a value that is not a finite number.'],
    ['11 minutes', new Float32Array(660 * 16000), 'The clip lasts 660.0 s; X-Codec encodes at most 600 s at once.'],
  ])('refuses %s', async (_, samples, message) => {
    await expect(whole.encode(samples)).rejects.toThrow(new BagpiperError(message));
  });

  it('works again after a release', async () => {
    const wave = noise(1600);
    const before = await piecewise.encode(wave);
    await piecewise.release();
    expect(await piecewise.encode(wave)).toEqual(before);
  });
});

describe('mergeStatistics', () => {
  it('gives the statistics of all values from those of parts, with a large common offset', () => {
    const values = noise(1000).map((x) => x + 50);
    const of = (part: Float32Array) => {
      const mean = part.reduce((a, b) => a + b, 0) / part.length;
      const variance = part.reduce((a, b) => a + (b - mean) ** 2, 0) / part.length;
      return { mean: Float32Array.of(mean), variance: Float32Array.of(variance), count: part.length };
    };
    const merged = mergeStatistics([values.subarray(0, 1), values.subarray(1, 700), values.subarray(700)].map(of));
    const expected = of(values);
    expect(merged.mean[0]).toBeCloseTo(expected.mean[0], 4);
    expect(merged.variance[0]).toBeCloseTo(expected.variance[0], 5);
  });
});
