import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertModel, loadBagpiper, packagedModel, prepareModel } from '../../src/tasks/index.js';

const GUITAR = fileURLToPath(new URL('../../examples/guitar.flac', import.meta.url));

const root = mkdtempSync(join(tmpdir(), 'bagpiper-prepare-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const model = join(root, 'q4');
let expected: string;
let mapped: string;

/** A caption, and how much of the process's memory are pages of the compiled weights. */
async function caption(folder: string): Promise<{ caption: string; mapped: boolean }> {
  const bagpiper = await loadBagpiper(folder, { threads: 1 });
  try {
    const { caption } = await bagpiper.describe(GUITAR);
    // Only Linux tells which files a process maps; elsewhere the words must do.
    const maps = process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8') : `${folder}/prepared`;
    return { caption, mapped: maps.includes(`${folder}/prepared`) };
  } finally {
    await bagpiper.close();
  }
}

const graphs = (): string[] => readdirSync(mapped).map((name) => join(mapped, name));

beforeAll(async () => {
  await convertModel(packagedModel(), model);
  expected = (await caption(model)).caption;
  ({ folder: mapped } = await prepareModel(model, { threads: 1 }));
});

describe('a prepared model', () => {
  it('says what it said before, with its weights mapped from the compiled graphs', async () => {
    expect(graphs()).toHaveLength(4);
    expect(await caption(model)).toEqual({ caption: expected, mapped: true });
  });

  it('is prepared again without being made again', async () => {
    const before = graphs().sort();
    writeFileSync(join(before[0], 'mark'), '');
    const { folder, bytes } = await prepareModel(model, { threads: 1 });
    expect(folder).toBe(mapped);
    expect(bytes).toBeGreaterThan(1e6);
    expect(existsSync(join(before[0], 'mark'))).toBe(true);
  });

  it.each([
    ['weights', 1000],
    ['graph.onnx', 100],
  ])('runs from its own weights where the compiled %s were cut off', async (file, length) => {
    const damaged = join(root, `damaged-${file}`);
    cpSync(model, damaged, { recursive: true });
    for (const folder of readdirSync(join(damaged, 'prepared'), { recursive: true, encoding: 'utf8' })) {
      if (folder.endsWith(file)) truncateSync(join(damaged, 'prepared', folder), length);
    }
    expect((await caption(damaged)).caption).toBe(expected);
  });

  it('leaves graphs of other weights aside, and removes them when it is prepared anew', async () => {
    const other = join(root, 'other');
    await convertModel(packagedModel(), other, { quantize: 'q8' });
    cpSync(join(model, 'prepared'), join(other, 'prepared'), { recursive: true });
    expect((await caption(other)).mapped).toBe(false);
    const { folder } = await prepareModel(other, { threads: 1 });
    expect(readdirSync(join(other, 'prepared')).map((name) => join(other, 'prepared', name))).toEqual([folder]);
  });
});

describe('a folder of links, as in the cache of the hub', () => {
  it('runs, and is prepared', async () => {
    const links = join(root, 'links');
    mkdirSync(links);
    for (const name of readdirSync(model)) if (name !== 'prepared') symlinkSync(join(model, name), join(links, name));
    expect(await caption(links)).toEqual({ caption: expected, mapped: false });
    await prepareModel(links, { threads: 1 });
    expect(await caption(links)).toEqual({ caption: expected, mapped: true });
  });
});

describe('what cannot be prepared', () => {
  it('a model of plain numbers', async () => {
    await expect(prepareModel()).rejects.toThrow(/not stored in 4 or 8 bits, so there is nothing to prepare/);
  });

  it('a server', async () => {
    await expect(prepareModel('http://127.0.0.1:1/v1')).rejects.toThrow(/is a server; only a model folder/);
  });

  it('anything after a signal', async () => {
    const cancelled = join(root, 'cancelled');
    await convertModel(packagedModel(), cancelled);
    const controller = new AbortController();
    const running = prepareModel(cancelled, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
