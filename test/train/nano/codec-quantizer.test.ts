import { describe, expect, it } from 'vitest';
import { NanoCodec } from '../../../src/model/codec/nano.js';
import { Random } from '../../../src/random.js';
import {
  principalComponents,
  project,
  type Rows,
  residualCodebooks,
  sampleFeatures,
} from '../../../src/train/nano/codec-quantizer.js';
import { farthest, noise, TINY, tinyTensors } from '../../model/codec/tiny-codec.js';

/** Orthonormal rows: a reflection (Householder) along a vector that has nothing to do with cosines. */
const ALONG = [1, 2, -3, 5];
const AXES = ALONG.map((x, k) => ALONG.map((y, i) => (i === k ? 1 : 0) - (2 * x * y) / 39));
const MEAN = [3, -1, 0.5, 10];

/** Rows whose covariance is exactly diagonal in {@link AXES}: one step each way along every axis. */
function spread(deviations: readonly number[]): Rows {
  const rows = deviations.flatMap((s, k) => [s, -s].map((step) => MEAN.map((m, i) => m + step * AXES[k][i])));
  return { data: Float32Array.from(rows.flat()), count: rows.length, width: 4 };
}

describe('principalComponents', () => {
  it('finds the axes of a known covariance in order of their variance', () => {
    const { mean, projection } = principalComponents(spread([1, 4, 0.25, 2]), 3);
    expect(farthest(mean, MEAN)).toBeLessThan(1e-6);
    [1, 3, 0].forEach((axis, d) => {
      const found = projection.subarray(d * 4, d * 4 + 4);
      const sign = Math.sign(found[0] * AXES[axis][0]);
      expect(
        farthest(
          found,
          AXES[axis].map((x) => x * sign),
        ),
        `component ${d}`,
      ).toBeLessThan(1e-5);
    });
  });

  it('stays finite where rows have fewer dimensions than are asked for', () => {
    const { projection } = principalComponents(spread([1, 4]), 4);
    expect(projection.every(Number.isFinite)).toBe(true);
    for (const d of [0, 1]) expect(Math.hypot(...projection.subarray(d * 4, d * 4 + 4))).toBeCloseTo(1, 5);
    const still = principalComponents(spread([0]), 2);
    expect(still.projection).toEqual(new Float32Array(8));
  });
});

describe('project', () => {
  it('takes off the mean and measures along the rows of the projection', async () => {
    const projection = Float32Array.from([...AXES[2], ...AXES[0]]);
    const { data, count, width } = await project(spread([3, 5, 7]), Float32Array.from(MEAN), projection, 1);
    expect([count, width]).toEqual([6, 2]);
    expect(farthest(data, [0, 3, 0, -3, 0, 0, 0, 0, 7, 0, -7, 0])).toBeLessThan(1e-5);
  });
});

/** Row-wise brute force: the nearest entry of each row. */
function nearestRows({ data, count, width }: Rows, book: Float32Array): number[] {
  return Array.from({ length: count }, (_, r) => {
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let c = 0; c * width < book.length; c++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += (data[r * width + i] - book[c * width + i]) ** 2;
      if (sum < least) [best, least] = [c, sum];
    }
    return best;
  });
}

const energy = ({ data, count }: Rows): number => data.reduce((sum, x) => sum + x * x, 0) / count;

