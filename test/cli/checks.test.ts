import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../tiny-model.js';
import { bagpiper } from './terminal.js';

let folder: string;
let model: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-checks-'));
  model = await writeTinyModel(join(folder, 'model'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('help', () => {
  it('comes without a command, and has examples for every command', async () => {
    const { code, out } = await bagpiper([]);
    expect(code).toBe(0);
    const names = ['describe', 'ask', 'render', 'pull', 'convert', 'info', 'doctor', 'parity', 'demo'];
    for (const name of names) {
      expect(out).toContain(`\n  ${name} `);
      const help = await bagpiper([name, '--help']);
      expect(help.code).toBe(0);
      expect(help.out).toMatch(/Examples:\n {2}\$ (bagpiper|npm|curl) /);
    }
  });

  it('tells the version', async () => {
    const { code, out } = await bagpiper(['--version']);
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('info', () => {
  it('tells what a folder holds', async () => {
    const { code, out } = await bagpiper(['info', model, '--json']);
    expect(code).toBe(0);
    const about = JSON.parse(out);
    expect(about).toMatchObject({ name: 'bagpiper', source: model, dtypes: { F32: expect.any(Number) } });
    const { groups, parameters, bytes } = about as {
      groups: { name: string; parameters: number }[];
      parameters: number;
      bytes: number;
    };
    expect(groups.map(({ name }) => name).sort()).toEqual([
      'adaptor',
      'audio encoder',
      'codec',
      'decoder layers',
      'embeddings and head',
    ]);
    expect(groups.reduce((sum, group) => sum + group.parameters, 0)).toBe(parameters);
    expect(bytes).toBe(4 * parameters);
    // 586 ids and 4 streams of 64 numbers each, the ids twice; one norm.
    expect(groups.find(({ name }) => name.startsWith('emb'))?.parameters).toBe(2 * 586 * 64 + 4 * 64 + 64);
  });

  it('is readable', async () => {
    const { out } = await bagpiper(['info', model]);
    expect(out).toMatch(/^name +bagpiper\n/);
    expect(out).toContain('memory needed');
  });
});

describe('doctor', () => {
  it('is content with this machine and a right model', async () => {
    const { code, out } = await bagpiper(['doctor', '-m', model, '--json']);
    const findings = JSON.parse(out) as { check: string; verdict: string; found: string }[];
    expect(findings.map(({ check }) => check)).toEqual([
      'Node',
      'machine',
      'ONNX Runtime',
      'devices',
      'ffmpeg',
      'model',
      'folder',
    ]);
    expect(findings.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    expect(findings[3].found).toMatch(/^cpu: this processor; webgpu: .+; cuda: ./);
    expect(code).toBe(0);
  });

  it('fails with a model that is none', async () => {
    const { code, out } = await bagpiper(['doctor', '-m', join(folder, 'nowhere')]);
    expect(code).toBe(1);
    expect(out).toMatch(/\nfail {2}model .*is no folder/);
  });
});

describe('parity', () => {
  it('refuses a folder without reference data', async () => {
    const { code, complaints } = await bagpiper(['parity', folder]);
    expect(code).toBe(2);
    expect(complaints).toHaveLength(1);
  });

  it('refuses a device of unknown name', async () => {
    const { code, complaints } = await bagpiper(['parity', folder, '--device', 'gpu']);
    expect(code).toBe(2);
    expect(complaints).toEqual(['bagpiper: The device is "gpu"; cpu, webgpu, cuda or auto is accepted.']);
  });
});
