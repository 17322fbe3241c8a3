import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeWav, loadMono16k } from '../../../src/audio/index.js';
import { linesIn, runStage } from '../../../src/data/run/index.js';
import { cutsOf, Levels } from '../../../src/data/source/cuts.js';
import { patternOf } from '../../../src/data/source/folders.js';
import {
  FileStage,
  type Found,
  fileId,
  idOf,
  Listener,
  Places,
  soundsOf,
  sourcesOf,
  withDuckDB,
  writeClips,
} from '../../../src/data/source/index.js';
import type { Clip, Line } from '../../../src/data/types.js';
import { Random } from '../../../src/random.js';
import { lena, sine } from '../../audio/make.js';
import { temporary, withRun } from '../run/kit.js';
import { type Bucket, startBucket } from './s3-stub.js';

async function found(...named: string[]): Promise<Found[]> {
  const all: Found[] = [];
  for await (const one of soundsOf(sourcesOf(named), new Places({}))(() => true)) all.push(one);
  return all;
}

async function clipsOf(named: string[], places = new Places({}), maxSeconds = 30): Promise<Line<Clip>[]> {
  return withRun(join(temporary(), 'run'), async (run) => {
    await runStage(run, new FileStage({ maxSeconds }, places), soundsOf(sourcesOf(named), places));
    await writeClips(run);
    const lines: Line<Clip>[] = [];
    for await (const line of linesIn<Clip>(run.file('clips'))) lines.push(line);
    return lines;
  });
}

/** What a file descriptor of this process is; empty where it was closed meanwhile. */
function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}

const wav = (seconds: number): Uint8Array => encodeWav(sine(seconds * 16_000, 16_000, 300), 16_000);

describe('ids', () => {
  it('come from the data set and the path, and tell different paths apart', () => {
    expect(fileId('street', 'a/b c/x.wav')).toMatch(/^street--a--b_c--x\.wav-[0-9a-f]{10}$/);
    expect(fileId('street', 'a/x.wav')).toBe('street--a--x.wav');
    const paths = ['a/b', 'a--b', 'a-/b', 'a/-b', 'a b', 'a_b', 'ä', 'ö', `${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`];
    const ids = paths.map((path) => fileId('d', path));
    expect(new Set(ids).size).toBe(paths.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9._-]{1,160}$/);
    expect(idOf('YouTube_abc-12.wav')).toBe('YouTube_abc-12.wav');
  });
});

describe('folders and patterns', () => {
  const root = join(temporary(), 'set');
  for (const path of ['b/2.wav', 'b/10.wav', 'a/deep/er/x.flac', 'a.wav', '.hidden/x.wav', 'notes.txt']) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), path.endsWith('.txt') ? 'words' : wav(0.1));
  }
  symlinkSync(root, join(root, 'b', 'circle'));
  symlinkSync(join(root, 'a.wav'), join(root, 'b', 'link.wav'));
  symlinkSync(join(root, 'nothing'), join(root, 'b', 'broken.wav'));

  it('are gone through in the order of names, links followed but not in circles', async () => {
    const paths = (await found(root)).map(({ uri }) => uri.slice(root.length + 1));
    expect(paths).toEqual(['a/deep/er/x.flac', 'a.wav', 'b/10.wav', 'b/2.wav', 'b/link.wav', 'notes.txt']);
  });

  it('give clips for what is sound by its content', async () => {
    const lines = await clipsOf([root]);
    expect(lines.map(({ id }) => id)).toEqual([
      'set--a--deep--er--x.flac',
      'set--a.wav',
      'set--b--10.wav',
      'set--b--2.wav',
      'set--b--link.wav',
    ]);
    expect(lines[1]).toEqual({
      id: 'set--a.wav',
      result: { id: 'set--a.wav', audio: { uri: join(root, 'a.wav') }, seconds: 0.1, dataset: 'set' },
    });
  });

  it('can be chosen from by patterns, and called by other names', async () => {
    expect((await found(join(root, '**/*.{wav,flac}'))).length).toBe(5);
    expect((await found(`mine=${join(root, 'b/[!2]*.wav')}`)).map(({ id }) => id)).toEqual([
      'mine--10.wav',
      'mine--link.wav',
    ]);
    expect(['a.wav', 'x/a.wav', 'x/y/a.wav', 'a.wave'].map((path) => patternOf('**/*.wav').test(path))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(patternOf('a?/{b,c}*').test('ab/cd')).toBe(true);
    expect(patternOf('a?/{b,c}*').test('ab/c/d')).toBe(false);
  });

  it('must be there, and have names of their own', () => {
    expect(() => sourcesOf([join(root, 'none')])).toThrow('there is no such file or folder');
    expect(() => sourcesOf([join(root, 'none/*.wav')])).toThrow('there is no such folder');
    mkdirSync(join(root, 'a', 'set'));
    expect(() => sourcesOf([root, join(root, 'a/set')])).toThrow(/both called set.*call one otherwise/);
    expect(sourcesOf([root, `other=${join(root, 'a/set')}`]).map(({ dataset }) => dataset)).toEqual(['set', 'other']);
  });
});

