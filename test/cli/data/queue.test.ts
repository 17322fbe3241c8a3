import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lena } from '../../audio/make.js';
import { hasRedis, RedisServer } from '../../data/queue/redis-server.js';
import { ScriptedEndpoint } from '../../data/scripted-endpoint.js';
import { bagpiper, type Shown } from '../terminal.js';

describe('bagpiper data worker', () => {
  it('needs a queue, and says when there is none', async () => {
    const without = await bagpiper(['data', 'worker']);
    expect(without.code).toBe(2);
    expect(without.err).toContain('A worker needs --queue');
    const nobody = await bagpiper(['data', 'worker'], { env: { BAGPIPER_QUEUE: 'redis://127.0.0.1:1' } });
    expect(nobody.code).toBe(3);
    expect(nobody.err).toContain('redis://127.0.0.1:1: no Redis can be used there');
  });
});

describe.runIf(hasRedis)('bagpiper data label --queue', () => {
  let redis: RedisServer;
  let endpoint: ScriptedEndpoint;
  let folder: string;
  const stop = new AbortController();
  let worker: Promise<Shown>;

  beforeAll(async () => {
    redis = await RedisServer.start();
    endpoint = await ScriptedEndpoint.start({ script: ({ sounds }) => `Sound of ${sounds[0].bytes.length} bytes.` });
    folder = mkdtempSync(join(tmpdir(), 'bagpiper-queue-'));
    mkdirSync(join(folder, 'sounds'));
    for (const ending of ['wav', 'flac', 'mp3']) copyFileSync(lena(ending), join(folder, 'sounds', `lena.${ending}`));
    worker = bagpiper(['data', 'worker', '--queue', redis.address, '--jobs', '2'], {
      signal: stop.signal,
      env: { BAGPIPER_API_KEY: 'of-the-worker' },
    });
  });
  afterAll(async () => {
    stop.abort();
    await worker;
    await endpoint.stop();
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  const label = (run: string, ...more: string[]): Promise<Shown> => {
    const where = ['--run', join(folder, run), '--endpoint', endpoint.address, '--llm-model', 'scripted', ...more];
    return bagpiper(['data', 'label', join(folder, 'sounds'), ...where], { env: { BAGPIPER_API_KEY: 'mine' } });
  };

  it('leaves what a run without a queue leaves, with the key of the worker alone', async () => {
    const there = await label('there', '--queue', redis.address);
    expect(there.complaints).toEqual([]);
    expect(there.code).toBe(0);
    expect(there.out).toContain('label: 3');
    expect((await label('here')).code).toBe(0);
    for (const stage of ['files', 'clips', 'label']) {
      const [by, alone] = ['there', 'here'].map((run) => readFileSync(join(folder, run, `${stage}.jsonl`), 'utf8'));
      expect(by, stage).toBe(alone);
    }
    const client = new Redis(redis.address);
    const texts = await Promise.all((await client.keys('*campaign*')).map((key) => client.get(key)));
    client.disconnect();
    expect(texts.join()).not.toContain('mine');
  });

  it('says that a key which is typed does not reach workers', async () => {
    const { err } = await label('typed', '--queue', redis.address, '--api-key', 'typed');
    expect(err).toContain('set BAGPIPER_API_KEY where they run');
  });

  it('is told about its workers, which end well when they are told to', async () => {
    const listed = await bagpiper(['data', 'worker', '--list', '--queue', redis.address]);
    // Of itself a worker tells every few seconds only; the queue's own counts are of this moment.
    expect(listed.out).toMatch(
      /\/\d+ \(bagpiper .*, 2 jobs\): \d+ records, \d+ in hand\n1 worker; 0 records waiting, 0 in hand/,
    );
    stop.abort(new Error('stopped by SIGTERM'));
    const { code, out } = await worker;
    expect(code).toBe(0);
    // Of two runs: files that were looked into, and clips that got captions.
    expect(out).toBe('12 records.\n');
    const after = await bagpiper(['data', 'worker', '--list', '--json', '--queue', redis.address]);
    expect(JSON.parse(after.out)).toEqual({ workers: {}, waiting: 0, active: 0 });
  });
});
