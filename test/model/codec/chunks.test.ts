import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeStream } from '../../../src/model/codec/chunks.js';
import { NanoCodec } from '../../../src/model/codec/nano.js';
import { Random } from '../../../src/random.js';
import { farthest, randomCodes, TINY, tinyTensors } from './tiny-codec.js';

describe('decodeStream', () => {
  let codec: NanoCodec;
  const codes = randomCodes(90, TINY, 'stream');
  let whole: Float32Array;
  beforeAll(async () => {
    codec = NanoCodec.load(tinyTensors(), TINY, { threads: 1 });
    whole = await codec.decode(codes);
  });
  afterAll(() => codec.release());

  async function streamed(pieces: Iterable<Int32Array>, options = {}): Promise<Float32Array[]> {
    const chunks: Float32Array[] = [];
    for await (const chunk of decodeStream(codec, pieces, options)) chunks.push(chunk);
    return chunks;
  }

  function* cut(frames: number, size: () => number): Generator<Int32Array> {
    for (let at = 0; at < frames; ) {
      const next = Math.min(frames, at + size());
      yield codes.slice(at * codec.codebooks, next * codec.codebooks);
      at = next;
    }
  }

  it.each([
    [1, { first: 1, most: 4 }],
    [2, { first: 8, most: 64 }],
    [3, { first: 5, most: 3 }],
    [4, { first: 64, most: 64 }],
    [5, {}],
  ])('equals decode, cut at random (%i)', async (seed, options) => {
    const random = new Random(seed);
    for (const frames of [1, 7, 8 + codec.context, 41, 90]) {
      const chunks = await streamed(
        cut(frames, () => random.int(12)),
        options,
      );
      const joined = Float32Array.from(chunks.flatMap((chunk) => [...chunk]));
      const [got, want] = [joined, whole.subarray(0, frames * 640)];
      expect(joined.length).toBe(want.length);
      // The stream ends in silence where the whole goes on.
      const same = frames === 90 ? frames : Math.max(0, frames - codec.context);
      expect(farthest(got.subarray(0, same * 640), want.subarray(0, same * 640))).toBeLessThan(1e-4);
      const alone = await codec.decode(codes.slice(0, frames * codec.codebooks));
      expect(farthest(joined, alone)).toBeLessThan(1e-4);
    }
  });

  it('gives small chunks first, and each as soon as its context is there', async () => {
    const sizes = (
      await streamed(
        cut(90, () => 1),
        { first: 4, most: 16 },
      )
    ).map((chunk) => chunk.length / 640);
    expect(sizes.slice(0, 4)).toEqual([4, 8, 16, 16]);
    let asked = 0;
    const source = cut(90, () => {
      asked++;
      return 1;
    });
    await decodeStream(codec, source, { first: 4 }).next();
    expect(asked).toBe(4 + codec.context);
  });

  it('gives nothing for nothing, and refuses pieces that are not whole frames', async () => {
    expect(await streamed([])).toEqual([]);
    expect(await streamed([new Int32Array(0)])).toEqual([]);
    await expect(streamed([new Int32Array(3), new Int32Array(2)])).rejects.toThrow('2 codes are no whole number');
  });
});
