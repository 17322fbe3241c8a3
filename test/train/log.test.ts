import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseLog, RunLog } from '../../src/train/log.js';
import { plotLog } from '../../src/train/plot.js';
import { progressText } from '../../src/train/progress.js';

const folder = mkdtempSync(join(tmpdir(), 'bagpiper-log-'));
afterAll(() => rmSync(folder, { recursive: true }));
const line = (step: number, loss: number) => ({ step, loss, rate: 0.1, norm: 1, tokens: 5 });

describe('RunLog', () => {
  it('drops what lies beyond the checkpoint, a torn line too', () => {
    const path = join(folder, 'beyond.jsonl');
    const log = RunLog.open(path, 0);
    log.append(line(1, 3));
    const keep = log.flush();
    log.append(line(2, 2));
    log.close();
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"step":3,"lo`);
    const again = RunLog.open(path, keep);
    again.append(line(2, 2.5));
    again.close();
    expect(parseLog(readFileSync(path, 'utf8'))).toEqual([line(1, 3), line(2, 2.5)]);
  });

  it('keeps the whole lines of a log that is shorter than the checkpoint says, and pads nothing', () => {
    const path = join(folder, 'short.jsonl');
    writeFileSync(path, `${JSON.stringify(line(1, 3))}\n{"step":2,`);
    const log = RunLog.open(path, 5000);
    log.append(line(9, 1));
    log.close();
    expect(parseLog(readFileSync(path, 'utf8')).map((l) => l.step)).toEqual([1, 9]);
  });

  it('says what is wrong with a path that cannot be written', () => {
    expect(() => RunLog.open(join(folder, 'missing', 'log.jsonl'), 0)).toThrow(/missing\/log\.jsonl cannot be opened/);
  });
});

describe('plotLog', () => {
  const log = (count: number, extra = '') =>
    `${Array.from({ length: count }, (_, i) => {
      const held = i % 10 === 9 ? { held_loss: 8 / (i + 1) } : {};
      return JSON.stringify({ ...line(i + 1, 6 / (i + 1)), ...held });
    }).join('\n')}\n${extra}`;

  /** Paths of line marks with the number of their points. */
  const lines = (svg: string): number[] =>
    [...svg.matchAll(/aria-roledescription="line mark"[^>]* d="([^"]*)"/g)].map(([, d]) => d.match(/[ML]/g)!.length);

  it('draws training and held-out loss as lines over steps', async () => {
    const svg = await plotLog(log(40), 'warm-up');
    expect(svg.startsWith('<svg')).toBe(true);
    expect(svg).toContain('>warm-up<');
    expect(svg).toContain('>training<');
    expect(svg).toContain('>held out<');
    expect(lines(svg)).toEqual([40, 40, 4]);
  });

  it('stays small for a long log, and takes one that a kill left with half a line', async () => {
    const svg = await plotLog(log(5000, '{"step":'));
    expect(svg.length).toBeLessThan(100_000);
    expect(Math.max(...lines(svg))).toBeLessThanOrEqual(600);
  });

  it('draws losses below zero, missing ones and none at all', async () => {
    const strange = [line(1, -2), { ...line(2, 0), loss: null }, line(3, 5)].map((l) => JSON.stringify(l)).join('\n');
    expect(lines(await plotLog(`${strange}\n`))).toEqual([2, 2]);
    expect(await plotLog('')).toContain('</svg>');
  });
});

describe('progressText', () => {
  it('counts speed and time left from what this process did', () => {
    // Resumed at step 500: 20 steps in 10 s, so the other 480 take 240 s, whatever the first 500 took.
    const text = progressText({ name: 'a', step: 520, steps: 1000, loss: 2.5, done: 20, tokens: 4000, seconds: 10 });
    expect(text).toBe('a: step 520/1000, loss 2.5000, 400 tokens/s, 0:04:00 left');
    const long = progressText({ name: 'a', step: 1, steps: 5001, loss: Number.NaN, done: 1, tokens: 10, seconds: 2.5 });
    expect(long).toBe('a: step 1/5001, loss NaN, 4 tokens/s, 3:28:20 left');
  });
});
