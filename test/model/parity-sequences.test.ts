import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkSequences, type GoldenCase } from '../../src/model/parity-sequences.js';
import { GOLDEN, goldenJson } from './golden.js';

const folder = mkdtempSync(join(tmpdir(), 'parity-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('checkSequences', () => {
  it('reports what differs, case by case, and goes on', () => {
    cpSync(join(GOLDEN, 'config.json'), join(folder, 'config.json'));
    const { cases } = goldenJson<{ cases: GoldenCase[] }>('sequences.json');
    cases[0].expected.ids[3][0]++;
    cases[0].expected.loss_mask[4][2] = 0.5;
    cases[1].expected.segments.pop();
    cases[2].messages = [{ role: 'assistant', modality: 'text', text_ids: [9999] }];
    const packs = [{ name: 'lost', samples: ['none'], batch_length: -1 }];
    writeFileSync(join(folder, 'sequences.json'), JSON.stringify({ cases: cases.slice(0, 4), packs }));
    const lines = checkSequences(folder);
    expect(lines.map(({ ok }) => ok)).toEqual([false, false, false, true, false]);
    expect(lines[0].error).toBe(2);
    expect(lines[2].error).toMatch(/Text token 9999/);
    expect(lines[4].error).toMatch(/unknown case none/);
  });

  it('says nothing about files that are not there, and refuses a folder without a config', () => {
    rmSync(join(folder, 'sequences.json'), { force: true });
    expect(checkSequences(folder)).toEqual([]);
    writeFileSync(join(folder, 'delay.json'), '{"round_trips": 3}');
    expect(checkSequences(folder)).toEqual([]);
    expect(() => checkSequences(join(folder, 'none'))).toThrow(/config\.json does not exist/);
  });
});
