import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../src/random.js';
import { heldBytes } from './memory.js';
import { damaged, type Format, outcomeOf, seedsOf } from './seeds.js';

/** As mutation.test.ts, for the formats decoded by WebAssembly, which starts anew for every file. */
const path = process.env.PATH;
beforeAll(() => {
  process.env.PATH = '';
});
afterAll(() => {
  process.env.PATH = path;
});

test.each([
  ['mp3', 5_000],
  ['ogg vorbis', 2_000],
  ['ogg opus', 4_000],
] as [Format, number][])('%s, %d damaged files', { timeout: 600_000 }, async (format, count) => {
  const seeds = await seedsOf(format);
  const random = new Random(`mutation ${format}`);
  let refused = 0;
  const held: number[] = [];
  for (let i = 0; i < count; i++) {
    const bytes = damaged(format, seeds, random);
    const outcome = await outcomeOf(bytes, random.pick([65536, 65536, 100, 7]));
    if (outcome.kind === 'refused') refused++;
    // 120 ms of Opus at 48 kHz from a packet of one byte, with the two of its page's table.
    expect(outcome.samples).toBeLessThanOrEqual(2 * 5760 * (1 + bytes.length));
    if (i % 500 !== 499) continue;
    held.push(await heldBytes());
  }
  expect(refused).toBeGreaterThan(count * 0.1);
  expect(refused).toBeLessThan(count * 0.95);
  // Decoders of files that failed do not stay behind: thousands of them, of 16 MB each, would show.
  expect(Math.max(...held) - held[0]).toBeLessThan(128e6);
});
