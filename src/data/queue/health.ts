/** Who works, and how much there is to do. Times are those of the server, so clocks of machines need not agree. */
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { PREFIX, QUEUE, SAID_KEY, SEEN_KEY, SILENT_AFTER } from './protocol.js';

/** What a worker says about itself. */
export interface WorkerSaid {
  host: string;
  pid: number;
  version: string;
  /** records that it works on at once, at most, and now */
  jobs: number;
  inHand: number;
  /** records since it began */
  done: number;
  /** it takes no more and ends when it is through */
  draining: boolean;
}

export interface QueueHealth {
  /** workers that gave a sign of life lately, by name */
  workers: Record<string, WorkerSaid>;
  /** records that nobody works on yet, and that are worked on */
  waiting: number;
  active: number;
}

/** A sign of life. */
export async function sayAlive(redis: Redis, name: string, said: WorkerSaid): Promise<void> {
  const now = await secondsOf(redis);
  await redis.multi().zadd(SEEN_KEY, now, name).hset(SAID_KEY, name, JSON.stringify(said)).exec();
}

export async function sayGone(redis: Redis, name: string): Promise<void> {
  await redis.multi().zrem(SEEN_KEY, name).hdel(SAID_KEY, name).exec();
}

export async function healthOf(redis: Redis, queue: Pick<Queue, 'getJobCounts'>): Promise<QueueHealth> {
  const now = await secondsOf(redis);
  const dead = await redis.zrangebyscore(SEEN_KEY, '-inf', `(${now - SILENT_AFTER}`);
  if (dead.length > 0)
    await redis
      .multi()
      .zrem(SEEN_KEY, ...dead)
      .hdel(SAID_KEY, ...dead)
      .exec();
  const [said, counts] = await Promise.all([redis.hgetall(SAID_KEY), queue.getJobCounts('wait', 'active')]);
  const workers = Object.fromEntries(
    Object.entries(said)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, text]) => [name, JSON.parse(text) as WorkerSaid]),
  );
  return { workers, waiting: counts.wait ?? 0, active: counts.active ?? 0 };
}

/** As {@link healthOf}, for who only looks. @throws ServerError as connect */
export async function queueHealth(address: string): Promise<QueueHealth> {
  const { connect, loadBullmq } = await import('./connect.js');
  const redis = await connect(address);
  const { bullmq } = await loadBullmq();
  const queue = new bullmq.Queue(QUEUE, { connection: redis, prefix: PREFIX });
  queue.on('error', () => {});
  try {
    return await healthOf(redis, queue);
  } finally {
    await queue.close();
    redis.disconnect();
  }
}

async function secondsOf(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) + Number(microseconds) / 1e6;
}
