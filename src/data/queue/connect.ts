/** Connections to Redis, checked once before anything is asked of them. BullMQ is loaded when a queue is used. */
import type { Redis } from 'ioredis';
import { BagpiperError, messageOf, ServerError } from '../../errors.js';

/** Milliseconds that the first connection may take, and between two tries when one was lost. */
const FIRST = 5000;
const AGAIN = { least: 200, most: 5000 };
/** BullMQ's scripts need it. */
const OLDEST = 6.2;

/** Both packages. @throws BagpiperError where one is missing */
export async function loadBullmq(): Promise<{
  bullmq: typeof import('bullmq');
  ioredis: Pick<typeof import('ioredis'), 'Redis'>;
}> {
  try {
    const [bullmq, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, ioredis };
  } catch (error) {
    throw new BagpiperError(
      `--queue needs the packages bullmq and ioredis, which could not be loaded (${messageOf(error)}); install them with "npm install bullmq ioredis".`,
    );
  }
}

/** The address without its password, to be shown. @throws BagpiperError for what is no address of Redis */
export function shownQueue(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    // Not shown whole: what is misspelt may hold a password.
    const head = address.split('@').at(-1);
    throw new BagpiperError(
      `--queue is "${head}"; an address of Redis is accepted, as in redis://host:6379 or rediss://user:password@host:6380/0.`,
    );
  }
  url.password = '';
  url.username = '';
  return url.href.replace(/\/$/, '');
}

/**
 * Connects. The connection is taken up again whenever it is lost.
 * @param warn hears what is odd about the server
 * @throws BagpiperError for what is no address; ServerError when no Redis answers there, or one that cannot be used
 */
export async function connect(address: string, warn: (text: string) => void = () => {}): Promise<Redis> {
  const shown = shownQueue(address);
  const { ioredis } = await loadBullmq();
  let connected = false;
  const redis = new ioredis.Redis(address, {
    lazyConnect: true,
    connectTimeout: FIRST,
    // Commands wait for a lost connection, as BullMQ asks for.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (connected ? Math.min(AGAIN.most, AGAIN.least * 2 ** Math.min(times, 10)) : null),
  });
  let last: unknown;
  redis.on('error', (error) => {
    last = error;
  });
  try {
    await redis.connect();
    await check(redis, shown, warn);
  } catch (error) {
    redis.disconnect();
    if (error instanceof BagpiperError) throw error;
    const why = messageOf(last ?? error) || (last as NodeJS.ErrnoException | undefined)?.code;
    throw new ServerError(`${shown}: no Redis can be used there (${why}); start one, or correct --queue.`);
  }
  connected = true;
  return redis;
}

async function check(redis: Redis, shown: string, warn: (text: string) => void): Promise<void> {
  const info = await redis.info('server');
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? '';
  if (Number.parseFloat(version) < OLDEST) {
    throw new BagpiperError(`${shown}: is Redis ${version}; ${OLDEST} or newer is needed.`);
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1];
  if (policy && policy !== 'noeviction') {
    warn(`${shown}: throws data away when its memory is full (maxmemory-policy ${policy}); set it to noeviction.`);
  }
}
