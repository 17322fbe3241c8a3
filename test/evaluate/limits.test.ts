import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/index.js';
import { readClips } from '../../src/evaluate/nano/context.js';
import { limitRows, noveltyRows } from '../../src/evaluate/nano/limits.js';
import { judge } from '../../src/model/index.js';
import type { Bagpiper } from '../../src/tasks/index.js';
import { writeTinyModel } from '../tiny-model.js';
import { writeTinyWorld } from '../tiny-world.js';
import { writeSmallCorpus } from './small-corpus.js';

const root = mkdtempSync(join(tmpdir(), 'limits-'));
const [model, corpus, real] = ['model', 'corpus', 'real'].map((name) => join(root, name));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const novelties = (...scores: number[]) => scores.map((score) => judge(score, 1));

describe('noveltyRows', () => {
  it('counts pairs in the right order, and who is warned of', () => {
    const [told, foreign, own] = noveltyRows(
      novelties(0, 1, 2, 0.5),
      [{ domain: 'speech' }, { domain: 'music' }],
      novelties(0.75, 3),
    );
    // 0.75 beats 2 of 4 clips, 3 all of them.
    expect(told).toMatchObject({ part: 'limits', value: 6 / 8, of: '4 clips, 2 recordings', target: { value: 0.9 } });
    expect(told.note).toBe('speech 0.500, music 1.000, sound NaN');
    expect(told.interval![0]).toBeLessThanOrEqual(0.75);
    expect(told.interval![1]).toBeGreaterThanOrEqual(0.75);
    expect([foreign.value, own.value]).toEqual([0.5, 0.25]);
  });

  it('has no value where there is nothing to compare', () => {
    expect(noveltyRows(novelties(1), [], [])[0].value).toBeNull();
  });
});

describe('limitRows', () => {
  beforeAll(async () => {
    writeSmallCorpus(corpus, 4);
    await writeTinyModel(model);
    mkdirSync(real);
    writeFileSync(join(real, 'labels.jsonl'), `${JSON.stringify({ id: 'a', file: 'a.wav', domain: 'sound' })}\n`);
    const tone = Float32Array.from({ length: 16000 * 13 }, (_, i) => 0.5 * Math.sin(i / 5));
    writeFileSync(join(real, 'a.wav'), encodeWav(tone, 16000));
  });
  const rows = () => {
    const bagpiper = { info: { source: model, threads: 1 } } as Bagpiper;
    const context = {
      bagpiper,
      folder: root,
      seed: 1,
      temperature: 0,
      takes: 1,
      together: 1,
      progress: () => () => {},
    };
    return limitRows(context, readClips(corpus, 4), real);
  };

  it('says so where the model has no statistics', async () => {
    expect(await rows()).toEqual([
      expect.objectContaining({ value: null, note: 'not measured (the model folder has no world.safetensors)' }),
    ]);
  });

  it('hears clips and recordings', async () => {
    writeTinyWorld(model, -100);
    const [told, foreign, own] = await rows();
    expect(told.value).toBeGreaterThanOrEqual(0);
    expect([foreign.value, own.value]).toEqual([1, 1]);
  });
});
