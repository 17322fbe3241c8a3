/** Several servers in turn, how long is waited, and addresses. */

import { describe, expect, it } from 'vitest';
import { backoff, Endpoints, type Failure, fault, parseAddresses, shown } from '../../src/endpoints/index.js';
import { timer } from '../../src/endpoints/surroundings.js';
import { ServerError } from '../../src/errors.js';

const never = new AbortController().signal;
const RETRY = { times: 3, wait: 0.5, longest: 60 };

/** Endpoints under a clock that only waiting moves. */
function endpoints(names: readonly string[], retry = RETRY) {
  let now = 100;
  const slept: number[] = [];
  const sleep = async (seconds: number): Promise<void> => {
    slept.push(seconds);
    now += seconds;
  };
  return { all: new Endpoints(names, retry, { now: () => now, sleep, random: () => 1, timer }), slept };
}

/** Work that fails as told, in this order, then succeeds; remembers whom it asked. */
function work(...failures: (Failure | undefined)[]) {
  const asked: string[] = [];
  const run = async (name: string): Promise<string> => {
    asked.push(name);
    const failure = failures.shift();
    if (failure) throw failure;
    return name;
  };
  return { asked, run };
}

const busy = (wait?: number): Failure => fault('it', 'is busy.', 'here', { wait });
const broken = (): Failure => fault('it', 'is broken.', 'elsewhere');

describe('one server', () => {
  it('is asked again after waits that double', async () => {
    const { all, slept } = endpoints(['a']);
    const { asked, run } = work(busy(), busy(), busy());
    expect(await all.run(run, never)).toBe('a');
    expect(asked).toHaveLength(4);
    expect(slept).toEqual([0.5, 1, 2]);
  });

  it('is given up after so many tries', async () => {
    const { all } = endpoints(['a']);
    const { asked, run } = work(busy(), busy(), busy(), busy());
    await expect(all.run(run, never)).rejects.toThrow('it: is busy.');
    expect(asked).toHaveLength(4);
  });

  it('is left alone as long as it asks for, by all requests', async () => {
    const { all, slept } = endpoints(['a']);
    const { run } = work(busy(7), undefined);
    await all.run(run, never);
    expect(slept).toEqual([7]);
    await expect(all.run(work(busy(7), busy(3600)).run, never)).rejects.toThrow(/busy.* left alone for 3600 s/);
    await expect(all.run(work().run, never)).rejects.toThrow(ServerError);
  });

  it('is not asked again where that cannot help, or where some of the answer went out', async () => {
    const { all } = endpoints(['a']);
    for (const [failure, delivered] of [
      [broken(), false],
      [busy(), true],
    ] as const) {
      const { asked, run } = work(failure);
      await expect(all.run(run, never, () => delivered)).rejects.toThrow('it: is');
      expect(asked).toEqual(['a']);
    }
  });
});

describe('several servers', () => {
  it('take turns', async () => {
    const { all } = endpoints(['a', 'b', 'c']);
    const { asked, run } = work();
    for (let i = 0; i < 6; i++) await all.run(run, never);
    expect(asked.join('')).toBe('abcabc');
  });

  it('get requests where there is least to do', async () => {
    const { all } = endpoints(['a', 'b']);
    const finish: (() => void)[] = [];
    const asked: string[] = [];
    const slow = async (name: string): Promise<void> => {
      asked.push(name);
      if (name === 'a') await new Promise<void>((resolve) => finish.push(resolve));
    };
    const first = all.run(slow, never);
    for (let i = 0; i < 3; i++) await all.run(slow, never);
    expect(asked.join('')).toBe('abbb');
    finish[0]();
    await first;
  });

  it('stand in for one that fails, at once, and let it rest', async () => {
    const { all, slept } = endpoints(['a', 'b']);
    const { asked, run } = work(busy());
    for (let i = 0; i < 3; i++) await all.run(run, never);
    expect({ asked: asked.join(''), slept }).toEqual({ asked: 'abbb', slept: [] });
  });

  it('come back after a rest', async () => {
    const { all, slept } = endpoints(['a', 'b']);
    // a and b fail once each, then a again: the waits are longer than a second's rest in the end.
    const { asked, run } = work(busy(), busy(), busy(), undefined);
    await all.run(run, never);
    expect(asked.join('')).toBe('abab');
    expect(slept).toEqual([1, 2]);
  });

  it('all fail with one sentence of all', async () => {
    const { all } = endpoints(['a', 'b']);
    const failing = async (name: string): Promise<never> => {
      throw fault(name, 'is broken.', 'elsewhere');
    };
    await expect(all.run(failing, never)).rejects.toThrow('None of 2 servers answered: a: is broken; b: is broken.');
  });
});

describe('waits', () => {
  it('double, are half random, and end at the longest', () => {
    expect([1, 2, 3, 20].map((tries) => backoff(tries, RETRY, 1))).toEqual([0.5, 1, 2, 60]);
    expect([1, 2, 3, 20].map((tries) => backoff(tries, RETRY, 0))).toEqual([0.25, 0.5, 1, 30]);
  });
});

describe('addresses', () => {
  it.each([
    ['http://a:9811', 'http://a:9811/v1'],
    ['HTTPS://A/v1/', 'https://a/v1'],
    ['http://a/api/v3/chat/completions?version=2#x', 'http://a/api/v3'],
    ['http://a/v1, http://b:1/v1,', 'http://a/v1 http://b:1/v1'],
    ['http://a/v1,http://a/v1/', 'http://a/v1'],
  ])('%s', (source, addresses) => {
    expect(parseAddresses(source).map(shown).join(' ')).toBe(addresses);
  });

  it.each([
    ['http://', 'no address'],
    ['http://a:99999/v1', 'no address'],
    ['http://me:secret@a/v1', 'holds a user name or password'],
  ])('refuses %s', (source, message) => {
    expect(() => parseAddresses(source)).toThrow(message);
    expect(() => parseAddresses(source)).not.toThrow('secret');
  });
});
