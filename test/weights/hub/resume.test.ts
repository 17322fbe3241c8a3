/** A download that is stopped at any moment, and goes on. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../../src/random.js';
import { pullModel } from '../../../src/weights/hub/index.js';
import { COMMIT, published, StubHub, sha256 } from './stub-hub.js';

const MODEL = 'espnet/bagpiper-sft';
const SIZE = 400_000;
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
let home: string;
let hub: StubHub;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'bagpiper-resume-'));
  hub = await StubHub.start(published(SIZE));
});
afterEach(async () => {
  await hub.stop();
  rmSync(home, { recursive: true, force: true });
});

const root = (...steps: string[]): string =>
  join(home, '.cache/huggingface/hub/models--espnet--bagpiper-sft', ...steps);
const model = (): Buffer => Buffer.from(hub.repos[MODEL].files['model.pt'].content);
const incomplete = (): string => root('blobs', `${sha256(model())}.incomplete`);

/** Pulls in a process of its own, which is killed once the stub has sent so many bytes. @returns the signal, if it was */
async function pullUntil(bytes: number): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, home, hub.endpoint], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let before: number | undefined;
  hub.onSent = (total) => {
    before ??= total;
    if (total - before >= bytes) child.kill('SIGKILL');
  };
  return await new Promise((resolve) => child.on('close', (_code, signal) => resolve(signal)));
}

describe('a pull that is stopped', () => {
  it('by kill -9 at any moment, comes out the same', async () => {
    const random = new Random(11);
    for (let kill = 0; kill < 4; kill++) {
      expect(await pullUntil(20_000 + random.int(80_000))).toBe('SIGKILL');
      // What is there is a true beginning, so other tools can go on with it too, and no name leads to it yet.
      const there = existsSync(incomplete()) ? readFileSync(incomplete()) : Buffer.alloc(0);
      expect(there.equals(model().subarray(0, there.length)), `beginning after kill ${kill}`).toBe(true);
      expect(existsSync(root('refs'))).toBe(false);
    }
    expect(await pullUntil(Number.POSITIVE_INFINITY)).toBeNull();
    const files = ['MANIFEST', 'README.md', 'conf/train sft+1.yaml', 'model.pt'];
    for (const path of files) {
      const content = Buffer.from(hub.repos[MODEL].files[path].content);
      expect(readFileSync(root('snapshots', COMMIT, path)).equals(content), path).toBe(true);
    }
    const tokenizer = Buffer.from(hub.repos['Qwen/Qwen3-8B-Base'].files['tokenizer.json'].content);
    expect(readFileSync(root('snapshots', COMMIT, 'tokenizer.json')).equals(tokenizer)).toBe(true);
    expect(readdirSync(root('blobs')).filter((name) => name.endsWith('.incomplete'))).toEqual([]);
    // Most of what came before a kill was used.
    const sent = hub.downloads('storage').length;
    expect(sent).toBeLessThan(5 * Math.ceil(SIZE / 16_384));
  });

  it('by the signal, keeps what has come', async () => {
    const controller = new AbortController();
    hub.onSent = (total) => {
      if (total > 150_000) controller.abort(new Error('Ctrl-C'));
    };
    hub.pieceDelay = 1;
    const options = {
      env: { HOME: home, HF_ENDPOINT: hub.endpoint },
      pace: { attempts: 3, backoff: 5, silence: 10_000, chunk: 32_768 },
      tokenizer: false as const,
      jobs: 3,
    };
    await expect(pullModel(MODEL, { ...options, signal: controller.signal })).rejects.toThrow('Ctrl-C');
    const { size } = statSync(incomplete());
    // Of 150,000 bytes those of two ranges may wait for one before them.
    expect(size).toBeGreaterThan(80_000);
    expect(readFileSync(incomplete()).equals(model().subarray(0, size))).toBe(true);
    const { folder, received } = await pullModel(MODEL, options);
    expect(readFileSync(join(folder, 'model.pt')).equals(model())).toBe(true);
    expect(received).toBeLessThanOrEqual(SIZE - size + 100);
  });

  it('by a process that died holding the lock, goes on', async () => {
    const lock = join(home, '.cache/huggingface/hub/.locks/models--espnet--bagpiper-sft');
    mkdirSync(lock, { recursive: true });
    const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await new Promise((resolve) => dead.on('close', resolve));
    const { hostname } = await import('node:os');
    const mark = { pid: dead.pid, host: hostname(), began: '', token: 'theirs' };
    writeFileSync(join(lock, 'bagpiper.lock'), JSON.stringify(mark));
    await expect(
      pullModel(MODEL, { env: { HOME: home, HF_ENDPOINT: hub.endpoint }, tokenizer: false }),
    ).resolves.toMatchObject({ commit: COMMIT });
  });
});
