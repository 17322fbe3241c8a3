import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWav } from '../../../src/audio/index.js';
import { BagpiperError } from '../../../src/errors.js';
import { CODEC_PREFIX, codecTensors, NANO_CODEC } from '../../../src/model/codec/nano-config.js';
import { encoderTensors, languageModelTensors, parseConfig } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { loadBagpiper } from '../../../src/tasks/index.js';
import { exportModel, installModel, type NanoParameters } from '../../../src/train/nano/export.js';
import { trainTokenizer } from '../../../src/train/nano/prepare.js';
import { ENCODER, NANO, nanoConfig } from '../../../src/train/nano/settings.js';
import { openSafetensors, toFloat32, writeSafetensors } from '../../../src/weights/index.js';
import { scenes } from './clips.js';

const root = mkdtempSync(join(tmpdir(), 'export-'));
const [model, shipped, codecFile] = ['model', 'shipped', 'codec.safetensors'].map((name) => join(root, name));
const TOKENIZER = JSON.stringify(trainTokenizer(scenes(10), 400, 'export').json);
const METADATA = { stage: 'sft', step: '2100', seed: 'test' };

/** Small numbers that differ everywhere; drawing eleven million normal ones would take seconds. */
function filled(shapes: ReadonlyMap<string, readonly number[]>, seed: string): Map<string, Float32Array> {
  const shift = new Random(seed).int(1000);
  return new Map(
    [...shapes].map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      const norm = /norm/.test(name) && !/bias/.test(name) ? 1 : 0;
      return [name, Float32Array.from({ length }, (_, i) => norm + (((i + shift) * 7919) % 1009) / 20180 - 0.025)];
    }),
  );
}

const parameters: NanoParameters = {
  language: filled(languageModelTensors(nanoConfig()), 'language'),
  encoder: filled(new Map([...encoderTensors(ENCODER), ['tag_head.bias', [3]]]), 'encoder'),
  codec: filled(codecTensors(NANO_CODEC), 'codec'),
};
const newer = filled(codecTensors(NANO_CODEC), 'later');

beforeAll(() => {
  exportModel(model, TOKENIZER, parameters, METADATA);
  const list = [...codecTensors(NANO_CODEC)].map(([name, shape]) => {
    return { name, shape, dtype: 'F32' as const, data: newer.get(name)! };
  });
  writeSafetensors(codecFile, list, { step: '2000' });
  installModel(model, codecFile, shipped);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Whether a file's tensor has these numbers in half precision: rounded to 11 bits, or to 2^-24 near zero. */
function holds(folder: string, name: string, wanted: Float32Array): boolean {
  const tensor = openSafetensors(join(folder, 'model.safetensors')).tensor(name);
  const found = toFloat32(tensor);
  if (tensor.dtype !== 'F16' || found.length !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) {
    const off = Math.abs(found[i] - wanted[i]);
    if (!(off <= Math.abs(wanted[i]) / 2 ** 11 + 2 ** -25)) return false;
  }
  return true;
}

/** Names of tensors that are not what is wanted. */
function wrong(folder: string, wanted: NanoParameters): string[] {
  const all = [
    ...[...languageModelTensors(nanoConfig()).keys()].map((name) => [name, wanted.language.get(name)!] as const),
    ...[...encoderTensors(ENCODER).keys()].map((name) => [name, wanted.encoder.get(name)!] as const),
    ...[...codecTensors(NANO_CODEC).keys()].map((name) => [CODEC_PREFIX + name, wanted.codec.get(name)!] as const),
  ];
  const { tensors } = openSafetensors(join(folder, 'model.safetensors'));
  expect([...tensors.keys()].sort()).toEqual(all.map(([name]) => name).sort());
  return all.filter(([name, data]) => !holds(folder, name, data)).map(([name]) => name);
}

describe('exportModel', () => {
  it('writes every network in half precision, without the heads of pre-training', () => {
    expect(wrong(model, parameters)).toEqual([]);
  });

  it('writes config, tokenizer and what was said about the training', () => {
    expect(readFileSync(join(model, 'tokenizer.json'), 'utf8')).toBe(TOKENIZER);
    const config: unknown = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8'));
    expect(config).toEqual(JSON.parse(JSON.stringify(NANO)));
    expect(parseConfig(config, 'config.json')).toEqual(nanoConfig());
    const { metadata } = openSafetensors(join(model, 'model.safetensors'));
    expect(Object.fromEntries(metadata)).toEqual({ format: 'pt', ...METADATA });
  });

  it('makes a folder that the engine runs', async () => {
    const bagpiper = await loadBagpiper(model, { threads: 1 });
    try {
      expect(bagpiper.info.codec).not.toBe(null);
      const wav = encodeWav(new Float32Array(8000), 16000);
      const stop = new AbortController();
      const phases: string[] = [];
      const reply = bagpiper.describe(wav, { signal: stop.signal });
      for await (const event of reply) {
        if (event.type === 'phase') phases.push(event.phase);
        else break;
      }
      stop.abort();
      expect(phases).toContain('text');
    } finally {
      await bagpiper.close();
    }
  });
});

describe('installModel', () => {
  it('keeps everything but the codec, which it takes as it is now', () => {
    expect(wrong(shipped, { ...parameters, codec: newer })).toEqual([]);
    for (const name of ['tokenizer.json', 'config.json']) {
      expect(readFileSync(join(shipped, name), 'utf8')).toBe(readFileSync(join(model, name), 'utf8'));
    }
    const { metadata } = openSafetensors(join(shipped, 'model.safetensors'));
    expect(Object.fromEntries(metadata)).toEqual({ format: 'pt', ...METADATA });
  });

  it('says what is missing, and writes nothing', () => {
    const [gone, out] = [join(root, 'gone'), join(root, 'out')];
    expect(() => installModel(gone, codecFile, out)).toThrow(BagpiperError);
    expect(() => installModel(model, gone, out)).toThrow(
      `${gone} does not exist; a safetensors file is expected there.`,
    );
    expect(() => readFileSync(join(out, 'model.safetensors'))).toThrow('ENOENT');
  });
});
