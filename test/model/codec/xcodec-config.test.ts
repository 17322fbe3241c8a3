import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BagpiperError } from '../../../src/errors.js';
import {
  codebookCount,
  codebooksFor,
  PUBLISHED_XCODEC,
  parseXcodecConfig,
  xcodecHop,
} from '../../../src/model/codec/xcodec-config.js';
import { dacFrames, decoderContext, encoderContext } from '../../../src/model/codec/xcodec-dac.js';
import { waveFrames, waveWindow } from '../../../src/model/codec/xcodec-hubert.js';
import { isUnusedByXcodec, xcodecTensors } from '../../../src/model/codec/xcodec-weights.js';
import { openSafetensors } from '../../../src/weights/index.js';
import { reference } from '../parity-kit.js';

const golden = () => JSON.parse(readFileSync(`${reference('xcodec')}/config.json`, 'utf8'));
const parse = (changes: object = {}) => parseXcodecConfig({ ...golden(), ...changes }, 'config.json');

describe('parseXcodecConfig', () => {
  it('reads upstream files, and takes what is absent from the published codec', () => {
    expect(parseXcodecConfig({ type: 'xcodec' }, 'config.json')).toEqual(PUBLISHED_XCODEC);
    const config = parse();
    expect(config).toMatchObject({ codebook_size: 64, acoustic_model_config: { decoder_hidden_size: 32 } });
    expect(codebookCount(config)).toBe(8);
    expect(xcodecHop(config)).toBe(320);
  });

  it('knows how many codebooks a bandwidth allows for', () => {
    expect([0.5, 1, 1.5, 2, 4].map((rate) => codebooksFor(rate, PUBLISHED_XCODEC))).toEqual([1, 2, 3, 4, 8]);
    expect([0.3, 0.6, 0.9, 1.2, 2.4].map((rate) => codebooksFor(rate, parse()))).toEqual([1, 2, 3, 4, 8]);
    expect(codebooksFor(0.01, parse())).toBe(1);
    expect(codebooksFor(99, parse())).toBe(8);
  });

  const { acoustic_model_config: acoustic, semantic_model_config: semantic } = golden();
  it.each<[string, object]>([
    ['model_type is "dac"; accepted: "xcodec".', { model_type: 'dac' }],
    ['sample_rate is 24000; only 16000 is known.', { sample_rate: 24000 }],
    ['target_bandwidths must be a list of 1 to 64 numbers above 0.', { target_bandwidths: [] }],
    ['strides must be a list of 1 to 64 whole numbers from 1 to 64.', { strides: [1, 2.5] }],
    ['channel_ratios has 2 entries, strides 1; these must agree.', { strides: [1] }],
    ['kernel_size is 4; an odd number is expected.', { kernel_size: 4 }],
    ["codebook_dim is 8; the two encoders' hidden_size add up to 48.", { codebook_dim: 8 }],
    ['target_bandwidths end in 999 kb/s, more than 64 codebooks.', { target_bandwidths: [999] }],
    [
      'strides and those of HuBERT make 640 samples a frame, downsampling_ratios 320; these must agree.',
      { semantic_model_config: { ...semantic, conv_stride: [5, 2, 2, 2, 2, 2, 4] } },
    ],
  ])('refuses: %s', (message, changes) => {
    expect(() => parse(changes)).toThrow(new BagpiperError(`config.json: ${message}`));
  });

  it.each<[string, object]>([
    [
      'upsampling_ratios multiply to 160, downsampling_ratios to 320; these must agree.',
      { upsampling_ratios: [8, 5, 4] },
    ],
    ['decoder_hidden_size is 24, which cannot be halved 4 times.', { decoder_hidden_size: 24 }],
    ['downsampling_ratios must be a list of 1 to 64 whole numbers from 2 to 64.', { downsampling_ratios: [320, 1] }],
  ])('refuses, in the acoustic half: %s', (message, changes) => {
    const where = 'config.json, acoustic_model_config';
    expect(() => parse({ acoustic_model_config: { ...acoustic, ...changes } })).toThrow(
      new BagpiperError(`${where}: ${message}`),
    );
  });

  it.each<[string, object]>([
    ['do_stable_layer_norm is true; only false is known.', { do_stable_layer_norm: true }],
    ['num_attention_heads is 5, which does not divide hidden_size 32.', { num_attention_heads: 5 }],
    ['conv_kernel has 2 entries, conv_dim 7; these must agree.', { conv_kernel: [10, 3] }],
    ['hidden_act is "relu"; accepted: "gelu".', { hidden_act: 'relu' }],
  ])('refuses, in the semantic half: %s', (message, changes) => {
    const where = 'config.json, semantic_model_config';
    expect(() => parse({ semantic_model_config: { ...semantic, ...changes } })).toThrow(
      new BagpiperError(`${where}: ${message}`),
    );
  });
});

describe('lengths', () => {
  it('are as upstream counts them, for every rest of a frame', () => {
    const { acoustic_model_config: acoustic, semantic_model_config: semantic } = PUBLISHED_XCODEC;
    for (let samples = 80; samples < 3 * 320; samples++) {
      const rest = samples % 320;
      const frames = waveFrames(samples + 320, semantic);
      expect(frames).toBe(Math.floor(samples / 320) + (rest < 80 ? 0 : 1));
      expect(dacFrames(samples, acoustic) === frames).toBe(rest < 80 || rest >= 312);
      if (rest >= 80 && rest < 312) expect(dacFrames(samples + 320, acoustic)).toBe(frames);
    }
    expect(waveWindow(semantic)).toEqual({ size: 400, hop: 320 });
    expect(waveFrames(79 + 320, semantic)).toBe(0);
  });

  it('are known for what a frame depends on', () => {
    // By hand, back from the output: the decoder's samples [0, 320) see steps [-42, 361] at 16 kHz, [-61, 220] at 8 kHz,
    // [-55, 94] at 2 kHz, [-51, 58] at 400 Hz and frames [-10, 10]; the encoder's frame 0 sees samples [-8742, 9053].
    expect(decoderContext(PUBLISHED_XCODEC.acoustic_model_config)).toBe(10);
    expect(encoderContext(PUBLISHED_XCODEC.acoustic_model_config)).toBe(28);
  });
});

describe('xcodecTensors', () => {
  it('are those of the reference file, but for what nothing uses', () => {
    const { tensors } = openSafetensors(`${reference('xcodec')}/model.safetensors`);
    const expected = xcodecTensors(parse(), (name) => tensors.has(name));
    const used = [...tensors.values()].filter(({ name }) => !isUnusedByXcodec(name));
    expect([...expected].sort()).toEqual(used.map(({ name, shape }) => [name, [...shape]]).sort());
    // As the published file is expected to spell them.
    expect(xcodecTensors(parse())).toEqual(expected);
  });

  it('are 16 more for each layer of HuBERT: 454 with the unused ones in the published codec', () => {
    const { tensors } = openSafetensors(`${reference('xcodec')}/model.safetensors`);
    const unused = [...tensors.keys()].filter(isUnusedByXcodec).length;
    expect(xcodecTensors(PUBLISHED_XCODEC).size + unused).toBe(454);
  });
});
