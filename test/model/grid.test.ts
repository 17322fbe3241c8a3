import { describe, expect, it } from 'vitest';
import { delayDeinterleave, delayInterleave } from '../../src/model/delay.js';
import { buildRows } from '../../src/model/grid.js';
import type { Message } from '../../src/model/messages.js';
import { checkSequences } from '../../src/model/parity-sequences.js';
import { audio, GOLDEN, goldenConfig, text } from './golden.js';

const config = goldenConfig();

describe('the reference cases', () => {
  const lines = checkSequences(GOLDEN);

  it('are all there', () => {
    expect(lines.map(({ name }) => name.split('/')[0])).toEqual([
      ...new Array(19).fill('sequences'),
      ...new Array(3).fill('packs'),
      ...new Array(7).fill('delay'),
    ]);
    expect(lines.filter(({ required }) => !required)).toHaveLength(2);
  });

  it.each(lines.map((line) => [line.name, line] as const))('%s', (_, line) => {
    expect(line.error).toBe(0);
    expect(line.ok).toBe(true);
  });
});

describe('buildRows', () => {
  const rows = (messages: Message[], mode: 'train' | 'inference' = 'train'): number[] => {
    const { ids, length } = buildRows(messages, config, { mode });
    return Array.from({ length }, (_, row) => ids[row * 8]);
  };

  it('is one bos row for an empty conversation', () => {
    expect(rows([])).toEqual([1]);
    expect(rows([text('assistant', 5)], 'inference')).toEqual([1]);
  });

  it('ends a turn with eos and goes on within it with eot', () => {
    expect(rows([text('user', 5), text('user', 6), text('assistant', 7)])).toEqual([
      ...[1, 5, 7, 261, 3],
      ...[5, 7, 262, 2],
      ...[6, 7, 263, 2],
    ]);
  });

  it('keeps an empty text and an empty sound', () => {
    expect(rows([text('user')])).toEqual([1, 5, 7, 2]);
    expect(rows([{ role: 'user', modality: 'audio', frames: 0 }])).toEqual([1, 5, 8, 2]);
    expect(rows([audio(0)])).toEqual([1, 6, 8, 556, 556, 556, 556, 556, 556, 556, 2]);
  });

  it('refuses what does not fit the model', () => {
    const codes = (length: number, value = 0): Message => ({
      role: 'assistant',
      modality: 'audio',
      codes: new Int32Array(length).fill(value),
    });
    expect(() => rows([text('user', 300)])).toThrow(/tokenizer and model do not match/);
    expect(() => rows([codes(8, 32)])).toThrow(/Audio code 32/);
    expect(() => rows([codes(9)])).toThrow(/no whole number of frames/);
    expect(() => rows([{ role: 'user', modality: 'audio', frames: -1 }])).toThrow(/-1 frames/);
    expect(() => rows([{ ...codes(8), role: 'user' } as unknown as Message])).toThrow(/belong to the assistant/);
  });

  it('weighs the streams of codec rows as the config says', () => {
    const weights = [1, 0.5, 0, 0, 0, 0, 0, 0.25];
    const grid = buildRows([audio(1)], goldenConfig({ stream_weights: weights }), { mode: 'train' });
    expect([...grid.lossMask.subarray(3 * 8, 4 * 8)]).toEqual(weights);
  });
});

describe('the delay pattern', () => {
  it('can be undone for other stream counts too', () => {
    for (const num_stream of [1, 2, 5]) {
      const few = goldenConfig({ num_stream, stream_weights: new Array(num_stream).fill(1) });
      const codes = Int32Array.from({ length: 6 * num_stream }, (_, i) => (i * 7) % 32);
      const ids = delayInterleave(codes, few);
      expect(ids).toHaveLength((6 + num_stream - 1) * num_stream);
      expect(delayDeinterleave(ids, few)).toEqual(codes);
    }
  });

  it('gives no frame for too few rows, and refuses broken rows', () => {
    expect(delayDeinterleave(new Int32Array(0), config)).toHaveLength(0);
    expect(delayDeinterleave(new Int32Array(7 * 8), config)).toHaveLength(0);
    expect(() => delayDeinterleave(new Int32Array(9), config)).toThrow(/no whole number of rows/);
  });
});
