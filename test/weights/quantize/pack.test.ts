import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/random.js';
import { blockFor, packBlocks, unpackBlocks } from '../../../src/weights/quantize/index.js';

const normals = (length: number, seed = 'pack'): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.normal());
};

describe('packBlocks at 8 bits', () => {
  it.each([16, 32, 64, 128])('is off by half a step at most, a step being the largest of %i numbers / 127', (block) => {
    const values = normals(16 * 128);
    const packed = packBlocks(values, { bits: 8, block });
    const back = unpackBlocks(packed, { bits: 8, block });
    for (let b = 0; b < values.length / block; b++) {
      const part = values.subarray(b * block, (b + 1) * block);
      const step = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
      expect(packed.scales[b]).toBeCloseTo(step, 7);
      part.forEach((x, i) => {
        expect(Math.abs(back[b * block + i] - x)).toBeLessThanOrEqual(step * 0.500001);
      });
    }
  });
});

describe('packBlocks at 4 bits', () => {
  it.each([16, 32, 64, 128])('gives every number of a block of %i its nearest level', (block) => {
    const values = normals(16 * 128);
    const packed = packBlocks(values, { bits: 4, block });
    const back = unpackBlocks(packed, { bits: 4, block });
    values.forEach((x, i) => {
      const scale = packed.scales[Math.floor(i / block)];
      const nearest = Math.min(...Array.from({ length: 16 }, (_, code) => Math.abs((code - 8) * scale - x)));
      expect(Math.abs(back[i] - x)).toBeLessThanOrEqual(nearest + 1e-6);
    });
  });

  it('comes closer than levels of equal distance up to the largest number', () => {
    const block = 32;
    const values = normals(256 * block);
    const back = unpackBlocks(packBlocks(values, { bits: 4, block }), { bits: 4, block });
    let [ours, plain] = [0, 0];
    for (let start = 0; start < values.length; start += block) {
      const part = values.subarray(start, start + block);
      const step = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 7;
      part.forEach((x, i) => {
        ours += (back[start + i] - x) ** 2;
        plain += (Math.round(x / step) * step - x) ** 2;
      });
    }
    expect(ours).toBeLessThan(0.8 * plain);
  });

  it('keeps what it can represent, and puts the earlier number of a pair into the lower half', () => {
    const values = Float32Array.from({ length: 16 }, (_, i) => (i - 8) * 0.25);
    const { codes, scales } = packBlocks(values, { bits: 4, block: 16 });
    expect([...scales]).toEqual([0.25]);
    expect([...codes]).toEqual([0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]);
    expect(unpackBlocks({ codes, scales }, { bits: 4, block: 16 })).toEqual(values);
  });
});

describe.each([4, 8] as const)('packBlocks at %i bits', (bits) => {
  it('keeps zeros, and each block its own scale', () => {
    const values = new Float32Array(48);
    values.fill(1000, 16, 32);
    values.fill(-0.001, 32);
    const back = unpackBlocks(packBlocks(values, { bits, block: 16 }), { bits, block: 16 });
    values.forEach((x, i) => {
      expect(back[i]).toBeCloseTo(x, 3);
    });
    expect([...back.subarray(0, 16)]).toEqual(new Array(16).fill(0));
    expect(back[40]).toBeCloseTo(-0.001, 8);
  });
});

describe('blockFor', () => {
  it('halves the wanted block until it divides the rows, down to 16', () => {
    expect([4096, 704, 96, 48, 40, 36].map((columns) => blockFor(columns, 128))).toEqual([
      128,
      64,
      32,
      16,
      undefined,
      undefined,
    ]);
    expect(blockFor(4096, 32)).toBe(32);
  });
});
