import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { curvesOf } from '../../../src/train/curves.js';
import type { Progress } from '../../../src/train/progress.js';
import { brailleCurve } from '../../../src/train/view/braille.js';
import { frame } from '../../../src/train/view/frame.js';
import { LiveView, type Terminal } from '../../../src/train/view/live.js';
import { columnsOf, fit, wrap } from '../../../src/train/view/text.js';
import { logLines, writeLog } from './made-run.js';
import { TerminalScreen } from './terminal-screen.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-live-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const progressAt = (step: number, steps = 40): Progress => ({
  name: 'learn',
  step,
  steps,
  loss: 1,
  done: step,
  tokens: 1000 * step,
  seconds: step / 2,
});
const plain = (_: string, text: string): string => text;

/** Dots that are set, in rows of dots from the top, as "#" and ".". */
function dots(rows: string[][]): string[] {
  const bits = [
    [0, 3],
    [1, 4],
    [2, 5],
    [6, 7],
  ];
  return rows.flatMap((row) =>
    bits.map((pair) =>
      row
        .map((cell) => (cell === ' ' ? 0 : (cell.codePointAt(0) as number) - 0x2800))
        .map((code) => pair.map((bit) => ((code >> bit) & 1 ? '#' : '.')).join(''))
        .join(''),
    ),
  );
}

describe('a curve in braille', () => {
  it('falls from the first corner to the last, dot by dot', () => {
    const lines = [4, 3, 2, 1].map((loss, i) => ({ step: i + 1, loss, rate: 0, norm: 0, tokens: 0 }));
    expect(dots(brailleCurve(curvesOf(lines), 2, 1))).toEqual(['#...', '.#..', '..#.', '...#']);
  });

  it('is as straight on a logarithmic axis, where losses are spread', () => {
    const lines = [8, 4, 2, 1].map((loss, i) => ({ step: i + 1, loss, rate: 0, norm: 0, tokens: 0 }));
    expect(dots(brailleCurve(curvesOf(lines), 2, 1))).toEqual(['#...', '.#..', '..#.', '...#']);
  });

  it('marks held-out losses over it', () => {
    const lines = [4, 3, 2, 1].map((loss, i) => ({ step: i + 1, loss, rate: 0, norm: 0, tokens: 0, held_loss: 4 }));
    expect(brailleCurve(curvesOf(lines.slice(0, 1)), 3, 3)[1][1]).toBe('o');
    expect(brailleCurve(curvesOf(lines), 4, 2)[0].filter((cell) => cell === 'o').length).toBe(4);
  });

  it('draws one step, and nothing of none', () => {
    const one = brailleCurve(curvesOf(logLines(1)), 3, 3);
    expect(one.flat().filter((cell) => cell !== ' ').length).toBe(1);
    expect(brailleCurve(curvesOf([]), 2, 1)).toEqual([[' ', ' ']]);
  });
});

describe('text in columns', () => {
  it('counts what is wide twice and marks not at all', () => {
    expect(columnsOf('abc')).toBe(3);
    expect(columnsOf('犬が吠える')).toBe(10);
    expect(columnsOf('e\u0301')).toBe(1);
  });

  it('fits and wraps', () => {
    expect(fit('a long line', 6)).toBe('a lon…');
    expect(fit('犬が吠える', 6)).toBe('犬が…');
    expect(wrap('one two three four', 9, 5)).toEqual(['one two', 'three', 'four']);
    expect(wrap('one two three four', 9, 2)).toEqual(['one two', 'three fo…']);
    expect(wrap('unbreakable', 5, 2)).toEqual(['unbr…']);
  });
});

