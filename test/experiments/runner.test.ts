import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Material } from '../../experiments/material.js';
import { planRuns, type Run } from '../../experiments/plan.js';
import { BEGIN, END, writeReport } from '../../experiments/report.js';
import { type Result, ResultStore, readResults } from '../../experiments/results.js';
import { runAll } from '../../experiments/runner.js';
import { COUNTS, openMicro, SIZES, writeMicro } from './micro.js';

const root = mkdtempSync(join(tmpdir(), 'experiments-'));
const plan = { seeds: 1, minutes: 0.01 };
// The reference asks the shipped model's verbs and a recognizer of the system, which test/evaluate does too.
const runs = planRuns(['caption-then-process'], plan).filter(({ kind }) => kind === 'training');
let material: Material;

beforeAll(async () => {
  await writeMicro(root);
  material = await openMicro(root);
});
afterAll(async () => {
  await material.close();
  rmSync(root, { recursive: true, force: true });
});

const never = new AbortController().signal;
const at = (out: string) => join(root, out);
const store = (out: string, data = material.digest) => new ResultStore(at(out), data);

function run(out: string, some: readonly Run[] = runs, signal: AbortSignal = never, tell?: (text: string) => void) {
  return runAll(some, { store: store(out), material, sizes: SIZES, counts: COUNTS, signal, ...(tell ? { tell } : {}) });
}

/** A result without what the clock and the machine put into it. */
const plain = ({ seconds: _, machine: __, firstStep: ___, ...rest }: Result) => rest;

describe('runAll', () => {
  it('trains, measures and writes one result a run, and does nothing the second time', async () => {
    expect(await run('whole')).toBe(true);
    const results = new Map(readResults(at('whole')).map((result) => [result.id, result]));
    expect([...results.keys()].sort()).toEqual(runs.map(({ id }) => id).sort());
    const { compute, curve, measures } = results.get('pretrain-both-seed1')!;
    expect(compute).toMatchObject({ steps: 3 });
    expect(compute!.scoredTokens).toBeLessThan(compute!.readTokens);
    expect(curve!.map(({ step }) => step)).toEqual([1, 3]);
    expect(measures['held-out loss: caption']).toBeGreaterThan(0);
    expect(measures).toHaveProperty('caption: kinds right');
    const [process, direct] = ['process', 'direct'].map((way) => results.get(`tune-${way}-after-both-seed1`)!);
    expect(process.compute!.flops).toBe(direct.compute!.flops);
    for (const { measures: found } of [process, direct]) {
      expect(found['questions right']).toBeGreaterThanOrEqual(0);
      expect(found['answer loss after own words']).toBeGreaterThan(0);
      expect(found['sound loss after own words']).toBeGreaterThan(0);
      expect(found).toHaveProperty('rendered: kinds');
    }
    const times = readdirSync(at('whole/results')).map((name) => statSync(at(`whole/results/${name}`)).mtimeMs);
    expect(await run('whole')).toBe(true);
    expect(readdirSync(at('whole/results')).map((name) => statSync(at(`whole/results/${name}`)).mtimeMs)).toEqual(
      times,
    );
    // Only what others start from keeps its parameters.
    expect(existsSync(at('whole/runs/pretrain-both-seed1/main/checkpoint.safetensors'))).toBe(true);
    expect(existsSync(at('whole/runs/tune-direct-after-both-seed1/main/checkpoint.safetensors'))).toBe(false);
  });

  it('goes on after a stop, with the same results', async () => {
    const trained = runs.filter(({ id }) => id.startsWith('pretrain'));
    const stop = new AbortController();
    // Asked before each step: fires in the second stage of the first run.
    let asked = 0;
    Object.defineProperty(stop.signal, 'aborted', { get: () => ++asked > 4 });
    expect(await run('parts', trained, stop.signal)).toBe(false);
    expect(existsSync(at('parts/results'))).toBe(false);
    expect(await run('parts', trained)).toBe(true);
    const [a, b] = ['whole', 'parts'].map((out) => {
      return JSON.parse(readFileSync(at(`${out}/results/${trained[0].id}.json`), 'utf8')) as Result;
    });
    expect(plain(b)).toEqual(plain(a));
    expect([a.firstStep, b.firstStep > 0]).toEqual([0, true]);
  });

  it('refuses results of other settings or data, and a start that is gone', async () => {
    const longer = planRuns(['caption-then-process'], { ...plan, minutes: 0.1 });
    await expect(run('whole', longer)).rejects.toThrow(/pretrain-both-seed1\.json was made with other settings/);
    expect(() => store('whole', 'other').read(runs[0])).toThrow(/another corpus or another model/);
    const tune = runs.filter(({ id }) => id.startsWith('tune'));
    await expect(run('orphans', tune)).rejects.toThrow(/main.checkpoint\.safetensors is missing/);
  });
});

describe('writeReport', () => {
  it('puts tables between the markers and pictures beside the file', async () => {
    const file = join(root, 'doc.md');
    writeFileSync(file, `# Before\n\n${BEGIN}\nstale\n${END}\n\nafter\n`);
    const written = await writeReport(readResults(at('whole')), file);
    expect(written).toContain(join(root, 'doc', 'caption-then-process.svg'));
    expect(readFileSync(join(root, 'doc', 'caption-then-process.svg'), 'utf8')).toMatch(/^<svg/);
    const text = readFileSync(file, 'utf8');
    expect(text.startsWith('# Before') && text.endsWith('after\n')).toBe(true);
    expect(text).not.toContain('stale');
    expect(text).toMatch(/\| four-choice questions right \|.*\| one seed: unknown \|/);
    expect(text).toContain('![Caption, then process](doc/caption-then-process.svg)');
    expect(text).toMatch(/### Loss against compute\n\nNot run yet\./);
    // Again: the same.
    await writeReport(readResults(at('whole')), file);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('says what is missing', async () => {
    expect(() => readResults(at('nothing'))).toThrow(/holds no results yet/);
    const file = join(root, 'bare.md');
    copyFileSync(join(root, 'doc.md'), file);
    writeFileSync(file, 'no markers');
    await expect(writeReport(readResults(at('whole')), file)).rejects.toThrow(/must hold the lines/);
  });
});
