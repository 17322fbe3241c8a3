/** The smaller parts by themselves. */

import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/random.js';
import { proxyFor } from '../../../src/weights/hub/http.js';
import { looksLikeRepo } from '../../../src/weights/hub/index.js';
import { Meter } from '../../../src/weights/hub/meter.js';
import { isSafePath } from '../../../src/weights/hub/names.js';
import { globOf } from '../../../src/weights/hub/select.js';
import { cacheOf, homeOf, hubSettings } from '../../../src/weights/hub/settings.js';
import { pointTo, WAYS } from '../../../src/weights/hub/shelf.js';
import { checkSpace, freeSpace, sizeText } from '../../../src/weights/hub/space.js';
import { OrderedWriter } from '../../../src/weights/hub/writer.js';
import { noise } from './stub-hub.js';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-parts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('patterns', () => {
  it.each([
    ['*.pt', ['model.pt', 'a/b/model.pt'], ['model.pt.log', 'model_pt']],
    ['conf/', ['conf/a', 'conf/b/c'], ['conf', 'my/conf/a']],
    ['model-0000?-of-*.safetensors', ['model-00001-of-00004.safetensors'], ['model-00011-of-00004.safetensors']],
    ['[a-c]*[!0-9]', ['ab', 'c.'], ['d.', 'a1']],
    ['a+b(c).txt', ['a+b(c).txt'], ['aab(c)_txt']],
    ['[x', ['[x'], ['x']],
  ])('%s', (pattern, fit, others) => {
    for (const path of fit) expect(globOf(pattern).test(path), path).toBe(true);
    for (const path of others) expect(globOf(pattern).test(path), path).toBe(false);
  });
});

describe('names', () => {
  it('tells names on the hub from paths and addresses', () => {
    for (const name of ['espnet/bagpiper-sft', 'a/b@v1', 'a/b@refs/pr/1']) expect(looksLikeRepo(name), name).toBe(true);
    for (const name of ['nano', './a/b', '/a/b', 'a/b/c', '../b', 'http://a/b', 'a:1/v1', 'a\\b', 'models/', '']) {
      expect(looksLikeRepo(name), name).toBe(false);
    }
  });

  it('knows names of files that stay in their folder', () => {
    for (const name of ['a', 'a/b.c', '.gitignore', 'a b+ü.yaml', '..a']) expect(isSafePath(name), name).toBe(true);
    for (const name of ['', '/a', '..', 'a/../b', './a', 'a//b', 'a/', 'c:a', 'a\\b', 'a\nb', 'a/...']) {
      expect(isSafePath(name), name).toBe(false);
    }
  });
});

