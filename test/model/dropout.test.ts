import { describe, expect, it } from 'vitest';
import { drawKeptMessage, dropConditions } from '../../src/model/dropout.js';
import { buildRows } from '../../src/model/grid.js';
import { Random } from '../../src/random.js';
import { audio, goldenConfig, text } from './golden.js';

const config = goldenConfig({ audio_cfg: 0.25 });
const two = buildRows([text('user', 4), audio(2, 1), text('user', 5), audio(3, 2)], config, { mode: 'train' });
const none = buildRows([text('user', 4), text('assistant', 5)], config, { mode: 'train' });

describe('drawKeptMessage', () => {
  it('keeps each audio answer equally often, at the configured rate', () => {
    const random = new Random(1);
    const counts = new Map<number | null, number>();
    for (let i = 0; i < 20_000; i++) {
      const kept = drawKeptMessage(two, config, random);
      counts.set(kept, (counts.get(kept) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([1, 3, null]);
    // Five standard deviations of these binomial counts are 306 and 234.
    expect(Math.abs(counts.get(null)! - 15_000)).toBeLessThan(306);
    expect(Math.abs(counts.get(1)! - 2500)).toBeLessThan(234);
  });

  it('leaves samples without an audio answer alone, but spends the draw', () => {
    const always = goldenConfig({ audio_cfg: 1 });
    const [random, other] = [new Random(5), new Random(5)];
    expect(drawKeptMessage(none, always, random)).toBeNull();
    other.next();
    expect(random.next()).toBe(other.next());
    expect(drawKeptMessage(two, goldenConfig({ audio_cfg: 0 }), random)).toBeNull();
  });
});

describe('dropConditions', () => {
  const kept = two.segments[3];
  const [from, to] = [(kept.contentStart - 2) * 8, (kept.contentStart + kept.contentLength + 1) * 8];

  it('leaves exactly the kept message, with its mask', () => {
    const dropped = dropConditions(two, 3);
    expect(dropped.ids.subarray(from, to)).toEqual(two.ids.subarray(from, to));
    expect(dropped.lossMask.subarray(from, to)).toEqual(two.lossMask.subarray(from, to));
    expect(dropped.ids.subarray(0, from).every((id) => id === 0)).toBe(true);
    expect(dropped.lossMask.subarray(0, from).every((weight) => weight === 0)).toBe(true);
    expect([dropped.length, dropped.continuous]).toEqual([two.length, []]);
  });

  it('does not touch the grid it was given', () => {
    const before = two.ids.slice();
    dropConditions(two, 3);
    expect(two.ids).toEqual(before);
  });
});
