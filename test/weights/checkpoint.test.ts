import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint, openTorch, type TensorInput, toFloat32, writeSafetensors } from '../../src/weights/index.js';
import { pickle, torchFile, writeSparse } from './torch/archive.js';

const golden = new URL('../fixtures/torch/2.13/', import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), 'checkpoint-'));
afterAll(() => rmSync(root, { recursive: true }));

let path: string;
let count = 0;
beforeEach(() => {
  path = mkdtempSync(join(root, `${count++}-`));
});

const put = (from: string, to: string): void => cpSync(golden + from, join(path, to), { recursive: true });
const index = (name: string, map: Record<string, unknown>): void =>
  writeFileSync(join(path, name), JSON.stringify({ weight_map: map }));
const vector = (name: string, ...values: number[]): TensorInput => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
});

function refusal(words: string): unknown {
  return expect.objectContaining({ name: 'BagpiperError', message: expect.stringContaining(words) as string });
}

describe('one file', () => {
  it('safetensors and torch look the same, whatever their names', () => {
    writeSafetensors(join(path, 'a.weights'), [vector('b', 0.5), vector('a', 1, 2, 3)], { format: 'pt' });
    put('model.bin', 'b.weights');
    const [one, two] = [openCheckpoint(join(path, 'a.weights')), openCheckpoint(join(path, 'b.weights'))];
    expect([one.format, two.format]).toEqual(['safetensors', 'torch']);
    expect([one.metadata.get('format'), two.metadata.get('step')]).toEqual(['pt', '5']);
    for (const checkpoint of [one, two]) {
      expect(checkpoint.files).toEqual([checkpoint.file]);
      expect([...toFloat32(checkpoint.tensor('b'))]).toEqual([0.5]);
      const { byteOffset, byteLength, file } = checkpoint.tensors.get('a')!;
      const mapped = readFileSync(file).subarray(byteOffset, byteOffset! + byteLength);
      expect(Buffer.from(checkpoint.bytes('a')).equals(mapped)).toBe(true);
      expect(Buffer.from(checkpoint.bytes('a', 4, 7)).equals(mapped.subarray(4, 7))).toBe(true);
      expect(() => checkpoint.bytes('a', 0, byteLength + 1)).toThrow(refusal('do not exist'));
      expect(() => checkpoint.tensor('c')).toThrow(refusal('has no tensor "c"'));
    }
  });

  it.each<[string, string, string]>([
    ['a.gguf', 'GGUF1234', 'neither a safetensors nor a PyTorch file'],
    ['a.pt', 'version https://git-lfs.github.com/spec/v1', 'git lfs pull'],
    ['a.safetensors', 'hello', 'too few for a safetensors file'],
    ['a.pt', '<html>', 'is no PyTorch file'],
    ['a.bin', '', 'is empty'],
  ])('%s with %j is refused', (name, text, words) => {
    writeFileSync(join(path, name), text);
    expect(() => openCheckpoint(join(path, name))).toThrow(refusal(words));
    expect(() => openCheckpoint(join(path, 'none'))).toThrow(refusal('none does not exist'));
  });
});

describe('a folder of a hub', () => {
  it.each([
    ['model.safetensors.index.json', 'safetensors'],
    ['pytorch_model.bin.index.json', 'bin'],
  ])('%s joins its shards', (name, extension) => {
    if (extension === 'bin') {
      put('shard1.bin', 'p-1.bin');
      put('shard2.bin', 'p-2.bin');
    } else {
      writeSafetensors(join(path, 'p-1.safetensors'), [vector('a', 0, 1, 2, 3), vector('b', 0, 1)]);
      writeSafetensors(join(path, 'p-2.safetensors'), [vector('c', 0, 1, 2, 3)]);
    }
    const map = { a: `p-1.${extension}`, c: `p-2.${extension}`, b: `p-1.${extension}` };
    index(name, map);
    for (const given of [path, join(path, name)]) {
      const checkpoint = openCheckpoint(given);
      expect(checkpoint.files).toEqual([join(path, map.a), join(path, map.c)]);
      expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b', 'c']);
      expect([...toFloat32(checkpoint.tensor('c'))]).toEqual([0, 1, 2, 3]);
      expect(checkpoint.tensors.get('c')!.file).toBe(join(path, map.c));
    }
    index(name, { ...map, d: map.a });
    expect(() => openCheckpoint(path)).toThrow(refusal(`p-1.${extension} lacks tensor "d"`));
    index(name, { a: `p-3.${extension}` });
    expect(() => openCheckpoint(path)).toThrow(refusal(`p-3.${extension} does not exist`));
    for (const bad of ['../p-1.', '/p-1.', 'x/p-1.', 'p-1\0.', '..\\p-1.'].map((start) => start + extension)) {
      index(name, { a: bad });
      expect(() => openCheckpoint(path)).toThrow(refusal(`the name of a .${extension} file in the same folder`));
    }
    index(name, {});
    expect(() => openCheckpoint(path)).toThrow(refusal('places no tensor'));
    cpSync(join(path, map.a), join(path, `p-9.${extension}`));
    index(name, { a: map.a, b: `p-9.${extension}` });
    expect(() => openCheckpoint(path)).toThrow(refusal('Tensor "a" is in'));
  });

  it('prefers safetensors, takes pytorch_model.bin, follows links into a cache', () => {
    put('model.bin', 'blob');
    symlinkSync(join(path, 'blob'), join(path, 'pytorch_model.bin'));
    expect(openCheckpoint(path).format).toBe('torch');
    writeSafetensors(join(path, 'model.safetensors'), [vector('a', 1)]);
    expect(openCheckpoint(path).format).toBe('safetensors');
  });

  it('takes the only file of weights, whatever its name, and asks where there are several', () => {
    writeFileSync(join(path, 'train.yaml'), 'a: 1');
    expect(() => openCheckpoint(path)).toThrow(refusal('holds no weights; model.safetensors'));
    put('deepspeed.pt', 'base.pt');
    put('args.pt', 'training_args.bin');
    put('lightning.ckpt', 'optimizer.pt');
    expect(openCheckpoint(path).files).toEqual([join(path, 'base.pt')]);
    put('plain.pt', 'model.pt');
    expect(() => openCheckpoint(path)).toThrow(
      refusal('holds 2 files of weights (base.pt, model.pt); give one of them'),
    );
  });
});

