import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BagpiperError } from '../../../src/errors.js';
import { LogTail } from '../../../src/train/view/log-tail.js';
import { RunFolder } from '../../../src/train/view/run-folder.js';
import { addAudition, jsonl, logLines, madeRun, writeLog } from './made-run.js';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-run-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a log that grows', () => {
  const steps = (tail: LogTail): number[] => tail.lines.map(({ step }) => step);

  it('is read as it comes, half a line not before it is whole', () => {
    const tail = new LogTail(at('log.jsonl'));
    expect(tail.refresh()).toBe(false);
    const [one, two, three] = logLines(3).map((line) => jsonl([line]));
    writeFileSync(at('log.jsonl'), one + two.slice(0, 20));
    expect([tail.refresh(), steps(tail)]).toEqual([true, [1]]);
    expect(tail.refresh()).toBe(false);
    appendFileSync(at('log.jsonl'), two.slice(20) + three);
    expect([tail.refresh(), steps(tail)]).toEqual([true, [1, 2, 3]]);
  });

  it('is read anew when it was cut back or is gone, and passes over what is no line', () => {
    const tail = new LogTail(at('cut.jsonl'));
    writeFileSync(at('cut.jsonl'), jsonl(logLines(5)));
    tail.refresh();
    writeFileSync(at('cut.jsonl'), `${jsonl(logLines(2))}garbage\nnull\n`);
    expect([tail.refresh(), steps(tail)]).toEqual([true, [1, 2]]);
    rmSync(at('cut.jsonl'));
    expect([tail.refresh(), steps(tail)]).toEqual([true, []]);
  });
});

describe("a run's folder", () => {
  it('tells stages in their order, the one at work, and the newest sounds first', () => {
    madeRun(at('run'));
    const view = new RunFolder(at('run')).read();
    expect(view.stages.map(({ name, step, steps }) => [name, step, steps])).toEqual([
      ['warm', 20, 20],
      ['learn', 10, 40],
      ['last', 0, 5],
    ]);
    expect(view.current?.name).toBe('learn');
    expect(view.auditions.map(({ name }) => name)).toEqual(['learn-000010', 'warm-000000']);
    expect(view.settings).toEqual({ start: 'nano', seed: 'seven' });
  });

  it('measures speed by what it sees', () => {
    madeRun(at('speed'));
    const run = new RunFolder(at('speed'));
    const paceAfter = (steps: number, now: number) => {
      writeLog(at('speed'), 'learn', logLines(40).slice(0, steps));
      return run.read(now).stages[1].pace;
    };
    expect(paceAfter(10, 0)).toBeUndefined();
    expect(paceAfter(11, 700)).toBeUndefined();
    // 4 steps of 500 tokens in 2 seconds
    expect(paceAfter(15, 2700)).toEqual({ tokens: 1000, steps: 2 });
  });

  it('knows runs of other programs by their logs', () => {
    writeLog(at('plain'), '', logLines(4));
    expect(new RunFolder(at('plain')).read().stages.map(({ name, step, steps }) => [name, step, steps])).toEqual([
      ['train', 4, undefined],
    ]);
    writeLog(at('several'), 'lm/pretrain', logLines(2));
    writeLog(at('several'), 'codec', logLines(3));
    const names = new RunFolder(at('several')).read().stages.map(({ name }) => name);
    expect(names.sort()).toEqual(['codec', 'lm/pretrain']);
  });

  it('shows captions of auditions that have nothing else', () => {
    madeRun(at('old'));
    addAudition(at('old'), 'learn', 20, []);
    rmSync(at('old', 'samples', 'learn-000020', 'samples.json'));
    writeFileSync(at('old', 'samples', 'learn-000020', 'captions.md'), '## describe a.wav\n\nA hum.\n');
    expect(new RunFolder(at('old')).read().auditions[0].heard).toEqual([
      { title: 'captions', text: '## describe a.wav\n\nA hum.' },
    ]);
  });

  it('refuses what is no run, in a sentence', () => {
    mkdirSync(at('empty'));
    writeFileSync(at('file'), '');
    for (const [path, words] of [
      ['nowhere', 'is no folder'],
      ['file', 'is no folder'],
      ['empty', 'holds no training run'],
    ]) {
      expect(() => new RunFolder(at(path))).toThrow(BagpiperError);
      expect(() => new RunFolder(at(path))).toThrow(words);
    }
  });
});
