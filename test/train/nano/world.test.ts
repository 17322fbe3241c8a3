import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadMono16k } from '../../../src/audio/index.js';
import { Hearing } from '../../../src/engine/hear.js';
import { openModel } from '../../../src/model/bagpiper.js';
import { noveltyScore } from '../../../src/model/index.js';
import { listShards, readShard } from '../../../src/train/nano/shards.js';
import { makeWorld } from '../../../src/train/nano/world.js';
import { writeSmallCorpus } from '../../evaluate/small-corpus.js';
import { writeTinyModel } from '../../tiny-model.js';

const root = mkdtempSync(join(tmpdir(), 'make-world-'));
const [corpus, model, heard] = ['corpus', 'model', 'heard'].map((name) => join(root, name));
const options = { corpus, model, threads: 1 };
const said: string[] = [];
beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  writeSmallCorpus(join(corpus, 'train'), 6);
  writeSmallCorpus(join(corpus, 'valid'), 4);
  // What random weights make of sounds hardly differs, unlike what trained ones do.
  await writeTinyModel(model, (tensors) =>
    tensors.map((t) => (t.name.endsWith('proj2.weight') ? { ...t, data: t.data.map((x) => x * 1e4) } : t)),
  );
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});

/** Features of every clip of a split. */
async function features(split: string): Promise<Float32Array[]> {
  const { config, tensor } = openModel(model, { world: false });
  const hearing = new Hearing(config, { threads: 1, parameters: (name) => ({ data: tensor(name) }) }, true);
  const out: Float32Array[] = [];
  for (const name of listShards(join(corpus, split))) {
    const { folder, records } = readShard(join(corpus, split), name);
    for (const { audio } of records) {
      out.push((await hearing.features((await loadMono16k(join(folder, audio))).samples)).features!);
    }
  }
  await hearing.release();
  return out;
}

/** Writes features as the trainers keep them. */
function keep(arrays: readonly Float32Array[]): void {
  mkdirSync(heard, { recursive: true });
  const parts = arrays.flatMap((x) => [Buffer.from(Uint32Array.of(x.length).buffer), Buffer.from(x.slice().buffer)]);
  writeFileSync(join(heard, 'shard-00000.features'), Buffer.concat(parts));
}

describe('makeWorld', () => {
  it('writes what a model opens, with the threshold that the chosen share of held-out clips exceeds', async () => {
    await makeWorld(options);
    const world = openModel(model).world!;
    const scores = (await features('valid')).map((x) => noveltyScore(world, x));
    // A twentieth of four clips is none.
    expect(world.threshold).toBeCloseTo(Math.max(...scores), 4);
  });

  it('takes features that are kept where they are of this encoder, and hears clips where they are not', async () => {
    await makeWorld(options);
    const { centres } = openModel(model).world!;
    const train = await features('train');
    keep(train);
    await makeWorld({ ...options, heard });
    expect(openModel(model).world!.centres.length).toBe(centres.length);
    expect(said.join('')).not.toContain('another encoder');
    keep(train.map((x) => x.map((y) => y + 1)));
    await makeWorld({ ...options, heard });
    expect(said.join('')).toContain('heard is of another encoder: the clips are heard anew');
    expect(openModel(model).world!.centres).toEqual(centres);
  });

  it('refuses an encoder that makes the same of everything', async () => {
    const dull = await writeTinyModel(join(root, 'dull'));
    await expect(makeWorld({ ...options, model: dull })).rejects.toThrow(
      /makes nearly the same of all sounds; train it/,
    );
  });

  it('leaves nothing when it is stopped', async () => {
    rmSync(join(model, 'world.safetensors'));
    await makeWorld({ ...options, signal: AbortSignal.abort() });
    expect(openModel(model).world).toBeNull();
  });
});
