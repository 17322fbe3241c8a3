import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildRows } from '../../src/model/grid.js';
import { packBestFit, packGrids } from '../../src/model/pack.js';
import { goldenConfig, text } from './golden.js';

const config = goldenConfig();
const grid = (tokens: number) =>
  buildRows([text('assistant', ...new Array<number>(tokens).fill(9))], config, { mode: 'train' });

describe('packGrids', () => {
  it('numbers the blocks that attention must stay in, the padding as one of its own', () => {
    const pack = packGrids([grid(0), grid(1)], 12);
    expect([...pack.blockIds]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]);
    expect([...pack.positionIds]).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 2]);
    expect([...pack.cuSeqlens]).toEqual([0, 4, 9, 12]);
    expect(pack.lossMask.subarray(9 * 8).every((weight) => weight === 0)).toBe(true);
  });

  it('pads to the given length, or by steps of 20 beyond it', () => {
    const lengths = [-1, 4, 3, 20].map((batchLength) => packGrids([grid(0)], batchLength).length);
    expect(lengths).toEqual([4, 4, 23, 20]);
    expect(packGrids([grid(41)], 24).length).toBe(64);
    expect(packGrids([grid(41)], 25).length).toBe(45);
    expect(() => packGrids([])).toThrow(/at least one sample/);
  });

  it('says which sample and message the audio rows belong to', () => {
    const heard = buildRows([text('system', 3), { role: 'user', modality: 'audio', frames: 2 }], config, {
      mode: 'train',
    });
    expect(packGrids([grid(0), heard]).continuous).toEqual([{ sample: 1, message: 1, start: 4 + 7, length: 2 }]);
  });
});

describe('packBestFit', () => {
  it('puts the longest first and each into the tightest row', () => {
    expect(packBestFit([3, 7, 5, 2, 4], 10)).toEqual([[1, 0], [2, 4], [3]]);
    expect(packBestFit([6, 7, 4, 3], 10)).toEqual([
      [1, 3],
      [0, 2],
    ]);
    expect(packBestFit([], 10)).toEqual([]);
  });

  it('refuses a sample that no row can hold', () => {
    expect(() => packBestFit([3, 11], 10)).toThrow(/Sample 1 has 11 rows; a packed row holds 0 to 10/);
  });

  it('chooses what plain best-fit decreasing chooses', () => {
    const plain = (lengths: number[], capacity: number): number[] => {
      const room: number[] = [];
      for (const length of [...lengths].sort((a, b) => b - a)) {
        let best = -1;
        for (const [row, left] of room.entries()) if (left >= length && (best < 0 || left < room[best])) best = row;
        if (best < 0) room.push(capacity - length);
        else room[best] -= length;
      }
      return room.map((left) => capacity - left).sort((a, b) => a - b);
    };
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 60 }),
        fc.integer({ min: 100, max: 140 }),
        (lengths, capacity) => {
          const rows = packBestFit(lengths, capacity);
          expect(rows.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
          const sums = rows.map((row) => row.reduce((sum, i) => sum + lengths[i], 0)).sort((a, b) => a - b);
          expect(sums).toEqual(plain(lengths, capacity));
        },
      ),
      { seed: 9, numRuns: 300 },
    );
  });
});
