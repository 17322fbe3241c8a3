import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { languageModelTensors } from '../../../src/model/index.js';
import { type StorageChoice, storagePlan } from '../../../src/model/storage.js';
import {
  type ConvertOptions,
  convertTensors,
  openCheckpoint,
  openModelFolder,
  openSafetensors,
  openWeights,
  toFloat32,
  writeSafetensors,
} from '../../../src/weights/index.js';
import { GOLDEN, goldenConfig } from '../../model/golden.js';

const root = mkdtempSync(join(tmpdir(), 'convert-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = goldenConfig();
const shapes = languageModelTensors(config);
const q4: StorageChoice = { quantize: 'q4', block: 64, headBits: 8 };

function planOf(choice: StorageChoice) {
  const tensors = new Map([...openCheckpoint(GOLDEN).tensors].filter(([name]) => name !== 'vocab_weight'));
  return storagePlan(tensors, shapes, choice);
}

let made = 0;
async function convert(choice: StorageChoice, more: Partial<ConvertOptions> = {}) {
  const out = join(root, `made-${made++}`);
  const beside = (folder: string) => writeFileSync(join(folder, 'config.json'), '{}');
  const converted = await convertTensors(openCheckpoint(GOLDEN), { out, tensors: planOf(choice), beside, ...more });
  return { out: more.out ?? out, converted };
}

const weightsIn = (folder: string) => readFileSync(join(folder, 'model.safetensors'));

describe('convertTensors without quantization', () => {
  it('keeps names, types and every byte, in shards with their index', async () => {
    const { out } = await convert({ ...q4, quantize: 'none' }, { shardBytes: 200_000 });
    const files = readdirSync(out).filter((name) => name.endsWith('.safetensors'));
    expect(files.length).toBeGreaterThan(3);
    expect(files[0]).toBe(`model-00001-of-0000${files.length}.safetensors`);
    const [before, after] = [openSafetensors(`${GOLDEN}/model.safetensors`), openModelFolder(out)];
    expect([...after.tensors.keys()].sort()).toEqual(
      [...before.tensors.keys()].filter((name) => name !== 'vocab_weight').sort(),
    );
    for (const name of after.tensors.keys()) expect(after.tensor(name).data).toEqual(before.tensor(name).data);
    const index = JSON.parse(readFileSync(join(out, 'model.safetensors.index.json'), 'utf8'));
    expect(index.metadata.total_size).toBe(
      [...shapes.values()].reduce((sum, shape) => sum + 4 * shape.reduce((a, b) => a * b), 0),
    );
  });
});

describe('convertTensors into blocks', () => {
  it('puts matrices where a kernel can map them: aligned, and those computed together behind each other', async () => {
    const { out, converted } = await convert(q4);
    const { tensors } = openSafetensors(join(out, 'model.safetensors'));
    expect(converted.bytes).toBe(weightsIn(out).length);
    for (const { name, byteOffset } of tensors.values()) if (/\.(q4|q8)$/.test(name)) expect(byteOffset % 64).toBe(0);
    for (const parts of [
      ['self_attn.q', 'self_attn.k', 'self_attn.v'],
      ['mlp.gate', 'mlp.up'],
    ]) {
      for (const ending of ['q4', 'scale']) {
        const found = parts.map((part) => tensors.get(`model.layers.1.${part}_proj.weight.${ending}`)!);
        found.slice(1).forEach(({ byteOffset }, i) => {
          expect(byteOffset).toBe(found[i].byteOffset + found[i].byteLength);
        });
      }
    }
  });

  it('keeps what is no large matrix as it is, and comes close to the rest', async () => {
    const { out } = await convert(q4);
    const weights = openWeights(openModelFolder(out), shapes);
    const before = openSafetensors(`${GOLDEN}/model.safetensors`);
    for (const [name, shape] of shapes) {
      const [x, y] = [toFloat32(before.tensor(name)), weights.tensor(name)];
      const [off, size] = [x.reduce((sum, v, i) => sum + (v - y[i]) ** 2, 0), x.reduce((sum, v) => sum + v * v, 0)];
      const bits = weights.blocks(name)?.bits;
      const wanted = /proj/.test(name) ? 4 : /embed_tokens|lm_head/.test(name) ? 8 : undefined;
      expect([name, bits]).toEqual([name, wanted]);
      expect(Math.sqrt(off / size)).toBeLessThan(bits === 4 ? 0.11 : bits === 8 ? 0.008 : 1e-9);
      if (bits) expect(weights.blocks(name)).toMatchObject({ rows: shape[0], columns: shape[1], block: 64 });
    }
  });
});

describe('a conversion that is stopped', () => {
  const whole = convert(q4);

  it.each([0, 1, 5, 17, 30])('after tensor %i goes on from there, to the same bytes', async (stop) => {
    const out = join(root, `stopped-${stop}`);
    let count = 0;
    const failing = convert(q4, {
      out,
      noteBytes: 0,
      progress: () => {
        if (count++ === stop) throw new Error('stop');
      },
    });
    await expect(failing).rejects.toThrow('stop');
    expect(existsSync(out)).toBe(false);
    const done: boolean[] = [];
    const { converted } = await convert(q4, { out, progress: (_name, _done, _all, kept) => done.push(kept) });
    expect(converted.kept).toBe(stop + 1);
    expect(done).toEqual(done.map((_, i) => i <= stop));
    expect(weightsIn(out)).toEqual(weightsIn((await whole).out));
    expect(readdirSync(out).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it('by SIGKILL keeps what it had finished, and a line that was cut does not count', async () => {
    const out = join(root, 'killed');
    const child = fileURLToPath(new URL('./convert-child.ts', import.meta.url));
    const { signal } = spawnSync(process.execPath, ['--import', 'tsx', child, GOLDEN, out, '12'], { encoding: 'utf8' });
    expect(signal).toBe('SIGKILL');
    expect(existsSync(out)).toBe(false);
    const journal = join(`${out}.part`, 'finished.txt');
    const lines = readFileSync(journal, 'utf8');
    expect(lines.split('\n').length - 1).toBe(12);
    writeFileSync(journal, lines.slice(0, -5));
    const { converted } = await convert(q4, { out });
    expect(converted.kept).toBe(11);
    expect(weightsIn(out)).toEqual(weightsIn((await whole).out));
  });

  it('before it had begun is no obstacle', async () => {
    const out = join(root, 'early');
    mkdirSync(`${out}.part`);
    await convert(q4, { out });
    const half = join(root, 'half');
    mkdirSync(`${half}.part`);
    writeFileSync(join(`${half}.part`, 'conversion.json'), '');
    writeFileSync(join(`${half}.part`, 'model.safetensors'), 'x');
    const { converted } = await convert(q4, { out: half });
    expect(converted.kept).toBe(0);
    expect(weightsIn(half)).toEqual(weightsIn(out));
  });

  it('begins anew where something else is converted', async () => {
    const out = join(root, 'other');
    const stop = () => {
      throw new Error('stop');
    };
    await expect(convert(q4, { out, noteBytes: 0, progress: stop })).rejects.toThrow('stop');
    const { converted } = await convert({ ...q4, block: 32 }, { out });
    expect(converted.kept).toBe(0);
  });

  it('stops when its signal fires', async () => {
    const controller = new AbortController();
    const out = join(root, 'aborted');
    const running = convert(q4, {
      out,
      signal: controller.signal,
      progress: () => controller.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
    expect(existsSync(out)).toBe(false);
  });
});

describe('a conversion is refused', () => {
  it('where the place is taken', async () => {
    const out = join(root, 'taken');
    mkdirSync(out);
    await expect(convert(q4, { out })).rejects.toThrow(/taken exists already; choose another folder/);
    mkdirSync(join(root, 'foreign.part'));
    writeFileSync(join(root, 'foreign.part', 'letter.txt'), 'mine');
    await expect(convert(q4, { out: join(root, 'foreign') })).rejects.toThrow(/foreign\.part is in the way/);
    expect(existsSync(join(root, 'foreign.part', 'letter.txt'))).toBe(true);
  });

  it('where a matrix holds no number', async () => {
    const file = join(root, 'nan.safetensors');
    const data = new Float32Array(64 * 16);
    data[5 * 16 + 3] = Number.NaN;
    writeSafetensors(file, [{ name: 'w', dtype: 'F32', shape: [64, 16], data }]);
    const tensors = [{ name: 'w', dtype: 'F32' as const, shape: [64, 16], blocks: { bits: 4 as const, block: 16 } }];
    const failing = convertTensors(openCheckpoint(file), { out: join(root, 'nan'), tensors });
    await expect(failing).rejects.toThrow(/nan\.safetensors: tensor "w" holds NaN in row 5, column 3/);
  });
});

describe('openWeights', () => {
  it('names what is wrong with a matrix in blocks', async () => {
    const folder = join(root, 'wrong');
    mkdirSync(folder);
    writeFileSync(join(folder, 'config.json'), '{}');
    const codes = { name: 'w.q4', dtype: 'U8' as const, shape: [8, 2, 16], data: new Uint8Array(256) };
    const scale = { name: 'w.scale', dtype: 'F32' as const, shape: [8, 2], data: new Float32Array(16) };
    const open = (shape: number[], ...tensors: Parameters<typeof writeSafetensors>[1][]) => {
      writeSafetensors(
        join(folder, 'model.safetensors'),
        tensors.flatMap((list) => [...list]),
      );
      return openWeights(openModelFolder(folder), new Map([['w', shape]]));
    };
    expect(open([8, 64], [codes, scale]).blocks('w')).toMatchObject({ bits: 4, block: 32 });
    expect(() => open([8, 64], [codes])).toThrow(/holds tensor "w.q4" but not "w.scale"/);
    expect(() => open([8, 65], [codes, scale])).toThrow(
      /holds tensor "w.q4" as U8 \[8, 2, 16\] with F32 \[8, 2\] scales; for a matrix \[8, 65\]/,
    );
    const plain = { name: 'w', dtype: 'F32' as const, shape: [8, 64], data: new Float32Array(512) };
    expect(() => open([8, 64], [codes, scale, plain])).toThrow(/holds tensor "w", which this model does not know/);
    expect(() => open([8, 64], [{ ...codes, name: 'v.q4' }, scale, plain])).toThrow(
      /holds tensor "(v.q4|w.scale)", which this model does not know/,
    );
  });
});
