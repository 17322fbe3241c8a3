import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkId, IdIndex, Run } from '../../../src/data/run/index.js';
import { temporary, withRun } from './kit.js';

describe('the folder of a run', () => {
  it('is one process’s at a time, and free again afterwards', async () => {
    const folder = temporary();
    await withRun(folder, async () => {
      await expect(Run.open(folder)).rejects.toThrow(`in use by process ${process.pid}`);
    });
    expect(existsSync(join(folder, 'lock'))).toBe(false);
    await withRun(folder, async () => {});
  });

  it('is taken over from a process that was killed', async () => {
    const folder = temporary();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await new Promise((resolve) => other.once('spawn', resolve));
    const began = (() => {
      try {
        const fields = readFileSync(`/proc/${other.pid}/stat`, 'utf8').split(') ')[1].split(' ');
        return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
      } catch {
        return '';
      }
    })();
    await withRun(folder, async () => {});
    const lock = JSON.stringify({ pid: other.pid, host: hostname(), began, token: 'theirs' });
    writeFileSync(join(folder, 'lock'), lock);
    await expect(Run.open(folder)).rejects.toThrow(`in use by process ${other.pid}`);
    const ended = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await ended;
    await withRun(folder, async () => {});
    // A number that another process has by now, and a lock whose writer died while writing.
    writeFileSync(
      join(folder, 'lock'),
      JSON.stringify({ pid: process.pid, host: hostname(), began: 'before', token: 'x' }),
    );
    await withRun(folder, async () => {});
    writeFileSync(join(folder, 'lock'), '');
    await withRun(folder, async () => {});
  });

  it('is not made among other things, nor where it is only looked for', async () => {
    const folder = temporary();
    await expect(Run.open(join(folder, 'none'))).rejects.toThrow('is no run');
    writeFileSync(join(folder, 'song.mp3'), '');
    await expect(Run.open(folder, { create: true })).rejects.toThrow('holds other things (song.mp3)');
    await expect(Run.open(join(folder, 'song.mp3'), { create: true })).rejects.toThrow('no folder can be made here');
    await withRun(join(folder, 'a', 'b'), async () => {});
    writeFileSync(join(folder, 'a', 'b', 'run.json'), '{"format": 99, "stages": {}}');
    await expect(Run.open(join(folder, 'a', 'b'))).rejects.toThrow('of format 99');
    writeFileSync(join(folder, 'a', 'b', 'run.json'), '{"for');
    await expect(Run.open(join(folder, 'a', 'b'))).rejects.toThrow('cannot be read');
  });
});

describe('ids', () => {
  it('are kept apart, a million of them', () => {
    const index = new IdIndex();
    for (let i = 0; i < 1_000_000; i++) index.add(`music--${i.toString(36)}.wav`);
    expect(index.size).toBe(1_000_000);
    expect(index.find('music--zz.wav')).toBe(35 * 36 + 35);
    expect(index.find('music--zz.mp3')).toBe(-1);
    index.set(5, { state: 'aside', kind: 'short' }, 2 ** 45 + 1);
    index.set(6, { state: 'error', kind: 'short' }, 7);
    index.set(6, { state: 'result', kind: '' }, 9);
    expect([index.mark(5), index.mark(5), index.state(5), index.offset(5)]).toEqual([
      true,
      false,
      'aside',
      2 ** 45 + 1,
    ]);
    expect([...index.count('aside'), ...index.count('error')]).toEqual([['short', 1]]);
    expect(index.count('none').get('')).toBe(999_998);
  });

  it('are letters, digits, dots, dashes and underscores', () => {
    for (const id of ['a', 'A-b_c.9', 'x'.repeat(200)]) expect(() => checkId(id)).not.toThrow();
    for (const id of ['', 'a b', 'ä', 'a:b', 'a/b', 'x'.repeat(201), 5, undefined]) {
      expect(() => checkId(id)).toThrow('cannot be used');
    }
  });
});