describe('residualCodebooks', () => {
  const options = (seed: string, iterations = 10) => ({ iterations, threads: 1, random: new Random(seed) });

  it('finds separated clusters: their means, and next to nothing is left over', async () => {
    const random = new Random('clusters');
    const centres = [
      [10, 0, 0],
      [0, 10, 0],
      [0, 0, 10],
      [-10, -10, -10],
    ];
    const points = Array.from({ length: 200 }, (_, i) => centres[i % 4].map((x) => x + 0.01 * random.normal()));
    const rows = { data: Float32Array.from(points.flat()), count: 200, width: 3 };
    const config = { ...TINY, dims: 3, codebooks: 1, codebook_size: 24 };
    const [book] = await residualCodebooks(rows, config, options('clusters'));
    expect(book.length).toBe(24 * 3);
    expect(energy(rows)).toBeLessThan(3 * 0.01 ** 2);
    for (const centre of centres) {
      const gap = (c: number) => Math.hypot(...centre.map((x, i) => x - book[c * 3 + i]));
      expect(Math.min(...Array.from({ length: 24 }, (_, c) => gap(c)))).toBeLessThan(0.03);
    }
  });

  it('ends with the means of their rows, and leaves each level less than the one before', async () => {
    const [count, width] = [400, TINY.dims];
    const original = { data: noise(count * width, 'rows', 1), count, width };
    const rows = { ...original, data: original.data.slice() };
    const books = await residualCodebooks(rows, TINY, options('levels', 40));
    const rest = { ...original, data: original.data.slice() };
    let before = energy(rest);
    for (const [level, book] of books.entries()) {
      const codes = nearestRows(rest, book);
      for (let c = 0; c < TINY.codebook_size; c++) {
        const own = codes.flatMap((code, r) => (code === c ? [r] : []));
        expect(own.length).toBeGreaterThan(0);
        const mean = (i: number) => own.reduce((sum, r) => sum + rest.data[r * width + i], 0) / own.length;
        const off = Array.from({ length: width }, (_, i) => mean(i) - book[c * width + i]);
        expect(Math.hypot(...off), `level ${level}, code ${c}`).toBeLessThan(0.05);
      }
      codes.forEach((code, r) => {
        for (let i = 0; i < width; i++) rest.data[r * width + i] -= book[code * width + i];
      });
      const after = energy(rest);
      expect(after).toBeLessThan(0.9 * before);
      before = after;
    }
    expect(farthest(rest.data, rows.data)).toBeLessThan(1e-5);
  });

  it('gives the same books for the same seed', async () => {
    const fit = (seed: string) =>
      residualCodebooks({ data: noise(60 * 6), count: 60, width: 6 }, TINY, options(seed, 2));
    const [one, again, other] = [await fit('a'), await fit('a'), await fit('b')];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });
});

describe('sampleFeatures', () => {
  const clips = [noise(3 * 640 - 1, 'a', 3000), noise(640, 'b', 3000), noise(5 * 640, 'c', 3000)].map((x) => ({
    samples: Int16Array.from(x),
  }));

  it('takes as many frames as are asked for, or all', async () => {
    const all = await sampleFeatures(clips, 8, 100, new Random(1), 1);
    expect([all.count, all.width, all.data.length]).toEqual([9, 32, 9 * 32]);
    const some = await sampleFeatures(clips, 8, 4, new Random(1), 1);
    expect([some.count, some.data.length]).toEqual([4, 4 * 32]);
    expect(some.data).toEqual(all.data.subarray(0, 4 * 32));
  });

  it('has zeros for silence', async () => {
    const { data } = await sampleFeatures([{ samples: new Int16Array(1000) }], 8, 100, new Random(1), 1);
    expect(farthest(data, new Float32Array(2 * 32))).toBe(0);
  });

  it('with components and books makes a codec whose codes are those of the fit', async () => {
    const features = await sampleFeatures(clips, TINY.mel_bands, 100, new Random(1), 1);
    const { mean, projection } = principalComponents(features, TINY.dims);
    const rows = await project(features, mean, projection, 1);
    const projected = { ...rows, data: rows.data.slice() };
    const books = await residualCodebooks(rows, TINY, { iterations: 5, threads: 1, random: new Random(1) });
    const tensors = tinyTensors();
    tensors.set('encoder.mean', mean).set('encoder.projection', projection);
    for (const [k, book] of books.entries()) tensors.set(`quantizer.codebooks.${k}`, book);
    const codec = NanoCodec.load(tensors, TINY, { threads: 1 });
    // The clips in the order in which the features were drawn.
    const first: number[] = [];
    for (const { samples } of new Random(1).shuffle(clips)) {
      const codes = await codec.encode(Float32Array.from(samples, (x) => x / 32768));
      first.push(...codes.filter((_, i) => i % TINY.codebooks === 0));
    }
    await codec.release();
    expect(first).toEqual(nearestRows(projected, books[0]));
  });
});
