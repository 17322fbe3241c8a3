import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BagpiperError } from '../src/errors.js';
import { type Holder, takeLock } from '../src/lock.js';

let folder: string;
const at = (name: string): string => join(folder, name);
const inUse = ({ pid, host }: Holder): string => `a/b is being pulled by another process (${pid} on ${host})`;
const mark = (of: Partial<Holder>, began = ''): string =>
  JSON.stringify({ pid: 1, host: hostname(), began, token: 'theirs', ...of });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-lock-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the lock', () => {
  it('is held by one, and taken over from the dead', () => {
    const release = takeLock(at('lock'), inUse);
    expect(() => takeLock(at('lock'), inUse)).toThrow(/a\/b is being pulled by another process/);
    expect(() => takeLock(at('lock'), inUse)).toThrow(BagpiperError);
    release();
    expect(existsSync(at('lock'))).toBe(false);
    // Of another machine, whose processes cannot be seen: dead when it has given no sign for some time.
    writeFileSync(at('lock'), mark({ host: 'elsewhere' }));
    expect(() => takeLock(at('lock'), inUse)).toThrow('another process (1 on elsewhere)');
    utimesSync(at('lock'), 1, 1);
    takeLock(at('lock'), inUse)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is taken over from a process that has ended, and where its text is no lock’s', async () => {
    const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await new Promise((resolve) => dead.on('close', resolve));
    for (const text of [mark({ pid: dead.pid }), mark({ pid: process.pid }, 'before'), '', '1 elsewhere\n']) {
      writeFileSync(at('lock'), text);
      takeLock(at('lock'), inUse)();
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of somebody who took it over meanwhile is left alone', () => {
    const release = takeLock(at('other'), inUse);
    writeFileSync(at('other'), mark({ host: 'elsewhere' }));
    release();
    expect(existsSync(at('other'))).toBe(true);
    rmSync(at('other'));
  });

  it('makes its folder, and where it cannot says the system’s reason', () => {
    takeLock(at('new/deep/lock'), inUse)();
    expect(readdirSync(at('new/deep'))).toEqual([]);
    writeFileSync(at('file'), '');
    expect(() => takeLock(at('file/lock'), inUse)).toThrow(/E(NOTDIR|EXIST)/);
  });
});
