import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  hashFiles,
  openModelFolder,
  readJsonFile,
  type TensorInput,
  writeSafetensors,
} from '../../src/weights/index.js';

const root = mkdtempSync(join(tmpdir(), 'folder-'));
afterAll(() => rmSync(root, { recursive: true }));

const vector = (name: string, ...values: number[]): TensorInput => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
});

let path: string;
let count = 0;

beforeEach(() => {
  path = mkdtempSync(join(root, `${count++}-`));
  writeFileSync(join(path, 'config.json'), '{"hidden_size": 2}');
});

const expected = new Map([
  ['norm.weight', [2]],
  ['head.weight', [3]],
]);

function requireAfterWriting(tensors: TensorInput[]): () => void {
  writeSafetensors(join(path, 'model.safetensors'), tensors);
  return () => openModelFolder(path).requireTensors(expected);
}

describe('a folder with one weight file', () => {
  const [norm, head] = [vector('norm.weight', 1, 2), vector('head.weight', 1, 2, 3)];

  it('gives config, tensors and tokenizer', () => {
    requireAfterWriting([norm, head])();
    const folder = openModelFolder(path);
    expect(folder.config).toEqual({ hidden_size: 2 });
    expect([...folder.tensor('head.weight').data]).toEqual([1, 2, 3]);
    expect(() => folder.tensor('x')).toThrow(/has no tensor "x"/);
    expect(() => folder.tokenizer()).toThrow(/tokenizer\.json does not exist/);
    writeFileSync(join(path, 'tokenizer.json'), '{"model": {}}');
    expect(folder.tokenizer()).toEqual({ model: {} });
  });

  it('names what does not fit: missing, renamed, misshaped, wrongly typed, unknown', () => {
    expect(requireAfterWriting([norm])).toThrow(
      /model\.safetensors lacks tensor "head.weight"; expected \[3\] in F32, F16, BF16\./,
    );
    expect(requireAfterWriting([norm, { ...head, name: 'header.weight' }])).toThrow(
      /lacks tensor "head\.weight".*"header\.weight" in .* has that shape; was it renamed\?.*1 more/,
    );
    expect(requireAfterWriting([norm, vector('head.weight', 1)])).toThrow(
      /holds tensor "head.weight" as \[1\]; expected \[3\]/,
    );
    const integers: TensorInput = { name: 'head.weight', dtype: 'I32', shape: [3], data: new Int32Array(3) };
    expect(requireAfterWriting([norm, integers])).toThrow(/"head.weight" in I32; expected \[3\] in F32/);
    expect(requireAfterWriting([norm, head, vector('extra', 1)])).toThrow(/"extra", which this model does not know/);
  });

  it('lets named extras pass', () => {
    writeSafetensors(join(path, 'model.safetensors'), [norm, head, vector('vocab_weight', 1)]);
    openModelFolder(path).requireTensors(expected, { ignore: (name) => name === 'vocab_weight' });
  });

  it('has a hash that changes with the content and not with the place', () => {
    writeSafetensors(join(path, 'model.safetensors'), [norm, head]);
    const before = openModelFolder(path).modelHash();
    const copy = join(root, 'copy');
    cpSync(path, copy, { recursive: true });
    expect(openModelFolder(copy).modelHash()).toBe(before);
    writeSafetensors(join(path, 'model.safetensors'), [norm, vector('head.weight', 1, 2, 4)]);
    expect(openModelFolder(path).modelHash()).not.toBe(before);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a folder with shards', () => {
  const index = (map: unknown): void =>
    writeFileSync(join(path, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));

  beforeEach(() => {
    writeSafetensors(join(path, 'model-1.safetensors'), [vector('norm.weight', 1, 2)]);
    writeSafetensors(join(path, 'model-2.safetensors'), [vector('head.weight', 1, 2, 3)]);
  });

  it('reads each tensor from its file', () => {
    index({ 'norm.weight': 'model-1.safetensors', 'head.weight': 'model-2.safetensors' });
    const folder = openModelFolder(path);
    folder.requireTensors(expected);
    expect(folder.tensor('head.weight').file).toBe(join(path, 'model-2.safetensors'));
  });

  it.each([
    ['no map', undefined, /no "weight_map"/],
    ['an empty map', {}, /places no tensor/],
    ['a tensor that is not there', { x: 'model-1.safetensors' }, /model-1\.safetensors lacks tensor "x"/],
    ['a file that is not there', { x: 'model-9.safetensors' }, /model-9\.safetensors does not exist/],
    ['a file elsewhere', { x: '../model.safetensors' }, /name of a \.safetensors file in the same folder/],
    ['no file name', { x: 3 }, /no file/],
  ])('refuses %s', (_, map, message) => {
    index(map);
    expect(() => openModelFolder(path)).toThrow(message);
  });

  it('refuses one tensor in two files', () => {
    writeSafetensors(join(path, 'model-2.safetensors'), [vector('head.weight', 1), vector('norm.weight', 1, 2)]);
    index({ 'norm.weight': 'model-1.safetensors', 'head.weight': 'model-2.safetensors' });
    expect(() => openModelFolder(path)).toThrow(/"norm.weight" is in .*model-1.* and again in .*model-2/);
  });
});

describe('damaged folders', () => {
  it('are refused with the file named', () => {
    expect(() => openModelFolder(join(root, 'none'))).toThrow(/none is no folder/);
    expect(() => openModelFolder(path)).toThrow(/model\.safetensors does not exist/);
    writeFileSync(join(path, 'config.json'), '{');
    expect(() => openModelFolder(path)).toThrow(/config\.json is not valid JSON/);
    rmSync(join(path, 'config.json'));
    expect(() => openModelFolder(path)).toThrow(/config\.json does not exist/);
  });
});

describe('readJsonFile', () => {
  it('gives undefined for an optional file that is missing, and names folders', () => {
    expect(readJsonFile(join(path, 'none.json'), { optional: true })).toBeUndefined();
    expect(() => readJsonFile(path)).toThrow(/is not a file/);
  });
});

describe('hashFiles', () => {
  it('tells large files apart that differ at the start, at the end, or in size', () => {
    const bytes = new Uint8Array(65 * 2 ** 20);
    const name = join(path, 'large');
    const hashes = [0, bytes.length - 1, undefined].map((at) => {
      const copy = bytes.slice();
      if (at !== undefined) copy[at] = 1;
      writeFileSync(name, copy);
      return hashFiles([name]);
    });
    writeFileSync(name, bytes.subarray(1));
    expect(new Set([...hashes, hashFiles([name])]).size).toBe(4);
  });
});
