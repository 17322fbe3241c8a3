/** The compiled `npm run train:nano` as a user runs it; `npm test` compiles first. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../dist/train/nano/main.js', import.meta.url));
const NANO = fileURLToPath(new URL('../../../models/nano', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'train-nano-'));
beforeAll(() => {
  mkdirSync(join(folder, 'empty'));
  mkdirSync(join(folder, 'begun', 'corpus', 'train'), { recursive: true });
  writeFileSync(join(folder, 'file'), '');
  // By a name without spaces, at which lines are split.
  symlinkSync(NANO, join(folder, 'nano'), 'junction');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...line.split(' ')], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('train:nano', () => {
  it('answers --help on stdout', async () => {
    const { code, stdout, stderr } = await run('--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^usage: npm run train:nano/);
    for (const option of ['--work', '--from', '--out', '--only', '--threads', '--minutes'])
      expect(stdout).toContain(option);
  });

  const CASES: [string, RegExp][] = [
    ['--only dance', /^--only is "dance"; give one of corpus, codec, encoder, lm, install, world\.\n$/],
    ['--threads 0', /^--threads is "0"; give a whole number from 1 on\.\n$/],
    ['--threads 1.5', /^--threads is "1.5"; give a whole number from 1 on\.\n$/],
    ['--minutes soon', /^--minutes is "soon"; give a number above 0\.\n$/],
    ['--minutes=-3', /^--minutes is "-3"; give a number above 0\.\n$/],
    ['--speed 2', /^Unknown option '--speed'.*; see --help\n$/],
    ['codec', /^Unexpected argument 'codec'.*; see --help\n$/],
    ['--only codec --work file', /^--work is "file", which is a file; give a folder\.\n$/],
    ['--only codec --work empty', /^-- codec\nempty\/corpus\/train holds no WAV files; build a corpus first: .*\n$/],
    ['--only encoder --work empty', /^-- encoder\nempty\/corpus\/train does not exist\. Make a corpus first: .*\n$/],
    ['--only encoder --work begun', /^-- encoder\nbegun\/corpus\/train holds no finished shards\. Make .*\n$/],
    ['--only lm --work empty', /^-- lm\nempty\/nano\/encoder\/encoder\.safetensors does not exist; .*\n$/],
    ['--only lm --work empty --from empty', /^-- lm\nempty\/config\.json does not exist; .*\n$/],
    [
      '--only lm --work empty --from nano',
      /^-- lm\nThe encoder listens .*\nempty\/corpus\/valid does not exist\. .*\n$/,
    ],
    [
      '--only encoder --work empty --from empty',
      /^-- encoder\nempty\/corpus\/train does not exist\. Make a corpus first: .*\n$/,
    ],
    ['--only install --work empty', /^-- install\nempty\/nano\/lm\/model does not exist yet: train the .*\n$/],
    ['--only world --work empty --out empty', /^-- world\nempty.config\.json.*\n$/],
  ];

  it('explains every mistake in one line after the step that it is in, and exits with 2', async () => {
    const results = await Promise.all(CASES.map(([line]) => run(line)));
    results.forEach(({ code, stdout, stderr }, i) => {
      expect(stderr).toMatch(CASES[i][1]);
      expect([code, stdout]).toEqual([2, '']);
    });
  });
});