describe('a frame', () => {
  const heard = [{ title: 'describe dog.wav', text: 'A dog barks, and \u001b[31mbarks\u0007 again.'.repeat(9) }];
  const content = {
    progress: progressAt(10),
    number: 2,
    of: 3,
    curves: curvesOf(logLines(40).slice(0, 10)),
    audition: { name: 'learn-000010', stage: 'learn', step: 10, heard },
  };

  it('says stage, step, losses, speed, time left and the last caption', () => {
    const lines = frame(content, { columns: 80, rows: 24 }, plain);
    expect(lines[0]).toMatch(/^learn \(2 of 3\) {2}step 10 of 40 {2}━+╌+ {2}25%$/);
    // 20 steps in 10 seconds: 30 more take 15
    expect(lines[1]).toBe('loss 4.951   held out 5.446   0:00:15 left   2,000 tokens/s');
    expect(lines.slice(2, 10).every((line) => line.includes('│'))).toBe(true);
    expect(lines[2]).toContain('8.000 │');
    expect(lines[10].trim()).toMatch(/^1 +o held out +10$/);
    expect(lines[11]).toBe('step 10, describe dog.wav');
    expect(lines[12]).toMatch(/^A dog barks, and \[31mbarks again\./);
    expect(lines.length).toBe(14);
  });

  it.each([
    [200, 50],
    [80, 24],
    [48, 14],
    [36, 9],
  ])('keeps to %d columns and %d rows', (columns, rows) => {
    const lines = frame(content, { columns, rows }, plain);
    expect(Math.max(...lines.map(columnsOf))).toBeLessThan(columns);
    expect(lines.length).toBeLessThan(rows);
  });
});

describe('a training in a terminal', () => {
  const env = { TERM: 'xterm' };
  const viewOn = (terminal: Terminal, options: { env?: Record<string, string>; quiet?: boolean } = {}): LiveView => {
    let time = 0;
    const view = new LiveView(terminal, { env, paint: plain, now: () => (time += 1000), ...options });
    const run = join(folder, 'run');
    writeLog(run, 'learn', logLines(40).slice(0, 10));
    view.stage({ number: 1, of: 1, folder: join(run, 'learn') });
    return view;
  };

  it('is redrawn in place', () => {
    const terminal = new TerminalScreen(80, 24);
    const view = viewOn(terminal);
    view.step(progressAt(9));
    const before = terminal.shown;
    view.step(progressAt(10));
    expect(terminal.shown.length).toBe(before.length);
    expect(terminal.shown[0]).toContain('step 10 of 40');
    expect(terminal.shown.filter((line) => line.includes('step ')).length).toBe(1);
  });

  it('stays whole in a window that changes, down to one line', () => {
    const terminal = new TerminalScreen(100, 30);
    const view = viewOn(terminal);
    view.step(progressAt(10));
    for (const [columns, rows] of [
      [60, 30],
      [40, 12],
      [120, 40],
      [20, 24],
    ]) {
      terminal.resize(columns, rows);
      expect(terminal.shown.filter((line) => /step/.test(line)).length).toBe(1);
      expect(Math.max(...terminal.shown.map(columnsOf))).toBeLessThan(columns);
    }
    expect(terminal.shown).toEqual(['learn: step 10/40,…']);
    view.close();
    expect(terminal.watched).toBe(false);
  });

  it('makes room for warnings, and leaves the last picture of a stage', () => {
    const terminal = new TerminalScreen(80, 24);
    const view = viewOn(terminal);
    view.step(progressAt(10));
    view.aside(() => terminal.write('warning: careful\n'));
    expect(terminal.shown[0]).toBe('warning: careful');
    expect(terminal.shown[1]).toContain('step 10 of 40');
    view.stage({ number: 2, of: 2, folder: join(folder, 'run', 'none') });
    view.step({ ...progressAt(1), name: 'next' });
    const heads = terminal.shown.filter((line) => line.includes(' of 40'));
    expect(heads.map((line) => line.slice(0, 5))).toEqual(['learn', 'next ']);
  });

  it('writes plain lines where there is no terminal, or one that cannot', () => {
    const lines = (terminal: Terminal, options = {}): string => {
      let text = '';
      const view = viewOn({ ...terminal, write: (piece: string) => (text += piece) }, options);
      for (let step = 1; step <= 100; step++) view.step(progressAt(step, 100));
      view.close();
      return text;
    };
    const said = lines({ write: () => 0 });
    expect(said.split('\n').map((line) => line.slice(0, 21))).toEqual([
      'learn: step 1/100, lo',
      'learn: step 50/100, l',
      'learn: step 100/100, ',
      '',
    ]);
    expect(lines({ write: () => 0, isTTY: true }, { env: { TERM: 'dumb' } })).toBe(said);
    expect(lines({ write: () => 0, isTTY: true }, { quiet: true })).toBe('');
  });

  it('is one line on the console of the kernel, which has no braille', () => {
    const terminal = new TerminalScreen(80, 24);
    const view = viewOn(terminal, { env: { TERM: 'linux' } });
    view.step(progressAt(9));
    view.step(progressAt(10));
    expect(terminal.shown).toEqual(['learn: step 10/40, loss 1.0000, 2000 tokens/s, 0:00:15 left']);
  });
});
