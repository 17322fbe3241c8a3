import { describe, expect, it } from 'vitest';
import { Permits } from '../src/permits.js';

describe('Permits', () => {
  it('go to whoever asked first, and back', async () => {
    const permits = new Permits(1);
    const { signal } = new AbortController();
    const order: number[] = [];
    const first = await permits.take(signal);
    const others = [1, 2, 3].map(async (n) => {
      const release = await permits.take(signal);
      order.push(n);
      release();
      release();
    });
    first();
    await Promise.all(others);
    expect(order).toEqual([1, 2, 3]);
  });

  it('are not lost with those who give up waiting', async () => {
    const permits = new Permits(1);
    const gone = new AbortController();
    const first = await permits.take(gone.signal);
    const waiting = permits.take(gone.signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    first();
    await expect(permits.take(new AbortController().signal)).resolves.toBeTypeOf('function');
  });
});
