import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLabeller, outlineLabeller } from '../../../src/data/label/index.js';
import { writeTinyModel } from '../../tiny-model.js';

let folder: string;
let model: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-outline-'));
  model = await writeTinyModel(join(folder, 'tiny'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a labeller whose records go to workers', () => {
  it('is known by the same as one that loads its model, and does not work itself', async () => {
    for (const more of [{}, { seed: 3, temperature: 0.5, threads: 1 }]) {
      const settings = { by: 'local' as const, model, ...more };
      const outline = await outlineLabeller(settings);
      const labeller = await openLabeller(settings);
      expect(outline.identity).toEqual(labeller.identity);
      expect([outline.spec, outline.hears]).toEqual([labeller.spec, labeller.hears]);
      await labeller.close();
      const clip = { id: 'a', audio: { uri: '/a.wav' }, seconds: 1, dataset: 'd' };
      const context = { signal: new AbortController().signal, spend: () => {} };
      await expect(outline.process(clip, context)).rejects.toThrow('no model here');
    }
  });

  it('needs the model’s folder all the same', async () => {
    await expect(outlineLabeller({ by: 'local', model: join(folder, 'none') })).rejects.toThrow('is no folder');
  });
});