describe('tables', () => {
  const folder = temporary();
  writeFileSync(join(folder, 'x.wav'), wav(3));
  const rows = [
    { utt_id: 'one', path: 'x.wav', text: 'Hello.', speaker: 'S1', audio_type: 'speech' },
    { utt_id: 'two', path: 'x.wav', start: 1, end: 2.5, speaker: 'S2', audio_type: 'music' },
  ];
  const expected = [
    {
      id: 'one',
      audio: { uri: resolve(folder, 'x.wav') },
      seconds: 3,
      dataset: 'clips',
      kind: 'speech',
      transcript: 'Hello.',
      more: { speaker: 'S1' },
    },
    {
      id: 'two',
      audio: { uri: resolve(folder, 'x.wav'), start: 1, end: 2.5 },
      seconds: 1.5,
      dataset: 'clips',
      kind: 'music',
      more: { speaker: 'S2' },
    },
  ];
  const results = async (path: string): Promise<unknown[]> =>
    (await clipsOf([path])).map((line) => ('result' in line ? line.result : line));

  it('as JSONL, CSV and Parquet name the same sounds', async () => {
    const jsonl = join(folder, 'clips.jsonl');
    writeFileSync(jsonl, `${rows.map((row) => JSON.stringify(row)).join('\n\n')}\n`);
    expect(await results(jsonl)).toEqual(expected);
    const [csv, parquet] = [join(folder, 'clips.csv'), join(folder, 'clips.parquet')];
    await withDuckDB('Tests', async (connection) => {
      await connection.run(`COPY (SELECT * FROM read_json('${jsonl}')) TO '${csv}'`);
      await connection.run(`COPY (SELECT * FROM read_json('${jsonl}')) TO '${parquet}'`);
    });
    expect(await results(csv)).toEqual(expected);
    expect(await results(parquet)).toEqual(expected);
  });

  it('of many rows keep their order', async () => {
    const parquet = join(folder, 'many.parquet');
    await withDuckDB('Tests', (connection) =>
      connection.run(`COPY (SELECT 'n' || i AS id, 'x.wav' AS audio FROM range(10000) t(i)) TO '${parquet}'`),
    );
    const all = await found(parquet);
    expect(all.length).toBe(10_000);
    expect(all.every(({ id }, i) => id === `n${i}`)).toBe(true);
  });

  it('say what is wrong with them', async () => {
    const bad = async (text: string): Promise<unknown> => {
      const path = join(folder, 'bad.jsonl');
      writeFileSync(path, text);
      return found(path).catch((error: Error) => error.message);
    };
    expect(await bad('{"a": 1}\n')).toMatch(/bad.jsonl: row 1 names no sound \(its columns: a\)/);
    expect(await bad('{"path": "x.wav"}\nnonsense\n')).toMatch(/line 2 is no JSON/);
    expect(await bad('[1]\n')).toMatch(/line 1 is no object/);
    expect(await bad('{"path": "x.wav", "start": 2, "end": 1}\n')).toMatch(/no length/);
    expect(await bad('{"audio": {"bytes": "UklGRg=="}}\n')).toMatch(/holds the sound itself/);
    writeFileSync(join(folder, 'no.parquet'), 'no parquet');
    await expect(found(join(folder, 'no.parquet'))).rejects.toThrow(/no.parquet: cannot be read as a table/);
  });
});

describe('long sounds', () => {
  /** Noise with pauses of 0.5 s at the given times. */
  function noise(seconds: number, pauses: readonly number[]): Float32Array {
    const random = new Random(3);
    return Float32Array.from({ length: seconds * 16_000 }, (_, i) => {
      const time = i / 16_000;
      return pauses.some((at) => Math.abs(time - at) < 0.25) ? 0 : random.range(-0.5, 0.5);
    });
  }

  it('are cut where they are quietest, into parts that are not too long', () => {
    const levels = new Levels();
    levels.push(noise(100, [4, 22, 41, 60.5, 70, 95]));
    const cuts = cutsOf(levels.values(), levels.seconds, 30);
    expect(cuts.map((cut) => Math.round(cut))).toEqual([22, 41, 70]);
    for (const [at, cut] of [22, 41, 70].entries()) expect(Math.abs(cuts[at] - cut)).toBeLessThan(0.26);
  });

  it.each([30, 30.005, 31, 59.99, 60, 61, 3601.234])('of %s s have no part over 30 s and no scrap', (seconds) => {
    const levels = new Float32Array(Math.floor(seconds * 100)).fill(1);
    const edges = [0, ...cutsOf(levels, seconds, 30), seconds];
    const parts = edges.slice(1).map((edge, i) => edge - edges[i]);
    expect(Math.max(...parts)).toBeLessThanOrEqual(30 + 1e-9);
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(Math.min(5, seconds));
  });

  it('become clips, which come from one decoding and are what the whole has there', async () => {
    const lines = await clipsOf([lena('mp3')], new Places({}), 4);
    const clips = lines.map((line) => (line as { result: Clip }).result);
    expect(clips.map(({ id }) => id)).toEqual(
      [1, 2, 3, 4].slice(0, clips.length).map((n) => `audio-lena--lena.mp3--000${n}`),
    );
    const whole = (await loadMono16k(lena('mp3'))).samples;
    const listener = new Listener(new Places({}));
    for (const { audio } of [...clips, clips[1]]) {
      const [from, to] = [audio.start!, audio.end!].map((time) => Math.round(time * 16_000));
      expect((await listener.samples(audio)).every((x, i) => x === whole[from + i])).toBe(true);
      expect(Math.min(whole.length, to) - from).toBe((await listener.samples(audio)).length);
    }
    const held = await listener.hold(clips[0].audio);
    expect((await held.wav()).length).toBe(44 + 2 * Math.round(clips[0].seconds * 16_000));
    await held.free();
    await listener.close();
    expect(clips[0].audio.start).toBe(0);
    expect(clips.every(({ audio }, i) => i === 0 || audio.start === clips[i - 1].audio.end)).toBe(true);
  });
});

