import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Coordinator, queueHealth, runWorker } from '../../../src/data/queue/index.js';
import { inputsOf, Run, runStage, type StageOutcome } from '../../../src/data/run/index.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { type Counting, countingSpec, countingStage, type Numbered, numbered } from './stages.js';

const script = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));

describe.runIf(hasRedis)('a queue on Redis', () => {
  let redis: RedisServer;
  let folder: string;
  let settings: Counting;
  let children: ChildProcess[];
  let drain: AbortController;
  let workers: Promise<number>[];

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bagpiper-queue-'));
    settings = { log: join(folder, 'log'), wait: 1 };
    children = [];
    workers = [];
    drain = new AbortController();
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    drain.abort();
    await Promise.all(workers);
    const client = new Redis(redis.address);
    await client.flushall();
    client.disconnect();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A process, which has begun when the log has so many lines more. */
  function start(name: string, ...args: string[]): ChildProcess {
    const child = spawn(process.execPath, ['--import', 'tsx', script(name), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  }

  /** A worker in this process. */
  function work(jobs: number, lostAfter = 1): Promise<number> {
    const worker = runWorker(redis.address, { open: countingStage, signal: drain.signal, jobs, lostAfter });
    workers.push(worker);
    return worker;
  }

  const begun = (): string[] =>
    existsSync(settings.log)
      ? readFileSync(settings.log, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => line.split(' ')[0])
      : [];
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await sleep(20);
  };
  const linesOf = (run = 'run'): string => readFileSync(join(folder, run, 'count.jsonl'), 'utf8');

  /** Works on records through the queue. */
  async function coordinate(
    inputs: Numbered[],
    options: { window?: number; signal?: AbortSignal; lookAfter?: number; stage?: Counting; chat?: object } = {},
  ): Promise<StageOutcome> {
    const spec = countingSpec(options.stage ?? settings);
    if (options.chat) Object.assign(spec.settings, { chat: options.chat });
    const { window = 64, signal, lookAfter } = options;
    const run = await Run.open(join(folder, 'run'), { create: true });
    const coordinator = await Coordinator.open(redis.address, lookAfter === undefined ? {} : { lookAfter });
    try {
      const executor = coordinator.executor(run.folder, spec);
      const stage = await countingStage(spec);
      return await runStage(run, stage, inputsOf(inputs), { executor, window, ...(signal && { signal }) });
    } finally {
      await coordinator.close();
      await run.close();
    }
  }

  /** The bytes that one process alone leaves. */
  async function alone(inputs: Numbered[]): Promise<string> {
    const spec = countingSpec({ ...settings, log: join(folder, 'other-log'), wait: 0 });
    const run = await Run.open(join(folder, 'alone'), { create: true });
    await runStage(run, await countingStage(spec), inputsOf(inputs));
    await run.close();
    return linesOf('alone');
  }

  async function jobsLeft(): Promise<number> {
    const client = new Redis(redis.address);
    const keys = await client.keys('{bagpiper}:records:*record-*');
    client.disconnect();
    return keys.length;
  }

  it('leaves what one process would leave, and nothing in Redis', async () => {
    Object.assign(settings, { aside: 5, broken: 10 });
    void work(16);
    void work(16);
    const outcome = await coordinate(numbered(200));
    expect(outcome.counts).toEqual({ results: 140, aside: { odd: 40 }, errors: { broken: 20 } });
    expect(linesOf()).toBe(await alone(numbered(200)));
    expect(await jobsLeft()).toBe(0);
  });

  it('has every id once when workers are killed again and again', async () => {
    settings.wait = 60;
    const count = 300;
    const spawnWorker = (): ChildProcess => start('worker-process', redis.address, '8', '0.6');
    const alive = [spawnWorker(), spawnWorker(), spawnWorker()];
    const finished = coordinate(numbered(count));
    for (let kills = 0; kills < 4; kills++) {
      const before = begun().length;
      await until(() => begun().length >= before + 40);
      alive.shift()?.kill('SIGKILL');
      alive.push(spawnWorker());
    }
    const { state, counts } = await finished;
    expect(state).toBe('done');
    expect(counts).toEqual({ results: count, aside: {}, errors: {} });
    expect(linesOf()).toBe(await alone(numbered(count)));
    expect(new Set(begun()).size).toBe(count);
    expect(await jobsLeft()).toBe(0);
  });

  it('goes on when the coordinator is killed, and does nothing twice', async () => {
    settings.wait = 5;
    void work(4, 30);
    const args = [redis.address, join(folder, 'run'), '120', '60', JSON.stringify(settings)];
    const first = start('coordinator-process', ...args);
    await until(() => begun().length >= 20);
    first.kill('SIGKILL');
    await once(first, 'exit');
    // What it had sent is finished without it, and waits.
    for (let seen = -1; seen !== begun().length; await sleep(100)) seen = begun().length;
    const sent = begun().length;
    expect(sent).toBeGreaterThanOrEqual(60);
    expect(sent).toBeLessThan(120);
    await coordinate(numbered(120), { window: 60 });
    expect(begun().sort()).toEqual(numbered(120).map(({ id }) => id));
    expect(linesOf()).toBe(await alone(numbered(120)));
  });

  it('does not take what an earlier beginning of the stage left', async () => {
    settings.wait = 50;
    void work(4);
    const stop = new AbortController();
    const interrupted = coordinate(numbered(20), { signal: stop.signal });
    await until(() => begun().length >= 12);
    stop.abort(new Error('stopped'));
    await expect(interrupted).rejects.toThrow('stopped');
    rmSync(join(folder, 'run', 'count.jsonl'));
    const before = begun().length;
    await coordinate(numbered(20));
    expect(new Set(begun().slice(before)).size).toBe(20);
  });

  it('drains on SIGTERM: finishes what is in hand and ends well', async () => {
    settings.wait = 400;
    const finished = coordinate(numbered(12));
    const worker = start('worker-process', redis.address, '3', '30');
    let said = '';
    worker.stdout?.on('data', (text) => {
      said += String(text);
    });
    await until(() => begun().length >= 3);
    worker.kill('SIGTERM');
    const [code] = await once(worker, 'exit');
    expect(code).toBe(0);
    const done = Number(said);
    expect(done).toBe(begun().length);
    expect(done).toBeLessThan(12);
    void work(12, 30);
    await finished;
    expect(begun().sort()).toEqual(numbered(12).map(({ id }) => id));
  });

  it('ends when it is told to drain as soon as it is there', async () => {
    const stop = new AbortController();
    const worker = runWorker(redis.address, {
      open: countingStage,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    expect(await worker).toBe(0);
  });

  it('goes on when Redis comes back with nothing in it', async () => {
    settings.wait = 30;
    void work(4);
    const finished = coordinate(numbered(60), { window: 20, lookAfter: 0.5 });
    await until(() => begun().length >= 15);
    await redis.down();
    await redis.up();
    expect((await finished).counts.results).toBe(60);
    expect(linesOf()).toBe(await alone(numbered(60)));
  });

  it('takes back what is not begun when it is interrupted', async () => {
    settings.wait = 200;
    void work(2);
    const stop = new AbortController();
    const interrupted = coordinate(numbered(30), { window: 30, signal: stop.signal });
    await until(() => begun().length >= 2);
    stop.abort(new Error('stopped'));
    await expect(interrupted).rejects.toThrow('stopped');
    drain.abort();
    await Promise.all(workers);
    expect(begun().length).toBeLessThan(8);
  });

  it('ends the stage for what concerns all records, and names the worker', async () => {
    void work(4);
    settings.fatal = 7;
    await expect(coordinate(numbered(30))).rejects.toThrow(/^Worker .+\/\d+\/\w+: The key is refused\.$/);
  });

  it('ends the stage when the budget of all workers together is used up', async () => {
    void work(8);
    const chat = { prices: { input: 0, output: 1e6 }, budget: 20 };
    await expect(coordinate(numbered(100), { window: 8, chat })).rejects.toThrow(/budget of 20 is used up/);
    expect(begun().length).toBeLessThan(40);
    await expect(coordinate(numbered(100), { window: 8, chat })).rejects.toThrow(/budget of 20 is used up/);
  });

  it('says who works', async () => {
    void work(3);
    await until(() => workers.length > 0);
    let health = await queueHealth(redis.address);
    while (Object.keys(health.workers).length === 0) health = await queueHealth(redis.address);
    expect(Object.values(health.workers)).toMatchObject([{ pid: process.pid, jobs: 3, inHand: 0, draining: false }]);
    drain.abort();
    await Promise.all(workers);
    expect(await queueHealth(redis.address)).toEqual({ workers: {}, waiting: 0, active: 0 });
  });
});