describe('settings', () => {
  it("finds the hub's folders", () => {
    expect(homeOf({ HOME: '/h' })).toBe('/h/.cache/huggingface');
    expect(homeOf({ HOME: '/h', XDG_CACHE_HOME: '/x' })).toBe('/x/huggingface');
    expect(cacheOf({ HOME: '/h', HF_HOME: '~/hf' })).toBe('/h/hf/hub');
    expect(cacheOf({ HOME: '/h', HF_HOME: '/hf', HUGGINGFACE_HUB_CACHE: '/old' })).toBe('/old');
    expect(cacheOf({ HOME: '/h', HF_HUB_CACHE: '/new', HUGGINGFACE_HUB_CACHE: '/old' })).toBe('/new');
  });

  it('reads the rest', () => {
    const none = { HOME: at('nobody') };
    expect(hubSettings(none)).toMatchObject({ endpoint: 'https://huggingface.co', offline: false, token: undefined });
    expect(hubSettings({ ...none, HF_ENDPOINT: 'https://mirror.org/hf/' }).endpoint).toBe('https://mirror.org/hf');
    expect(hubSettings({ ...none, HF_HUB_OFFLINE: 'yes' }).offline).toBe(true);
    expect(() => hubSettings({ ...none, HF_ENDPOINT: 'https://user:pass@mirror.org' })).toThrow('HF_ENDPOINT');
  });

  it('finds the proxy', () => {
    const url = new URL('https://cdn.huggingface.co/x');
    expect(proxyFor(url, {})).toBeUndefined();
    expect(proxyFor(url, { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://q:1' })).toBe('http://p:1');
    for (const no of ['*', 'huggingface.co', '.huggingface.co', 'a,*.huggingface.co', 'cdn.huggingface.co:443']) {
      expect(proxyFor(url, { https_proxy: 'http://p:1', no_proxy: no }), no).toBeUndefined();
    }
    for (const no of ['', 'face.co', 'cdn.huggingface.co:80', 'huggingface.com']) {
      expect(proxyFor(url, { https_proxy: 'http://p:1', NO_PROXY: no }), no).toBe('http://p:1');
    }
  });
});

describe('names for files', () => {
  it('are links, or copies where links cannot be made', async () => {
    const never = () => Promise.reject(new Error('EPERM'));
    writeFileSync(at('blob'), 'content');
    for (const [count, kind] of ['symbolic', 'hard', 'copy'].entries()) {
      const name = join(folder, 'deep', kind);
      await pointTo(at('blob'), name, [...WAYS.slice(0, count).map(() => never), ...WAYS.slice(count)]);
      expect(readFileSync(name, 'utf8')).toBe('content');
      const stats = lstatSync(name);
      const is = stats.isSymbolicLink() ? 'symbolic' : stats.ino === statSync(at('blob')).ino ? 'hard' : 'copy';
      expect(is).toBe(kind);
    }
    await expect(pointTo(at('blob'), at('none'), [never])).rejects.toThrow('EPERM');
    expect(readdirSync(join(folder, 'deep')).sort()).toEqual(['copy', 'hard', 'symbolic']);
  });
});

describe('OrderedWriter', () => {
  it('writes ranges that come in any order, in order', async () => {
    const content = noise(50_000, 3);
    const random = new Random(3);
    const handle = await open(at('ordered'), 'w+');
    const hash = createHash('sha256');
    let written = 0;
    const writer = new OrderedWriter(handle, hash, 0, (bytes) => {
      written += bytes;
    });
    const ranges = Array.from({ length: 10 }, (_, i) => writer.expect(i * 5000, (i + 1) * 5000));
    const open_ = [...ranges];
    while (open_.length > 0) {
      const index = random.int(open_.length);
      const range = open_[index];
      const from = range.start + range.received;
      writer.add(range, content.subarray(from, Math.min(from + 1 + random.int(900), range.end)));
      if (range.received === 5000) open_.splice(index, 1);
      if (random.int(4) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(ranges.map((range) => writer.written(range)));
    await writer.settle();
    await handle.close();
    expect(readFileSync(at('ordered')).equals(Buffer.from(content))).toBe(true);
    expect({ written, hex: hash.digest('hex') }).toEqual({
      written: 50_000,
      hex: createHash('sha256').update(content).digest('hex'),
    });
  });

  it('tells everybody who waits that writing failed', async () => {
    const handle = await open(at('closed'), 'w+');
    await handle.close();
    const writer = new OrderedWriter(handle, createHash('sha256'), 0, () => {});
    const [one, two] = [writer.expect(0, 10), writer.expect(10, 20)];
    writer.add(two, new Uint8Array(10));
    const waiting = Promise.allSettled([writer.written(one), writer.written(two)]);
    writer.add(one, new Uint8Array(10));
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(() => writer.add(two, new Uint8Array(1))).toThrow();
  });
});

describe('Meter', () => {
  it('measures what came lately', () => {
    let now = 0;
    const meter = new Meter(1000, () => now);
    expect(meter.progress()).toEqual({ done: 0, total: 1000, speed: undefined, left: undefined });
    meter.add(100, false);
    now = 1;
    expect(meter.progress()).toEqual({ done: 100, total: 1000, speed: 0, left: undefined });
    meter.add(300, true);
    now = 2;
    expect(meter.progress()).toEqual({ done: 400, total: 1000, speed: 150, left: 4 });
    for (now = 3; now <= 40; now++) meter.progress();
    expect(meter.progress()).toMatchObject({ done: 400, speed: 0 });
    expect(meter.received).toBe(300);
  });
});

describe('the disk', () => {
  it('is asked for space before anything comes', async () => {
    const has = (bytes: number) => async () => bytes;
    await expect(checkSpace('/models', 18.2e9, has(19e9))).resolves.toBeUndefined();
    await expect(checkSpace('/models', 18.2e9, has(10e9))).rejects.toThrow(
      '18.2 GB are to come, but the disk of /models has only 10.0 GB free: free 8.3 GB, or name a folder on another disk (--out, HF_HOME).',
    );
    await expect(checkSpace('/models', 0, has(0))).resolves.toBeUndefined();
    expect(await freeSpace(at('not/yet/there'))).toBeGreaterThan(0);
  });

  it('says sizes as people do', () => {
    const sizes = [0, 999, 1000, 12_345, 999_600, 18_163_000_000, 140_000_000_000, 2e12];
    expect(sizes.map(sizeText).join(', ')).toBe('0 bytes, 999 bytes, 1.0 kB, 12 kB, 1.0 MB, 18.2 GB, 140 GB, 2.0 TB');
  });
});
