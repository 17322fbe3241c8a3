import { describe, expect, it } from 'vitest';
import { BagpiperError } from '../../../src/errors.js';
import {
  codecContext,
  codecTensors,
  decoderTensors,
  NANO_CODEC,
  parseNanoCodecConfig,
} from '../../../src/model/codec/nano-config.js';

const parse = (fields: object) => parseNanoCodecConfig({ type: 'nano-codec', ...fields }, 'config.json');

describe('parseNanoCodecConfig', () => {
  it('takes the shipped values where fields are absent', () => {
    expect(parse({})).toEqual(NANO_CODEC);
    expect(parse({ width: 32, blocks: 0 })).toEqual({ ...NANO_CODEC, width: 32, blocks: 0 });
  });

  it.each<[string, unknown]>([
    ['mel_bands', 7],
    ['mel_bands', 129],
    ['dims', 0],
    ['dims', 2.5],
    ['codebooks', '8'],
    ['codebooks', 33],
    ['codebook_size', 1],
    ['width', -4],
    ['blocks', 101],
    ['fine_width', []],
    ['fine_blocks', 1e9],
  ])('refuses %s of %j', (field, value) => {
    expect(() => parse({ [field]: value })).toThrow(BagpiperError);
    expect(() => parse({ [field]: value })).toThrow(new RegExp(`^config\\.json: ${field} is .*accepted`));
  });

  it('refuses another type, no type, and what is no object', () => {
    expect(() => parse({ type: 'xcodec' })).toThrow(/type is "xcodec"; accepted: "nano-codec"/);
    expect(() => parseNanoCodecConfig({}, 'config.json')).toThrow(/type is absent/);
    expect(() => parseNanoCodecConfig([], 'config.json')).toThrow(/expected a JSON object/);
  });

  it('refuses more dimensions than a frame has numbers', () => {
    expect(parse({ mel_bands: 8, dims: 32 }).dims).toBe(32);
    expect(() => parse({ mel_bands: 8, dims: 33 })).toThrow(/dims is 33, more than the 4 x 8 numbers of a frame/);
  });
});

describe('the sizes that follow', () => {
  it('counts the context: a frame a block, and the spectra of fine blocks and overlap in whole frames', () => {
    const context = (blocks: number, fine_blocks: number) => codecContext({ ...NANO_CODEC, blocks, fine_blocks });
    expect([context(0, 0), context(5, 0), context(0, 1), context(0, 2), context(5, 3)]).toEqual([1, 6, 1, 2, 7]);
  });

  it('lists every tensor once, the trained ones among them', () => {
    const shapes = codecTensors(NANO_CODEC);
    expect(shapes.get('encoder.projection')).toEqual([80, 320]);
    expect(shapes.get('quantizer.codebooks.7')).toEqual([256, 80]);
    expect(shapes.get('decoder.fine.2.conv.weight')).toEqual([192, 5 * 192]);
    expect(shapes.get('decoder.head.bias')).toEqual([3 * 321]);
    const trained = [...decoderTensors(NANO_CODEC).keys()];
    expect([...shapes.keys()].filter((name) => name.startsWith('decoder.'))).toEqual(trained);
    expect(shapes.size).toBe(trained.length + 2 + 8);
  });
});
