import { describe, expect, it } from 'vitest';
import { BagpiperError } from '../../../src/errors.js';
import { codeVectors, NanoCodec, silentVectors } from '../../../src/model/codec/nano.js';
import { codecTensors } from '../../../src/model/codec/nano-config.js';
import { farthest, TINY, tinyTensors } from './tiny-codec.js';

describe('code vectors', () => {
  it('are sums over the codebooks', () => {
    const tensors = tinyTensors();
    const codes = [1, 4, 2, 0, 0, 3];
    const vectors = codeVectors(codes, tensors, TINY);
    const entry = (book: number, code: number, d: number) => tensors.get(`quantizer.codebooks.${book}`)![code * 6 + d];
    for (let d = 0; d < 6; d++) {
      expect(vectors[d]).toBeCloseTo(entry(0, 1, d) + entry(1, 4, d) + entry(2, 2, d), 5);
      expect(vectors[6 + d]).toBeCloseTo(entry(0, 0, d) + entry(1, 0, d) + entry(2, 3, d), 5);
    }
    const zeros = codeVectors([0, 0, 0, 0, 0, 0], tensors, TINY);
    expect(farthest(zeros, silentVectors(2, tensors, TINY))).toBeLessThan(1e-5);
  });
});

describe('NanoCodec.load', () => {
  it.each([...codecTensors(TINY).keys()])('refuses to do without %s, or with one too short', (name) => {
    const shape = codecTensors(TINY).get(name)!.join(', ');
    const tensors = tinyTensors();
    const data = tensors.get(name)!;
    tensors.set(name, data.subarray(1));
    const short = `The codec's tensor "${name}" has ${data.length - 1} numbers; [${shape}] is expected.`;
    expect(() => NanoCodec.load(tensors, TINY)).toThrow(new BagpiperError(short));
    tensors.delete(name);
    const missing = `The codec's tensor "${name}" is missing; [${shape}] is expected.`;
    expect(() => NanoCodec.load(tensors, TINY)).toThrow(new BagpiperError(missing));
  });
});
