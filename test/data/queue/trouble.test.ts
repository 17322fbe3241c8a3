import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Line } from '../../../src/data/index.js';
import { Coordinator, queueHealth, runWorker, type WorkerOptions } from '../../../src/data/queue/index.js';
import { type JobResult, PREFIX, QUEUE } from '../../../src/data/queue/protocol.js';
import { BagpiperError, ServerError } from '../../../src/errors.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { countingSpec, countingStage } from './stages.js';

describe('an address of a queue', () => {
  it.each(['localhost:6379', 'http://localhost:6379', 'redis://', 'nonsense'])('is refused: %s', async (address) => {
    const error = await Coordinator.open(address).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BagpiperError);
    expect(error).not.toBeInstanceOf(ServerError);
    expect(String(error)).toContain('redis://host:6379');
  });

  it('is not shown with its password', async () => {
    await expect(queueHealth('redis://me:hush@127.0.0.1:1')).rejects.toThrow(
      'redis://127.0.0.1:1: no Redis can be used there',
    );
    await expect(queueHealth('redis:/me:hush@127.0.0.1:1')).rejects.not.toThrow('hush');
  });

  it('has nothing to say to workers that make no sense', async () => {
    const options: WorkerOptions = { open: countingStage, signal: new AbortController().signal };
    await expect(runWorker('redis://127.0.0.1:1', { ...options, jobs: 0 })).rejects.toThrow('--jobs is 0');
    await expect(runWorker('redis://127.0.0.1:1', { ...options, lostAfter: 0 })).rejects.toThrow('--lost-after is 0');
    await expect(runWorker('redis://127.0.0.1:1', options)).rejects.toThrow(ServerError);
  });
});

describe.runIf(hasRedis)('trouble with a queue', () => {
  let redis: RedisServer;
  let folder: string;
  let ends: (() => Promise<unknown>)[];
  const signal = new AbortController().signal;

  beforeEach(async () => {
    redis = await RedisServer.start();
    folder = mkdtempSync(join(tmpdir(), 'bagpiper-queue-'));
    ends = [];
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function coordinator(address = redis.address, warn?: (text: string) => void): Promise<Coordinator> {
    const opened = await Coordinator.open(address, { lookAfter: 0.3, ...(warn && { warn }) });
    ends.push(() => opened.close());
    return opened;
  }

  /** A worker that does as it is told, with BullMQ alone. */
  function scripted(result: (times: number) => JobResult): void {
    const connection = new Redis(redis.address, { maxRetriesPerRequest: null });
    let times = 0;
    const worker = new Worker(QUEUE, async () => result(times++), { connection, prefix: PREFIX });
    ends.push(async () => {
      await worker.close();
      connection.disconnect();
    });
  }

  function worker(): void {
    const drain = new AbortController();
    const ended = runWorker(redis.address, { open: countingStage, signal: drain.signal });
    ends.push(() => {
      drain.abort();
      return ended;
    });
  }

  const spec = (more: object = {}) => countingSpec({ log: join(folder, 'log'), wait: 0, ...more });

  async function execute(settings = spec(), input: object = {}): Promise<Line> {
    const executor = (await coordinator()).executor(folder, settings);
    return executor.execute({ id: 'one', n: 3, ...input } as { id: string }, signal);
  }

  it('a worker that throws: the record has an error', async () => {
    scripted(() => {
      throw new Error('out of order');
    });
    expect(await execute()).toEqual({ id: 'one', error: { kind: 'defect', message: 'out of order' } });
  });

  it('a worker that knows nothing of the campaign: the record is sent again', async () => {
    scripted((times) => (times < 2 ? { dropped: true } : { line: { id: 'one', result: { id: 'one' } } }));
    expect(await execute()).toEqual({ id: 'one', result: { id: 'one' } });
  });

  it('sound that a worker has no folder of, while the coordinator has: all ends', async () => {
    const unreadable = join(folder, 'a.wav');
    scripted(() => ({ unreadable, message: `${unreadable}: cannot be read on far.`, worker: 'far/1/aa' }));
    await expect(execute()).rejects.toThrow(`Worker far/1/aa: ${unreadable}: cannot be read on far.`);
  });

  it('sound whose folder is nowhere: the record has an error', async () => {
    worker();
    const uri = join(folder, 'gone', 'a.wav');
    const line = await execute(spec({ hears: true }), { audio: { uri } });
    expect(line).toMatchObject({ id: 'one', error: { kind: 'unreadable' } });
    expect(JSON.stringify(line)).toMatch(/same path, or name it as s3:\/\//);
  });

  it("sound in a bucket is the stage's matter", async () => {
    worker();
    const line = await execute(spec({ hears: true }), { audio: { uri: 's3://bucket/a.wav' } });
    expect(line).toHaveProperty('result');
  });

  it('a worker of another version', async () => {
    worker();
    const opened = await coordinator();
    const about = { version: '0.0.1', spec: spec(), run: folder, coordinator: 'near/1' };
    await opened.begin('token', 'token.sum', about);
    const sent = opened.send('token.sum.one', { campaign: 'token.sum', input: { id: 'one' } }, signal);
    await expect(sent).rejects.toThrow(/is bagpiper .*, but near\/1 asks with 0\.0\.1; install the same version/);
  });

  it.each([{ apiKey: 'hush' }, { chat: { endpoints: 'http://me:hush@host/v1' } }])(
    'secrets stay at home: %o',
    async (more) => {
      const settings = spec(more);
      await expect(execute(settings)).rejects.toThrow('must not go through Redis');
      const client = new Redis(redis.address);
      for (const key of await client.keys('*campaign*')) expect(await client.get(key)).not.toContain('hush');
      client.disconnect();
    },
  );

  it('a password that is wrong', async () => {
    await redis.stop();
    redis = await RedisServer.start('--requirepass', 'right');
    const error = await Coordinator.open(redis.address).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServerError);
    expect(String(error)).toContain('NOAUTH');
    await coordinator(redis.address.replace('//', '//:right@'));
  });

  it('a Redis that throws data away when it is full', async () => {
    await redis.stop();
    redis = await RedisServer.start('--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru');
    const said: string[] = [];
    await coordinator(redis.address, (text) => said.push(text));
    expect(said).toEqual([expect.stringContaining('set it to noeviction')]);
  });
});
