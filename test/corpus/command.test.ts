/** The compiled corpus builder as a user runs it; `npm test` compiles first. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as Build from '../../src/corpus/build.js';

const MAIN = fileURLToPath(new URL('../../dist/corpus/main.js', import.meta.url));
const { buildCorpus } = (await import(
  pathToFileURL(fileURLToPath(new URL('../../dist/corpus/build.js', import.meta.url))).href
)) as typeof Build;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corpus-command-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

/** Every file under a folder with its bytes. */
async function contents(root: string): Promise<Map<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath ?? e.path, e.name));
  const pairs = files.sort().map(async (f) => [relative(root, f), (await readFile(f)).toString('base64')] as const);
  return new Map(await Promise.all(pairs));
}

const FOUR = { scenes: 4, shardScenes: 2, seed: 'test', split: 'valid' } as const;
const quiet = () => {};

describe('building a corpus', () => {
  it('gives the same bytes with one worker and with two, and goes on where an earlier run stopped', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    expect(await buildCorpus({ ...FOUR, out: one, jobs: 1 }, quiet)).toMatchObject({ done: 4, total: 4, skipped: 0 });
    // first a smaller corpus whose last shard must grow
    await buildCorpus({ ...FOUR, scenes: 3, out: two, jobs: 2 }, quiet);
    const whole = await contents(one);
    expect([...whole.keys()]).toEqual([
      'corpus.json',
      ...['shard-00000', 'shard-00001'].flatMap((shard, s) => [
        ...[2 * s, 2 * s + 1].map((i) => `${shard}/audio/test-valid-${i}.wav`),
        `${shard}/records.jsonl`,
      ]),
    ]);
    const before = await contents(two);
    for (const [path, bytes] of before) if (path.startsWith('shard-00000')) expect(bytes).toBe(whole.get(path));

    // as a run leaves it that was killed in its second shard
    await writeFile(join(two, 'shard-00001', 'audio', 'test-valid-2.wav'), 'RIFF');
    await writeFile(join(two, 'shard-00001', 'records.jsonl.4711-7.part'), '{"sce');
    expect(await buildCorpus({ ...FOUR, out: two, jobs: 2 }, quiet)).toMatchObject({ done: 4, skipped: 2 });
    expect(await contents(two)).toEqual(whole);
  });

  it('prints progress on stderr and no warnings', async () => {
    const { code, stdout, stderr } = await run('--out', 'small', '--scenes', '1', '--seed', 'test', '--jobs', '1');
    expect(code).toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^1\/1 scenes, .*\n1 scenes in small, 0 of them from an earlier run\n$/);
  });
});

describe('command line', () => {
  it('answers --help on stdout', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^usage: npm run corpus/);
  });

  const CASES: [RegExp, string][] = [
    [/--out DIR is missing/, '--scenes 3'],
    [/either --hours H or --scenes N/, '--out x --hours 1 --scenes 3'],
    [/either --hours H or --scenes N/, '--out x'],
    [/--split is "dev"; give train, valid or test/, '--out x --scenes 3 --split dev'],
    [/--seed is "a\/b"/, '--out x --scenes 3 --seed a/b'],
    [/--scenes is "-2"/, '--out x --scenes=-2'],
    [/--hours is "long"/, '--out x --hours long'],
    [/--jobs is "0"/, '--out x --scenes 3 --jobs 0'],
    [/Unknown option '--speed'/, '--out x --scenes 3 --speed 2'],
    [/holds a corpus of seed "other", split train/, '--out other --scenes 3 --seed mine'],
    [/holds a corpus of seed "other", split train/, '--out other --scenes 3 --seed other --split test'],
    [
      /other holds a corpus of everything, not of speech alone; give another --out/,
      '--out other --scenes 3 --seed other --speech',
    ],
    [/broken\/corpus.json is not a corpus description/, '--out broken --scenes 3'],
    [/cannot write to the folder file/, '--out file --scenes 3'],
    [/holds no finished corpus shards/, '--report empty'],
    [/--scenes does not go with --report/, '--report other --scenes 3'],
    [/--draws goes with --report/, '--draws 2'],
  ];

  it('explains every mistake in one line on stderr and exits with 2', async () => {
    await mkdir(join(folder, 'other'), { recursive: true });
    await mkdir(join(folder, 'broken'), { recursive: true });
    await writeFile(
      join(folder, 'other', 'corpus.json'),
      '{"seed":"other","split":"train","scenes":9,"shardScenes":64}',
    );
    await writeFile(join(folder, 'broken', 'corpus.json'), '{"seed":');
    await writeFile(join(folder, 'file'), '');
    const results = await Promise.all(CASES.map(([, args]) => run(...args.split(' '))));
    results.forEach(({ code, stdout, stderr }, i) => {
      expect(stderr).toMatch(CASES[i]![0]);
      expect(stderr.trimEnd().split('\n').length).toBe(1);
      expect(stdout).toBe('');
      expect(code).toBe(2);
    });
  });
});
