import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { bfloat16ToFloat32, float32ToBfloat16, float32ToHalf, halfToFloat32 } from '../../src/weights/index.js';

const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** Of all numbers of a 16-bit format, the nearest to x; of two equally near the one with even bits. */
function nearest(x: number, values: Float32Array, infinity: number): number {
  let best = 0;
  for (let bits = 0; bits < infinity; bits++) {
    const gap = Math.abs(values[bits] - Math.abs(x)) - Math.abs(values[best] - Math.abs(x));
    if (gap < 0 || (gap === 0 && bits % 2 === 0)) best = bits;
  }
  return best + (x < 0 ? 0x8000 : 0);
}

describe('half floats', () => {
  const values = halfToFloat32(all);

  it('have the values of IEEE 754', () => {
    const known: [number, number][] = [
      [0x3c00, 1],
      [0xc000, -2],
      [0x3555, 0.333251953125],
      [0x7bff, 65504],
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x0400, 2 ** -14],
      [0x7c00, Infinity],
      [0xfc00, -Infinity],
      [0x8000, -0],
    ];
    for (const [bits, value] of known) expect(values[bits]).toBe(value);
    expect(values[0x7e00]).toBeNaN();
  });

  it('survive a round trip, all 65,536 of them', () => {
    const back = float32ToHalf(values);
    const differ = all.filter((bits) => !Number.isNaN(values[bits]) && back[bits] !== bits);
    expect(differ).toHaveLength(0);
    expect(halfToFloat32(float32ToHalf(Float32Array.of(Number.NaN)))[0]).toBeNaN();
  });

  it('are the nearest to a 32-bit float, even ones on ties', () => {
    const random = new Random(2);
    const samples = Array.from({ length: 150 }, () => Math.fround(random.normal() * 2 ** (random.int(40) - 26)));
    const ties = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 65519, 2 ** -14 - 2 ** -25];
    for (const x of [...samples, ...ties].filter((x) => Math.abs(x) < 65520)) {
      expect(float32ToHalf(Float32Array.of(x))[0]).toBe(nearest(x, values, 0x7c00));
    }
    expect([...float32ToHalf(Float32Array.of(65520, -1e30, Infinity))]).toEqual([0x7c00, 0xfc00, 0x7c00]);
  });
});

describe('bfloat16', () => {
  const values = bfloat16ToFloat32(all);

  it('has the values of the upper half of a 32-bit float', () => {
    expect(values[0x3f80]).toBe(1);
    expect(values[0xc049]).toBe(-3.140625);
    expect(values[0x7f7f]).toBe(255 * 2 ** 120);
    expect(values[0x7f80]).toBe(Infinity);
  });

  it('survives a round trip and rounds to nearest even', () => {
    const back = float32ToBfloat16(values);
    expect(all.filter((bits) => !Number.isNaN(values[bits]) && back[bits] !== bits)).toHaveLength(0);
    const random = new Random(4);
    const samples = Array.from({ length: 100 }, () => Math.fround(random.normal()));
    for (const x of [...samples, 1 + 2 ** -8, 1 + 3 * 2 ** -8]) {
      expect(float32ToBfloat16(Float32Array.of(x))[0]).toBe(nearest(x, values, 0x7f80));
    }
    expect(float32ToBfloat16(Float32Array.of(3.4e38))[0]).toBe(0x7f80);
    expect(values[float32ToBfloat16(new Float32Array(Uint32Array.of(0x7f800001).buffer))[0]]).toBeNaN();
  });
});
