/** Where requests go, when they wait, and when they are given up: under a clock that only waiting moves. */
import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Pool, type PoolOptions } from '../../../src/data/llm/pool.js';
import { RecordError } from '../../../src/data/types.js';
import { type Failure, fault, mistake, statusFailure } from '../../../src/endpoints/index.js';
import { BagpiperError, ServerError } from '../../../src/errors.js';
import { TestClock } from '../clock.js';

const never = new AbortController().signal;
setMaxListeners(0, never);
const OPTIONS: PoolOptions = {
  concurrency: 8,
  requestsPerMinute: Number.POSITIVE_INFINITY,
  tokensPerMinute: Number.POSITIVE_INFINITY,
  retry: { times: 3, wait: 0.5, longest: 60 },
  patience: 900,
};

function poolOf(names: readonly string[], options: Partial<PoolOptions> = {}) {
  const clock = new TestClock();
  const pool = new Pool(names, { ...OPTIONS, ...options }, clock);
  const run = <R>(work: (name: string) => Promise<R>, tokens = 1, signal = never): Promise<R> =>
    pool.run(work, tokens, () => undefined, signal);
  return { clock, pool, run };
}

/** Answers after some seconds. */
const after =
  (clock: TestClock, seconds: Record<string, number>, asked: string[] = []) =>
  async (name: string): Promise<string> => {
    asked.push(name);
    await clock.sleep(seconds[name], never);
    return name;
  };

const refused = (): Failure => fault('it', 'the connection was refused.', 'here', { kind: 'connection' });
const status = (code: number, headers: Record<string, string> = {}): Failure =>
  statusFailure('it', code, '', (name) => headers[name] ?? null);
const many = <R>(count: number, make: (i: number) => Promise<R>): Promise<PromiseSettledResult<R>[]> =>
  Promise.allSettled(Array.from({ length: count }, (_, i) => make(i)));
const reasons = (results: PromiseSettledResult<unknown>[]): unknown[] =>
  results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));

/** How often each name occurs. */
function counts(names: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const name of names) sums[name] = (sums[name] ?? 0) + 1;
  return sums;
}

describe('where requests go', () => {
  it('equal endpoints share them equally', async () => {
    const { clock, run } = poolOf(['a', 'b', 'c', 'd']);
    const asked: string[] = [];
    await many(400, () => run(after(clock, { a: 1, b: 1, c: 1, d: 1 }, asked)));
    expect(counts(asked)).toEqual({ a: 100, b: 100, c: 100, d: 100 });
    // 32 at a time, a second each.
    expect(clock.seconds).toBeCloseTo(13, 3);
  });

  it('a slow endpoint gets less, and none starves', async () => {
    const { clock, run } = poolOf(['quick', 'slow']);
    const asked: string[] = [];
    await many(500, () => run(after(clock, { quick: 1, slow: 4 }, asked)));
    const { quick, slow } = counts(asked);
    // All slots of both are always taken: 8 a second and 2 a second.
    expect(quick / slow).toBeGreaterThan(3.5);
    expect(quick / slow).toBeLessThan(4.6);
  });

  it('with slots to spare, the quicker one is asked more', async () => {
    const { clock, run } = poolOf(['quick', 'slow'], { concurrency: 100 });
    const asked: string[] = [];
    const lane = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await run(after(clock, { quick: 1, slow: 4 }, asked));
    };
    await many(10, lane);
    const { quick, slow } = counts(asked);
    expect(quick / slow).toBeGreaterThan(6);
    expect(slow).toBeGreaterThan(5);
  });

  it('one that fails half of its requests gets less than one that does not, and nothing is lost', async () => {
    const { clock, run, pool } = poolOf(['good', 'bad'], { concurrency: 100 });
    const asked: string[] = [];
    let n = 0;
    const work = async (name: string): Promise<string> => {
      await after(clock, { good: 1, bad: 1 }, asked)(name);
      if (name === 'bad' && n++ % 2 === 0) throw status(500);
      return name;
    };
    const lane = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) await run(work);
    };
    expect(reasons(await many(10, lane))).toEqual([]);
    const { good, bad } = counts(asked);
    expect(good / bad).toBeGreaterThan(2);
    expect(pool.places[0].succeeded + pool.places[1].succeeded).toBe(400);
  });

  it("others' requests count as load", async () => {
    const { clock, run, pool } = poolOf(['a', 'b']);
    pool.places[0].others = 6;
    const asked: string[] = [];
    await many(6, () => run(after(clock, { a: 1, b: 1 }, asked)));
    expect(counts(asked)).toEqual({ b: 6 });
  });
});

