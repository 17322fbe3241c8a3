/**
 * Numbers into blocks of few bits, and back; the format is docs/quantization.md's. Each block of a row gets one scale and a
 * code a number: value = (code - zero) * scale, zero = 2^(bits - 1).
 *
 * How the scale is chosen. 8 bits: the largest number of the block becomes 127. 4 bits leave 16 levels, -8 to 7, where it
 * matters more: the number of largest magnitude is sent, with a scale of either sign, to some place about the lowest level;
 * of the places tried, that one is taken whose codes, with the scale that fits them best, come closest to the block
 * (least squares). Then every number takes its nearest level.
 */
import type { Bits } from '../../graph/index.js';

/** Where the number of largest magnitude may fall, in levels; -8 is the lowest level. */
const PLACES = [-8, -7, -7.6, -8.5, -9.2];

/** The length of a block and the bits of a code. */
export interface BlockFormat {
  bits: Bits;
  block: number;
}

/** Rows of a matrix in blocks. */
export interface PackedRows {
  /** [rows, columns * bits / 8] bytes */
  codes: Uint8Array;
  /** [rows, columns / block] */
  scales: Float32Array;
}

/** Shortest block that the kernels know. */
export const SMALLEST_BLOCK = 16;
/** Longest block that is used: at 512 ONNX Runtime 1.30 gives zeros. */
export const LARGEST_BLOCK = 256;

/** The block for rows of that length: the wanted one, halved until it divides; undefined where not even 16 does. */
export function blockFor(columns: number, wanted: number): number | undefined {
  for (let block = wanted; block >= SMALLEST_BLOCK; block /= 2) if (columns % block === 0) return block;
  return undefined;
}

/** @param values rows of numbers whose length `block` divides, one after the other; all finite */
export function packBlocks(values: Float32Array, { bits, block }: BlockFormat): PackedRows {
  const scales = new Float32Array(values.length / block);
  const codes = new Uint8Array((values.length * bits) / 8);
  if (bits === 8) packBytes(values, block, codes, scales);
  else packHalves(values, block, codes, scales);
  return { codes, scales };
}

/** The numbers that packed rows stand for. */
export function unpackBlocks({ codes, scales }: PackedRows, { bits, block }: BlockFormat): Float32Array {
  const out = new Float32Array(scales.length * block);
  if (bits === 8) {
    for (let b = 0, i = 0; b < scales.length; b++) {
      const scale = scales[b];
      for (const end = i + block; i < end; i++) out[i] = (codes[i] - 128) * scale;
    }
    return out;
  }
  for (let b = 0, i = 0; b < scales.length; b++) {
    const scale = scales[b];
    for (const end = i + block; i < end; i += 2) {
      const pair = codes[i >> 1];
      out[i] = ((pair & 15) - 8) * scale;
      out[i + 1] = ((pair >> 4) - 8) * scale;
    }
  }
  return out;
}

function packBytes(values: Float32Array, block: number, codes: Uint8Array, scales: Float32Array): void {
  for (let b = 0; b < scales.length; b++) {
    const start = b * block;
    const scale = Math.fround(Math.abs(largest(values, start, block)) / 127);
    const inverse = scale === 0 ? 0 : 1 / scale;
    scales[b] = scale;
    for (let i = start; i < start + block; i++) codes[i] = clamp(values[i] * inverse + 128.5, 255);
  }
}

function packHalves(values: Float32Array, block: number, codes: Uint8Array, scales: Float32Array): void {
  for (let b = 0; b < scales.length; b++) {
    const start = b * block;
    const scale = Math.fround(bestScale(values, start, block));
    const inverse = scale === 0 ? 0 : 1 / scale;
    scales[b] = scale;
    for (let i = start; i < start + block; i += 2) {
      const low = clamp(values[i] * inverse + 8.5, 15);
      const high = clamp(values[i + 1] * inverse + 8.5, 15);
      codes[i >> 1] = low | (high << 4);
    }
  }
}

/** Whole part of a number, within [0, most]. */
function clamp(x: number, most: number): number {
  const whole = x | 0;
  return whole < 0 ? 0 : Math.min(whole, most);
}

/** The number of largest magnitude in a block. */
function largest(values: Float32Array, start: number, block: number): number {
  let [low, high] = [0, 0];
  for (let i = start; i < start + block; i++) {
    const x = values[i];
    if (x > high) high = x;
    else if (x < low) low = x;
  }
  return high > -low ? high : low;
}

function bestScale(values: Float32Array, start: number, block: number): number {
  const end = largest(values, start, block);
  if (end === 0) return 0;
  let [scale, best] = [0, -1];
  for (const place of PLACES) {
    const inverse = place / end;
    let [product, square] = [0, 0];
    for (let i = start; i < start + block; i++) {
      const x = values[i];
      const q = clamp(x * inverse + 8.5, 15) - 8;
      product += q * x;
      square += q * q;
    }
    // With these codes the best scale is product / square, and it takes product^2 / square off the block's squared length.
    const gain = (product * product) / square;
    if (gain > best) [best, scale] = [gain, product / square];
  }
  return scale;
}
