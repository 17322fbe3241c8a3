import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { retell } from '../../../src/train/nano/retell.js';
import { SAID, writeTinyModel } from '../../tiny-model.js';
import { scenes, writeShard } from './clips.js';

const root = mkdtempSync(join(tmpdir(), 'retell-'));
const corpus = join(root, 'corpus');
const model = join(root, 'model');
const clip = (i: number) => ({ scene: scenes(7)[i], seconds: 0.3 });
/** What the tiny model says to every clip. */
const TOLD = SAID.caption;

beforeAll(async () => {
  await writeShard(corpus, 'shard-00000', [0, 1, 2, 3].map(clip));
  await writeShard(corpus, 'shard-00001', [4, 5, 6].map(clip));
  await writeTinyModel(model);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function options(name: string, before?: string[]) {
  const out = join(root, `${name}.json`);
  if (before) writeFileSync(out, JSON.stringify(before));
  return { corpus, model, out, clips: 100, threads: 1 };
}
const written = (out: string): unknown => JSON.parse(readFileSync(out, 'utf8'));

describe('retell', () => {
  it('lets the model describe every clip of the corpus, and keeps that', async () => {
    const plain = options('all');
    expect(await retell(plain)).toEqual(new Array(7).fill(TOLD));
    expect(written(plain.out)).toEqual(new Array(7).fill(TOLD));
  });

  it('goes on where it stopped', async () => {
    const half = options('half', ['one', 'two', 'three', 'four', 'five']);
    const all = ['one', 'two', 'three', 'four', 'five', TOLD, TOLD];
    expect(await retell(half)).toEqual(all);
    expect(written(half.out)).toEqual(all);
  });

  it('needs no model where all is told', async () => {
    const done = { ...options('done', ['1', '2', '3', '4', '5', '6', '7']), model: join(root, 'missing') };
    expect(await retell(done)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(await retell({ ...done, clips: 3 })).toEqual(['1', '2', '3']);
    await expect(retell({ ...options('none'), model: join(root, 'missing') })).rejects.toThrow(/missing/);
  });

  it('describes as many clips as asked for, from the beginning', async () => {
    const few = { ...options('few'), clips: 2 };
    expect(await retell(few)).toEqual([TOLD, TOLD]);
  });

  it('gives what there is where it is stopped', async () => {
    const stopped = options('stopped', ['one']);
    expect(await retell({ ...stopped, signal: AbortSignal.abort() })).toEqual(['one']);
    expect(written(stopped.out)).toEqual(['one']);
  });
});