describe('a DeepSpeed checkpoint', () => {
  const states = 'mp_rank_00_model_states.pt';

  it('is found through "latest", as the only step, or directly', () => {
    put('deepspeed.pt', `global_step500/${states}`);
    put('plain.pt', 'global_step500/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt');
    const expected = [join(path, 'global_step500', states)];
    expect(openCheckpoint(path).files).toEqual(expected);
    expect(openCheckpoint(join(path, 'global_step500')).files).toEqual(expected);
    put('deepspeed.pt', `global_step600/${states}`);
    expect(() => openCheckpoint(path)).toThrow(refusal('2 DeepSpeed checkpoints (global_step500, global_step600)'));
    writeFileSync(join(path, 'latest'), 'global_step500\n');
    const checkpoint = openCheckpoint(path);
    expect(checkpoint.files).toEqual(expected);
    expect(checkpoint.tensors.size).toBe(7);
    expect(checkpoint.metadata.get('global_steps')).toBe('12000');
  });

  it.each(['../x', '/etc', '..', 'none', '', 'a\0b'])('refuses "latest" that names %j', (tag) => {
    writeFileSync(join(path, 'latest'), tag);
    expect(() => openCheckpoint(path)).toThrow(refusal('which is no folder beside it'));
  });

  it.each([
    ['mp_rank_01_model_states.pt', 'over 2 model-parallel ranks'],
    ['layer_01-model_00-model_states.pt', 'into pipeline stages'],
    ['zero_pp_rank_0_mp_rank_00_model_states.pt', 'zero_to_fp32.py'],
  ])('%s beside it: split weights are refused', (name, words) => {
    put('deepspeed.pt', states);
    put('deepspeed.pt', name);
    expect(() => openCheckpoint(path)).toThrow(refusal(words));
  });

  it('refuses a distributed checkpoint and an empty step', () => {
    mkdirSync(join(path, 'global_step1'));
    expect(() => openCheckpoint(path)).toThrow(refusal('mp_rank_00_model_states.pt is expected'));
    rmSync(join(path, 'global_step1'), { recursive: true });
    writeFileSync(join(path, '__0_0.distcp'), 'x');
    expect(() => openCheckpoint(path)).toThrow(refusal('dcp_to_torch'));
  });
});

it('opens 20 GB without reading them, and finds single numbers behind 4 GiB', () => {
  const gigabytes = 20;
  const rows = 2 ** 19;
  const storages = Array.from({ length: gigabytes }, (_, i) => String(i));
  const tensors = storages.map(
    (key) =>
      [`w${key}`, pickle.tensor(pickle.storage(key, 'BFloat16Storage', 2 ** 29), 0, [rows, 1024], [1024, 1])] as const,
  );
  const turned = pickle.tensor(pickle.storage('20', 'FloatStorage', 8), 0, [2, 4], [1, 2]);
  const state = pickle.dict(['module', pickle.dict(...tensors, ['turned', turned])]);
  const last = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7).buffer);
  const file = join(path, 'large.pt');
  writeSparse(
    file,
    torchFile(pickle.file(state), { ...Object.fromEntries(storages.map((k) => [k, 2 ** 30])), 20: last }),
  );
  const before = process.memoryUsage();
  const opened = openTorch(file);
  expect(opened.tensors.get('w19')).toMatchObject({ dtype: 'BF16', byteLength: 2 ** 30 });
  expect(opened.tensors.get('w19')!.byteOffset).toBeGreaterThan(19 * 2 ** 30);
  expect([...opened.tensor('turned').data]).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
  expect(opened.bytes('w19', 2 ** 30 - 4)).toEqual(new Uint8Array(4));
  const after = process.memoryUsage();
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(8 * 2 ** 20);
  expect(after.rss - before.rss).toBeLessThan(64 * 2 ** 20);
  rmSync(file);
});