describe.runIf(existsSync('/proc/self/fd'))('parts of many files at once', () => {
  it('leave no file open', async () => {
    const folder = temporary();
    // Long enough not to be read in one go.
    const files = Array.from({ length: 9 }, (_, i) => join(folder, `${i}.wav`));
    for (const file of files) writeFileSync(file, wav(30));
    const open = () => readdirSync('/proc/self/fd').filter((fd) => targetOf(fd).startsWith(folder));
    const listener = new Listener(new Places({}));
    for (const start of [0, 1, 0]) {
      await Promise.all(files.map((uri) => listener.samples({ uri, start, end: start + 1 })));
    }
    expect(open().length).toBeGreaterThan(0);
    await listener.close();
    expect(open()).toEqual([]);
  });
});

describe('buckets', () => {
  const objects = new Map([
    ['audio/a b.wav', Buffer.from(wav(1))],
    ['audio/deep/c(1).flac', readFileSync(lena('flac'))],
    ['audio/notes.txt', Buffer.from('words')],
    ['audio/ü.mp3', readFileSync(lena('mp3'))],
    ['other/x.wav', Buffer.from(wav(2))],
  ]);
  const buckets: Bucket[] = [];
  afterAll(() => Promise.all(buckets.map((bucket) => bucket.stop())));
  const start = async (key?: string): Promise<Bucket> => {
    const bucket = await startBucket('sounds', objects, key);
    buckets.push(bucket);
    return bucket;
  };

  it('are listed and looked into, with little read of long objects', async () => {
    const bucket = await start('KEY');
    const places = new Places({
      AWS_ENDPOINT_URL: bucket.address,
      AWS_ACCESS_KEY_ID: 'KEY',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    const lines = await clipsOf(['s3://sounds/audio/'], places);
    const clips = lines.map((line) => (line as { result: Clip }).result);
    expect(clips.map(({ audio }) => audio.uri)).toEqual([
      's3://sounds/audio/a b.wav',
      's3://sounds/audio/deep/c(1).flac',
      's3://sounds/audio/ü.mp3',
    ]);
    expect(clips[1].id).toMatch(/^audio--deep--c_1_.flac-[0-9a-f]{10}$/);
    expect(clips[0].seconds).toBe(1);
    expect(bucket.asked.filter(({ path }) => path.includes('list-type')).length).toBe(2);
    expect(bucket.asked.filter(({ path, range }) => !path.includes('list-type') && range === undefined)).toEqual([]);
    const listener = new Listener(places);
    const heard = await listener.samples(clips[1].audio);
    expect(heard).toEqual((await loadMono16k(lena('flac'))).samples);
    await listener.close();
  });

  it('may be public, and say what is wrong with keys and names', async () => {
    const open = await start();
    expect((await clipsOf(['s3://sounds/other'], new Places({ AWS_ENDPOINT_URL: open.address }))).length).toBe(1);
    const closed = await start('KEY');
    const at = (uri: string, env: Record<string, string> = {}) =>
      clipsOf([uri], new Places({ AWS_ENDPOINT_URL: closed.address, ...env }));
    await expect(at('s3://sounds/audio/')).rejects.toThrow(
      /refuses \(403 SignatureDoesNotMatch\); check AWS_ACCESS_KEY_ID/,
    );
    const keys = { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'x' };
    await expect(at('s3://none/audio/', keys)).rejects.toThrow(/there is no such thing \(NoSuchBucket\)/);
    await expect(at('s3://sounds/', { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' })).rejects.toThrow(/cannot be reached/);
  });
});

it('a file that cannot be read is an error of its own and is tried again', async () => {
  const folder = join(temporary(), 'mixed');
  mkdirSync(folder);
  copyFileSync(lena('ogg'), join(folder, 'good.ogg'));
  writeFileSync(join(folder, 'bad.mp3'), Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0'), Buffer.alloc(400, 1)]));
  writeFileSync(join(folder, 'empty.wav'), '');
  const lines = await clipsOf([folder]);
  expect(lines.map((line) => ('error' in line ? `${line.id} ${line.error.kind}` : line.id))).toEqual([
    'mixed--bad.mp3 unreadable',
    'mixed--good.ogg',
  ]);
});