describe('when requests wait', () => {
  it.each([1, 2, 7, 60, 600])('never more than %d a minute', async (requestsPerMinute) => {
    const { clock, run } = poolOf(['a'], { requestsPerMinute, concurrency: 1000 });
    const times: number[] = [];
    const count = Math.min(300, requestsPerMinute * 4);
    await many(count, () =>
      run(async () => {
        times.push(clock.now());
      }),
    );
    for (const [i, time] of times.entries()) {
      expect(
        times.filter((other) => other >= time && other < time + 60 && other >= times[i]).length,
      ).toBeLessThanOrEqual(requestsPerMinute);
    }
    // And not much less: at the full rate from the second minute on.
    expect(clock.seconds).toBeLessThanOrEqual((count / requestsPerMinute) * 60 * 1.05 + 1e-3);
  });

  it('tokens a minute are kept, and what was guessed too high comes back', async () => {
    const clock = new TestClock();
    const pool = new Pool(['a'], { ...OPTIONS, tokensPerMinute: 6000, concurrency: 1000 }, clock);
    const work = (took: number) =>
      pool.run(
        async () => took,
        100,
        (result) => result,
        never,
      );
    await many(200, () => work(100));
    // 20,000 tokens at 6,000 a minute, 200 of them at once.
    expect(clock.seconds).toBeGreaterThan(195);
    expect(clock.seconds).toBeLessThan(208);
    const began = clock.seconds;
    await many(200, () => work(10));
    expect(clock.seconds - began).toBeLessThan(25);
  });

  it('as long as Retry-After says, all of them', async () => {
    const { clock, run } = poolOf(['a']);
    let first = true;
    const times: number[] = [];
    await many(8, () =>
      run(async () => {
        if (first) {
          first = false;
          throw status(429, { 'retry-after': '7' });
        }
        times.push(clock.now());
      }),
    );
    expect(times.at(-1)).toBe(7);
    expect(clock.seconds).toBe(7);
  });

  it('a storm of 429 ends with every request done', async () => {
    const { clock, run, pool } = poolOf(['a', 'b'], { concurrency: 128 });
    // A server that takes 5 requests a second, and refuses the rest without saying how long.
    const taken = new Map<string, number[]>();
    const work = async (name: string): Promise<string> => {
      const now = clock.now();
      const recent = (taken.get(name) ?? []).filter((time) => time > now - 1);
      if (recent.length >= 5) throw status(429);
      taken.set(name, [...recent, now]);
      await clock.sleep(0.5, never);
      return name;
    };
    expect(reasons(await many(256, () => run(work)))).toEqual([]);
    expect(pool.places.map(({ running }) => running)).toEqual([0, 0]);
  });

  it('is over at once for those who are cancelled', async () => {
    const { run, pool } = poolOf(['a'], { concurrency: 1 });
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const reason = new Error('enough');
    let finish = (): void => {};
    const first = run(() => new Promise<void>((resolve) => (finish = resolve)));
    const others = many(50, () => run(async () => {}, 1, stop.signal));
    expect(pool.waiting).toBe(50);
    stop.abort(reason);
    expect(pool.waiting).toBe(0);
    expect(new Set(reasons(await others))).toEqual(new Set([reason]));
    finish();
    await first;
    expect(await run(async (name) => name)).toBe('a');
  });
});

