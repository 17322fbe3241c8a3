import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../../src/graph/index.js';
import { NanoCodec } from '../../../src/model/codec/nano.js';
import { frameCount, windows } from '../../../src/model/codec/nano-encoder.js';
import { melMatrix } from '../../../src/model/codec/spectrum.js';
import { nearest } from '../../../src/nn/index.js';
import { Random } from '../../../src/random.js';
import { Session } from '../../../src/runtime/index.js';
import { noise, TINY, tinyTensors } from './tiny-codec.js';

describe('windows', () => {
  it('centres 640 samples on each 160, with silence beyond the ends', () => {
    const samples = Float32Array.from({ length: 700 }, (_, i) => i + 1);
    const rows = windows(samples, 0, 2);
    expect(rows.length).toBe(8 * 640);
    const expected = Float32Array.from({ length: rows.length }, (_, i) => {
      const at = Math.floor(i / 640) * 160 + 80 + (i % 640) - 320;
      return at >= 0 && at < 700 ? at + 1 : 0;
    });
    expect(rows.every((x, i) => x === expected[i])).toBe(true);
    expect(windows(samples, 1, 2)).toEqual(rows.subarray(4 * 640));
  });
});

describe('nearest', () => {
  it('agrees with brute force, the first of equals', async () => {
    const random = new Random('nearest');
    const [count, size, dims] = [200, 17, 5];
    const x = Float32Array.from({ length: count * dims }, () => random.int(9) - 4);
    const book = Float32Array.from({ length: size * dims }, () => random.int(9) - 4);
    // The last row is the first again: never chosen.
    book.copyWithin((size - 1) * dims, 0, dims);
    const graph = new Graph();
    graph.output('codes', nearest(graph.input('x', 'float32', ['n', dims]), graph.input('b', 'float32', [size, dims])));
    const session = await Session.create(graph, { threads: 1 });
    const { codes } = await session.run({ x: { data: x, dims: [count, dims] }, b: { data: book, dims: [size, dims] } });
    await session.release();
    const distance = (r: number, c: number): number => {
      let sum = 0;
      for (let d = 0; d < dims; d++) sum += (x[r * dims + d] - book[c * dims + d]) ** 2;
      return sum;
    };
    const expected = Array.from({ length: count }, (_, r) => {
      const all = Array.from({ length: size }, (_, c) => distance(r, c));
      return all.indexOf(Math.min(...all));
    });
    expect(Array.from(codes.data as BigInt64Array, Number)).toEqual(expected);
  });
});

describe('NanoCodec.encode', () => {
  const tensors = tinyTensors();
  let codec: NanoCodec;
  beforeAll(() => {
    codec = NanoCodec.load(tensors, TINY, { threads: 1 });
  });
  afterAll(() => codec.release());

  it.each([
    [0, 0],
    [1, 1],
    [639, 1],
    [640, 1],
    [641, 2],
    [257 * 640, 257],
  ])('%i samples have %i frames', async (samples, frames) => {
    expect(frameCount(samples)).toBe(frames);
    const codes = await codec.encode(noise(samples));
    expect(codes.length).toBe(frames * TINY.codebooks);
    expect(codes.every((code) => code >= 0 && code < TINY.codebook_size)).toBe(true);
  });

  it('hears silence as the vector of silence', async () => {
    expect(await codec.encode(new Float32Array(1280))).toEqual(new Int32Array(2 * TINY.codebooks));
  });

  it('gives the same codes whether a clip is encoded in one part or two', async () => {
    const samples = noise(258 * 640, 'long');
    const whole = await codec.encode(samples);
    // Frames 250 and on, with a frame of sound before them for the first window.
    const tail = await codec.encode(samples.subarray(249 * 640));
    expect(tail.subarray(TINY.codebooks)).toEqual(whole.subarray(250 * TINY.codebooks));
  });

  it('agrees with the definition, computed in 64 bits', async () => {
    const samples = noise(1500, 'definition');
    expect([...(await codec.encode(samples))]).toEqual(encodePlainly(samples, tensors));
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', async (value) => {
    const samples = noise(2000);
    samples[1700] = value;
    await expect(codec.encode(samples)).rejects.toThrow('not a finite number');
  });
});

/** docs/model.md's steps one after the other: windows, spectra, mel bands, logarithm, projection, residual search. */
function encodePlainly(samples: Float32Array, tensors: ReadonlyMap<string, Float32Array>): number[] {
  const { mel_bands: bands, dims, codebooks, codebook_size } = TINY;
  const mel = melMatrix(bands, 640, 16000);
  const [mean, projection] = [tensors.get('encoder.mean')!, tensors.get('encoder.projection')!];
  const codes: number[] = [];
  for (let frame = 0; frame * 640 < samples.length; frame++) {
    const features: number[] = [];
    for (let sub = 0; sub < 4; sub++) {
      const power = powerSpectrum(samples, frame * 640 + sub * 160 - 240);
      for (let b = 0; b < bands; b++) {
        const sum = power.reduce((total, p, k) => total + p * mel[k * bands + b], 0);
        features.push(Math.log((sum + 1e-8) / 1e-8));
      }
    }
    const rest = Array.from({ length: dims }, (_, d) =>
      features.reduce((sum, f, i) => sum + (f - mean[i]) * projection[d * features.length + i], 0),
    );
    for (let k = 0; k < codebooks; k++) {
      const book = tensors.get(`quantizer.codebooks.${k}`)!;
      const distance = (c: number) => rest.reduce((sum, z, d) => sum + (z - book[c * dims + d]) ** 2, 0);
      const all = Array.from({ length: codebook_size }, (_, c) => distance(c));
      const code = all.indexOf(Math.min(...all));
      codes.push(code);
      for (let d = 0; d < dims; d++) rest[d] -= book[code * dims + d];
    }
  }
  return codes;
}

function powerSpectrum(samples: Float32Array, start: number): Float64Array {
  const cosine = Float64Array.from({ length: 640 }, (_, i) => Math.cos((2 * Math.PI * i) / 640));
  return Float64Array.from({ length: 321 }, (_, k) => {
    let [real, imaginary] = [0, 0];
    for (let n = 0; n < 640; n++) {
      const x = (samples[start + n] ?? 0) * (0.5 - 0.5 * cosine[n]);
      real += x * cosine[(n * k) % 640];
      imaginary += x * cosine[(n * k + 160) % 640];
    }
    return (real ** 2 + imaginary ** 2) / 320 ** 2;
  });
}
