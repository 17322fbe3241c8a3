/**
 * The cache that stays on the device, with this processor as the device, or with the one that BAGPIPER_TEST_DEVICE names
 * (docs/gpu.md). What it gives must be what the cache in typed arrays gives.
 */
import { describe, expect, it } from 'vitest';
import { Decoder } from '../../src/engine/decoder.js';
import { Scheduler } from '../../src/engine/scheduler.js';
import { Random } from '../../src/random.js';
import type { Device } from '../../src/runtime/index.js';
import { openSafetensors, toFloat32 } from '../../src/weights/index.js';
import { GOLDEN } from '../model/golden.js';
import { config, openDecoder, run, someRequest, wait } from './golden-lm.js';

const device = (process.env.BAGPIPER_TEST_DEVICE ?? 'cpu') as Device;

function openOnDevice(): Promise<Decoder> {
  const file = openSafetensors(`${GOLDEN}/model.safetensors`);
  return Decoder.create(
    config,
    { threads: 1, device, parameters: (name) => ({ data: toFloat32(file.tensor(name)) }) },
    true,
  );
}

function rows(count: number, seed: string): { count: number; ids: Int32Array } {
  const random = new Random(seed);
  const ids = new Int32Array(count * config.num_stream);
  for (let t = 0; t < count; t++) ids[t * config.num_stream] = config.text_token_offset + random.int(300);
  return { count, ids };
}

/** Largest difference of two lists of equal length. */
function apart(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}

/** Another processor rounds otherwise. */
const NEAR = 1e-4;

describe(`the cache on the device (${device})`, () => {
  it('answers several requests at once as the cache in arrays does', { timeout: 120_000 }, async () => {
    const requests = Array.from({ length: 8 }, (_, i) => someRequest(i));
    const answers = [];
    for (const decoder of [await openDecoder(), await openOnDevice()]) {
      const scheduler = new Scheduler(decoder);
      const one = async (i: number) => {
        await wait(requests[i].after);
        return run(scheduler, requests[i]);
      };
      answers.push(await Promise.all(requests.map((_, i) => one(i))));
      await decoder.release();
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  it('keeps what slots hold while it grows, moves them and is trimmed', { timeout: 120_000 }, async () => {
    const found: Float32Array[][] = [];
    for (const decoder of [await openDecoder(), await openOnDevice()]) {
      const list: Float32Array[] = [];
      const feed = async (slot: number, count: number, seed: string) => {
        list.push(await decoder.feed({ slot, slots: 1, ...rows(count, seed) }));
      };
      await feed(0, 60, 'a');
      // A second slot, and more rows than a page.
      await feed(1, 90, 'b');
      for (let i = 0; i < 3; i++) await feed(0, 50, `more ${i}`);
      // Both in one step, the second one idle: it must stay as it is.
      list.push(await decoder.feed({ slot: 0, slots: 2, ...rows(2, 'c'), count: 1, idle: [false, true] }));
      await feed(1, 1, 'd');
      decoder.move(1, 0);
      await feed(0, 5, 'e');
      // All-zero rows that were computed with less room than there is now.
      while (!(await decoder.growZeros(70))) {}
      decoder.takeZeros(1, 70);
      await feed(1, 3, 'f');
      for (let i = 0; i < 18; i++) await feed(0, 60, `long ${i}`);
      decoder.clear(0);
      decoder.clear(1);
      decoder.trim();
      await feed(0, 4, 'g');
      decoder.takeZeros(1, 65);
      await feed(1, 2, 'h');
      found.push(list);
      await decoder.release();
    }
    const [arrays, kept] = found;
    expect(kept.length).toBe(arrays.length);
    for (const [i, vectors] of arrays.entries()) expect(apart(vectors, kept[i])).toBeLessThan(NEAR);
  });
});
