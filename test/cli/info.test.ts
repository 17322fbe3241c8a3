import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { verdict } from '../../src/cli/machine.js';
import { codecOf, expectedTensors } from '../../src/model/bagpiper.js';
import { parseConfig } from '../../src/model/config.js';
import { groupsOf } from '../../src/model/conversion.js';
import { type ModelTensor, memoryNeeded, modelTensors } from '../../src/model/memory.js';
import { convertModel } from '../../src/tasks/index.js';
import { openSafetensors } from '../../src/weights/index.js';
import { bagpiper } from './terminal.js';

const PUBLISHED = fileURLToPath(new URL('../fixtures/checkpoint', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bagpiper-info-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const about = async (path: string) => JSON.parse((await bagpiper(['info', path, '--json'])).out);

describe('info', () => {
  it('of a checkpoint as it is published counts every group, and says that it must be converted', async () => {
    const found = await about(PUBLISHED);
    expect(found).toMatchObject({ name: 'bagpiper', source: PUBLISHED, dtypes: { BF16: 69, F32: 1 } });
    expect(found.groups.map((group: { name: string; tensors: number }) => [group.name, group.tensors])).toEqual([
      ['embeddings and head', 4],
      ['codec', 23],
      ['decoder layers', 11],
      ['audio encoder', 29],
      ['adaptor', 2],
      ['loss weights, not used', 1],
    ]);
    expect(found.machine).toMatch(/must be converted once; bagpiper convert --quantize none \(about 0\.1 GB\) or q8/);
    expect(await about(join(PUBLISHED, 'model.pt'))).toMatchObject({ hash: found.hash, groups: found.groups });
  });

  it('of a model in few bits counts matrices, not their parts', async () => {
    const out = join(folder, 'q4');
    await convertModel(PUBLISHED, out);
    const [before, after] = [await about(PUBLISHED), await about(out)];
    expect(after.parameters).toBe(before.parameters - 586);
    expect(after.groups.find(({ name }: { name: string }) => name === 'decoder layers')).toMatchObject({
      tensors: 11,
      parameters: 12448,
    });
    // 7 projections; embeddings, head and what of the encoder has rows that blocks divide.
    expect(after.dtypes).toMatchObject({ Q4: 7, Q8: expect.any(Number) });
    expect(after.bytes).toBeLessThan(before.bytes);
    expect(after.machine).toMatch(/runs as it is$/);
    const { out: shown } = await bagpiper(['info', out]);
    expect(shown).toMatch(/\n {2}decoder layers +12,448 in 0\.0 MB, 11 tensors\n/);
    expect(shown).toMatch(/\nnumber formats +.*Q4 \(7 tensors\)/);
    expect(shown).toMatch(/\nthis machine +[\d.]+ GB of memory: runs as it is\n/);
  });

  it('of a checkpoint that is not whole says what is missing', async () => {
    const bare = join(folder, 'bare');
    cpSync(join(PUBLISHED, 'model.pt'), join(bare, 'model.pt'));
    const { code, complaints } = await bagpiper(['info', bare]);
    expect(code).toBe(2);
    expect(complaints).toEqual([
      expect.stringMatching(/holds tensor "model\.embed_tokens\.weight" as \[586, 64\]; \[160392, 4096\] is expected/),
    ]);
  });
});

/** The published model's tensors, without numbers. */
const config = parseConfig({ audio_config: {}, codec_config: { type: 'xcodec' } }, 'the published model');
const published: ModelTensor[] = [...expectedTensors(config, codecOf(config, ''))].map(([name, shape]) => ({
  ...{ name, shape, format: 'BF16' },
  bytes: 2 * shape.reduce((a, b) => a * b, 1),
}));

describe('the published model', () => {
  it('has its known groups and some nine billion numbers', () => {
    const groups = new Map(groupsOf(published).map((group) => [group.name, group]));
    expect([...groups].map(([name, { tensors }]) => [name, tensors])).toEqual(
      expect.arrayContaining([
        ['decoder layers', 396],
        ['audio encoder', 525],
        ['adaptor', 2],
        ['embeddings and head', 4],
      ]),
    );
    // 36 layers of Qwen3-8B; two tables of 160,392 rows, the streams' and the last norm.
    const layer = 2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 12288 * 4096 + 2 * 4096 + 2 * 128;
    expect(groups.get('decoder layers')?.parameters).toBe(36 * layer);
    expect(groups.get('embeddings and head')?.parameters).toBe(2 * 160392 * 4096 + 8 * 4096 + 4096);
  });

  it('runs on machines that have room for it in few bits', () => {
    const on = (gigabytes: number) => verdict(published, config, false, gigabytes * 1e9);
    expect(on(16)).toMatch(/^16\.0 GB of memory: must be converted once; bagpiper convert --quantize q8 .* or q4 /);
    expect(on(12)).toMatch(/--quantize q4 \(about 7\.\d GB\) makes a model that runs$/);
    expect(on(4)).toMatch(/it needs a larger machine, or a server$/);
    expect(verdict(published, config, true, 64e9)).toMatch(/: too large as it is; bagpiper convert/);
  });

  it('takes the less memory the longer the blocks', () => {
    const of = (block: number) => memoryNeeded(published, config, { quantize: 'q4', block, headBits: 8 });
    // The share of the decoder: codes, then a scale of 4 bytes and the packed copy's 10 for each block.
    const decoder = 36 * (2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 12288 * 4096);
    const head = 160392 * 4096;
    const encoder = published
      .filter(({ name, shape }) => name.includes('audio_tower') && name.endsWith('.weight') && shape.length === 2)
      .reduce((sum, { shape }) => sum + shape[0] * shape[1], 0);
    expect((of(32) - of(128)) / ((decoder + head + encoder) * 14 * (1 / 32 - 1 / 128))).toBeCloseTo(1, 2);
  });
});

it('memory of a converted model is what was foretold from its checkpoint', async () => {
  const out = join(folder, 'foretold');
  await convertModel(PUBLISHED, out, { block: 32 });
  const { config: sizes } = await import('../../src/model/bagpiper.js').then(({ openModel }) => openModel(out));
  const { openCheckpoint } = await import('../../src/weights/index.js');
  const before = modelTensors(openCheckpoint(PUBLISHED).tensors).filter(({ name }) => name !== 'vocab_weight');
  const after = modelTensors(openSafetensors(join(out, 'model.safetensors')).tensors);
  const choice = { quantize: 'q4', block: 32, headBits: 8 } as const;
  expect(memoryNeeded(after, sizes)).toBeCloseTo(memoryNeeded(before, sizes, choice), 3);
});
