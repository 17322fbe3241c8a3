/**
 * Workers behind Redis: what a record costs, and whether every id comes out once while workers are killed. Needs redis-server;
 * the workers are processes of their own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Coordinator } from '../src/data/queue/index.js';
import { inputsOf, Run, runStage } from '../src/data/run/index.js';
import { BagpiperError } from '../src/errors.js';
import { Random } from '../src/random.js';
import { hasRedis, RedisServer } from '../test/data/queue/redis-server.js';
import { type Counting, countingSpec, countingStage, numbered } from '../test/data/queue/stages.js';
import { measured, type Row, row, secondsSince } from './measure.js';

const WORKERS = 4;
/** Seconds between two kills, milliseconds that a record takes, and records that a worker has in hand. */
const KILL_EVERY = 3;
const WAIT = 200;
const JOBS = 8;
const WORKER = fileURLToPath(new URL('../test/data/queue/worker-process.ts', import.meta.url));

export interface QueueBenchOptions {
  records: number;
  progress: (message: string) => void;
}

export async function queue({ records, progress }: QueueBenchOptions): Promise<{ rows: Row[]; notes: string[] }> {
  if (!hasRedis)
    throw new BagpiperError('There is no redis-server here; install it (Debian: apt install redis-server).');
  const quick = await trial({ records, wait: 0, jobs: 32, kill: false, progress });
  const killed = await trial({ records, wait: WAIT, jobs: JOBS, kill: true, progress });
  const rows = [
    row('records, all workers alive, no work in them', '1/s', [records / quick.seconds]),
    row('processor time of the coordinator', 'ms/record', [(1000 * quick.processor) / records]),
    row(`records of ${WAIT} ms, a worker killed every ${KILL_EVERY} s`, '1/s', [records / killed.seconds], {
      limit: `${WORKERS} workers with ${JOBS} in hand: at most ${(1000 * WORKERS * JOBS) / WAIT}`,
    }),
  ];
  const notes = [
    `${records} records, ${WORKERS} workers, SIGKILL ${killed.kills} times: ${killed.once} ids once, ${killed.missing} missing, ${killed.double} more than once in the run; ${killed.again} were begun again, as their worker had died.`,
  ];
  return { rows, notes };
}

interface Trial {
  records: number;
  wait: number;
  jobs: number;
  kill: boolean;
  progress: (message: string) => void;
}

async function trial({ records, wait, jobs, kill, progress }: Trial) {
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-queue-'));
  const redis = await RedisServer.start();
  const random = new Random('bench queue');
  const worker = (): ChildProcess =>
    spawn(process.execPath, ['--import', 'tsx', WORKER, redis.address, String(jobs), '2'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  const workers = Array.from({ length: WORKERS }, worker);
  let kills = 0;
  const killer = setInterval(() => {
    if (!kill) return;
    kills++;
    const which = random.int(WORKERS);
    workers[which].kill('SIGKILL');
    workers[which] = worker();
  }, KILL_EVERY * 1000);
  try {
    const settings: Counting = { log: join(folder, 'log'), wait };
    const { clock, processor } = await coordinate(redis.address, join(folder, 'run'), settings, records, progress);
    const ids = readFileSync(join(folder, 'run', 'count.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(idOf);
    const begun = readFileSync(settings.log, 'utf8').trim().split('\n').length;
    const once = new Set(ids).size;
    return {
      seconds: clock,
      processor,
      kills,
      once,
      missing: records - once,
      double: ids.length - once,
      again: begun - records,
    };
  } finally {
    clearInterval(killer);
    for (const child of workers) child.kill('SIGKILL');
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function coordinate(
  address: string,
  folder: string,
  settings: Counting,
  records: number,
  progress: (message: string) => void,
) {
  const spec = countingSpec(settings);
  const run = await Run.open(folder, { create: true });
  const coordinator = await Coordinator.open(address);
  while (Object.keys(coordinator.health?.workers ?? {}).length < WORKERS) await new Promise((r) => setTimeout(r, 50));
  const start = performance.now();
  let told = start;
  const stage = await countingStage(spec);
  const took = await measured(() =>
    runStage(run, stage, inputsOf(numbered(records)), {
      executor: coordinator.executor(run.folder, spec),
      window: 512,
      onProgress: ({ done, status }) => {
        if (secondsSince(told) < 5) return;
        told = performance.now();
        progress(`${done} of ${records} after ${secondsSince(start).toFixed(0)} s, ${status ?? ''}`);
      },
    }),
  );
  await coordinator.close();
  await run.close();
  return took;
}

const idOf = (line: string): string => (JSON.parse(line) as { id: string; result: object }).id;
