import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BagpiperError } from '../../../src/errors.js';
import { Graph } from '../../../src/graph/index.js';
import { NanoCodec } from '../../../src/model/codec/nano.js';
import { BINS } from '../../../src/model/codec/nano-config.js';
import { synthesize } from '../../../src/model/codec/nano-decoder.js';
import { forwardBasis } from '../../../src/model/codec/spectrum.js';
import { Session } from '../../../src/runtime/index.js';
import { farthest, noise, randomCodes, TINY, tinyTensors } from './tiny-codec.js';

describe('synthesize', () => {
  it('gives a signal back from the spectra of its windows', async () => {
    const [frames, spectra] = [3, 3 * 4 + 4];
    // 560 samples of signal before the first frame and as many after the last one.
    const signal = noise(frames * 640 + 2 * 560, 'signal');
    const forward = forwardBasis(640);
    const parts = [0, 1, 2].map(() => new Float32Array(spectra * BINS));
    for (let s = 0; s < spectra; s++) {
      for (let k = 0; k < BINS; k++) {
        let [real, imaginary] = [0, 0];
        for (let n = 0; n < 640; n++) {
          real += signal[s * 160 + n] * forward[n * 2 * BINS + k];
          imaginary += signal[s * 160 + n] * forward[n * 2 * BINS + BINS + k];
        }
        const length = Math.hypot(real, imaginary) || 1e-20;
        [Math.log(length), real / length, imaginary / length].forEach((x, i) => {
          parts[i][s * BINS + k] = x;
        });
      }
    }
    const graph = new Graph();
    const [logMagnitude, real, imaginary] = ['log', 're', 'im'].map((x) =>
      graph.input(x, 'float32', [1, spectra, BINS]),
    );
    graph.output('samples', synthesize({ logMagnitude, real, imaginary }));
    const session = await Session.create(graph, { threads: 1 });
    const value = (data: Float32Array) => ({ data, dims: [1, spectra, BINS] });
    const { samples } = await session.run({ log: value(parts[0]), re: value(parts[1]), im: value(parts[2]) });
    await session.release();
    expect(samples.dims).toEqual([1, frames * 640]);
    expect(farthest(samples.data as Float32Array, signal.subarray(560, 560 + frames * 640))).toBeLessThan(1e-4);
  });
});

describe('NanoCodec.decode', () => {
  const tensors = tinyTensors();
  let codec: NanoCodec;
  beforeAll(() => {
    codec = NanoCodec.load(tensors, TINY, { threads: 1 });
  });
  afterAll(() => codec.release());

  it.each([0, 1, 8, 9, 17, 70])('makes 640 finite samples of each of %i frames', async (frames) => {
    const samples = await codec.decode(randomCodes(frames));
    expect(samples.length).toBe(frames * 640);
    expect(samples.every(Number.isFinite)).toBe(true);
    expect(frames === 0 || samples.some((x) => Math.abs(x) > 1e-3)).toBe(true);
  });

  it('decodes any part as within the whole when it gets the context', async () => {
    const { context, codebooks } = codec;
    const codes = randomCodes(80);
    const whole = await codec.decode(codes);
    for (const [from, to] of [
      [20, 21],
      [context, 2 * context],
      [30, 50],
      [10, 70],
    ]) {
      const part = await codec.decode(codes.slice((from - context) * codebooks, (to + context) * codebooks));
      const own = part.subarray(context * 640, (context + to - from) * 640);
      expect(farthest(own, whole.subarray(from * 640, to * 640)), `${from} to ${to}`).toBeLessThan(1e-4);
    }
  });

  it('needs all of the context that it names, and no more', async () => {
    const { context, codebooks } = codec;
    const codes = randomCodes(2 * context + 3);
    const middle = (samples: Float32Array) => samples.subarray((context + 1) * 640, (context + 2) * 640);
    const plain = middle(await codec.decode(codes));
    const without = async (frame: number) => {
      const changed = codes.slice();
      for (let k = 0; k < codebooks; k++) {
        changed[frame * codebooks + k] = (changed[frame * codebooks + k] + 1) % TINY.codebook_size;
      }
      return farthest(middle(await codec.decode(changed)), plain);
    };
    expect(await without(0)).toBe(0);
    expect(await without(1)).toBeGreaterThan(1e-6);
    expect(await without(2 * context + 1)).toBeGreaterThan(1e-6);
    expect(await without(2 * context + 2)).toBe(0);
  });

  it('takes silence to be before and after', async () => {
    const { context, codebooks } = codec;
    const codes = randomCodes(5);
    const padded = new Int32Array((5 + 2 * context) * codebooks);
    padded.set(codes, context * codebooks);
    const [alone, inside] = [await codec.decode(codes), await codec.decode(padded)];
    expect(farthest(alone, inside.subarray(context * 640, (context + 5) * 640))).toBeLessThan(1e-4);
  });

  it('refuses codes out of range and frames that are not whole', async () => {
    for (const bad of [-1, TINY.codebook_size]) {
      const codes = randomCodes(3);
      codes[4] = bad;
      await expect(codec.decode(codes)).rejects.toThrow(BagpiperError);
      await expect(codec.decode(codes)).rejects.toThrow(
        `Code ${bad} in frame 1, codebook 1, is not in the range 0 to 4.`,
      );
    }
    await expect(codec.decode(new Int32Array(4))).rejects.toThrow('4 codes are no whole number of frames of 3 codes.');
  });

  it('works again after a release', async () => {
    const codes = randomCodes(3);
    const before = await codec.decode(codes);
    await codec.release();
    expect(await codec.decode(codes)).toEqual(before);
  });
});