describe('failures', () => {
  it('are tried again elsewhere at once, here after a wait', async () => {
    const { clock, run } = poolOf(['a', 'b']);
    const asked: [string, number][] = [];
    const work = async (name: string): Promise<void> => {
      asked.push([name, clock.now()]);
      if (asked.length < 3) throw status(500);
    };
    await run(work);
    expect(asked).toEqual([
      ['a', 0],
      ['b', 0],
      ['a', 0.5],
    ]);
  });

  it.each([
    [status(500), 'status_500', 4],
    [refused(), 'connection', 4],
    [fault('it', 'no answer', 'elsewhere', { kind: 'timeout' }), 'timeout', 4],
    [fault('it', 'no choices', 'elsewhere'), 'bad_answer', 4],
    [status(400), 'refused_400', 1],
    [status(413), 'refused_413', 1],
  ])('of one request are its own: %s', async (failure, kind, tries) => {
    const { run } = poolOf(['a']);
    let asked = 0;
    const error = await run(async () => {
      asked++;
      throw failure;
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RecordError);
    expect((error as RecordError).reason.kind).toBe(kind);
    expect(asked).toBe(tries);
  });

  it('let an endpoint rest, and one request shows whether it is back', async () => {
    const { clock, run } = poolOf(['a'], { retry: { times: 9, wait: 0, longest: 60 } });
    const asked: number[] = [];
    let down = true;
    const all = many(8, () =>
      run(async () => {
        asked.push(clock.now());
        if (down) throw refused();
      }),
    );
    await clock.sleep(2, never);
    down = false;
    await all;
    // The first wave and two new tries before the third failure, a try after 1 s, one 2 s later that succeeds, all others.
    expect(asked.filter((time) => time === 0)).toHaveLength(10);
    expect(asked.slice(10)).toEqual([1, ...Array.from({ length: 8 }, () => 3)]);
  });

  it('of all servers for a long time end everything with one sentence', async () => {
    const { clock, run } = poolOf(['a', 'b'], { patience: 100 });
    const work = async (): Promise<void> => {
      throw refused();
    };
    const results = await many(64, () => run(work));
    expect(reasons(results)).toHaveLength(64);
    const all = reasons(results).filter((reason) => reason instanceof ServerError);
    expect(all.length).toBeGreaterThan(40);
    expect((all[0] as Error).message).toMatch(/^No server has answered for \d+ s, .*connection was refused/);
    expect(clock.seconds).toBeLessThan(200);
  });

  it('of key or path concern all requests, unless another endpoint stands in', async () => {
    const wrong = (): Failure =>
      mistake('a', 'it does not accept the API key.', 'elsewhere', { kind: 'status', status: 401 });
    const alone = poolOf(['a']);
    let asked = 0;
    const results = await many(20, () =>
      alone.run(async () => {
        asked++;
        throw wrong();
      }),
    );
    for (const reason of reasons(results)) {
      expect(reason).toBeInstanceOf(BagpiperError);
      expect(reason).not.toBeInstanceOf(ServerError);
      expect((reason as Error).message).toBe('a: it does not accept the API key.');
    }
    expect(asked).toBe(8);

    const two = poolOf(['a', 'b']);
    const names: string[] = [];
    const lane = await many(20, () =>
      two.run(async (name) => {
        if (name === 'a') throw wrong();
        names.push(name);
      }),
    );
    expect(reasons(lane)).toEqual([]);
    expect(names).toHaveLength(20);
    expect(two.pool.places[0].barred?.error.message).toContain('API key');
  });

  it('of all the first requests are the fault of the settings', async () => {
    const { run } = poolOf(['a']);
    const lane = async (): Promise<unknown[]> => {
      const errors: unknown[] = [];
      for (let i = 0; i < 20; i++) errors.push(await run(() => Promise.reject(status(400))).catch((error) => error));
      return errors;
    };
    const errors = (await Promise.all(Array.from({ length: 4 }, lane))).flat();
    const own = errors.filter((error) => error instanceof RecordError);
    expect(own).toHaveLength(8 + 63);
    const messages = errors.filter((error) => error instanceof BagpiperError).map(({ message }) => message);
    expect(messages).toHaveLength(80 - 71);
    expect(messages.sort()[0]).toMatch(/^The first 72 requests were all refused; .*\(400\)/);
    const other = poolOf(['a']);
    await other.run(async () => {});
    for (let i = 0; i < 80; i++) {
      await expect(other.run(() => Promise.reject(status(400)))).rejects.toBeInstanceOf(RecordError);
    }
  });

  it('of a kind that a proxy makes pass at an address that has answered', async () => {
    const { run } = poolOf(['a']);
    await run(async () => {});
    let n = 0;
    await run(async () => {
      if (n++ === 0) throw mistake('a', 'a web page.', 'elsewhere');
    });
    expect(n).toBe(2);
  });

  it('that ask for more than patience end everything', async () => {
    const { run } = poolOf(['a', 'b']);
    const results = await many(4, () =>
      run(async () => {
        throw status(429, { 'retry-after': '86400' });
      }),
    );
    for (const reason of reasons(results)) {
      expect(reason).toBeInstanceOf(ServerError);
      expect((reason as Error).message).toContain('left alone, the first for 86400 s');
    }
  });
});
