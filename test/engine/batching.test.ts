import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/engine/decoder.js';
import { generate } from '../../src/engine/generate.js';
import { Scheduler, type Scores } from '../../src/engine/scheduler.js';
import { languageModelTensors } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { type Answer, config, eachAlone, openDecoder, type Request, run, someRequest, wait } from './golden-lm.js';

const requests = Array.from({ length: 16 }, (_, seed) => someRequest(seed));
let alone: Answer[];
let decoder: Decoder;

beforeAll(async () => {
  alone = await eachAlone(requests);
  decoder = await openDecoder();
});
afterAll(() => decoder.release());

const begin = async (scheduler: Scheduler, request: Request, signal?: AbortSignal, onRow?: () => void) => {
  await wait(request.after);
  return run(scheduler, request, signal, onRow);
};

describe('requests together', () => {
  it('are of all kinds', () => {
    const kinds = requests.map(({ segments, settings }) => [
      segments.join(),
      ...segments.map((modality) => settings[modality].cfg > 1),
    ]);
    expect(new Set(kinds.map(String)).size).toBeGreaterThan(5);
    expect(Math.max(...alone.map(({ length }) => length))).toBeGreaterThan(200);
  });

  it.each([2, 3, 4, 6])('give each what it gives alone, %i at a time with staggered starts', async (size) => {
    const scheduler = new Scheduler(decoder);
    for (let at = 0; at < requests.length; at += size) {
      const group = requests.slice(at, at + size);
      expect(await Promise.all(group.map((request) => begin(scheduler, request)))).toEqual(alone.slice(at, at + size));
    }
  });

  it('give the same with two threads', async () => {
    const other = await openDecoder(2);
    const scheduler = new Scheduler(other);
    expect(await Promise.all(requests.slice(0, 4).map((request) => begin(scheduler, request)))).toEqual(
      alone.slice(0, 4),
    );
    await other.release();
  });

  it('have bit-identical scores, in any company', async () => {
    const row = (id: number) => Int32Array.from({ length: config.num_stream }, (_, s) => (s === 0 ? id : 0));
    const trace = async (scheduler: Scheduler, request: Request): Promise<Scores[]> => {
      const lane = scheduler.open();
      await lane.prefill(request.prompt);
      const scores: Scores[] = [];
      for (let i = 0; i < 12; i++) scores.push(await lane.step(row(300 + i), 'text'));
      await lane.guide();
      for (let i = 0; i < 12; i++) scores.push(await lane.step(row(560 + i), 'audio', 3));
      await lane.close();
      return scores;
    };
    const single: Scores[][] = [];
    for (const request of requests.slice(0, 5)) single.push(await trace(new Scheduler(decoder), request));
    const scheduler = new Scheduler(decoder);
    const together = await Promise.all(
      requests.slice(0, 5).map(async (request) => {
        await wait(request.after);
        return trace(scheduler, request);
      }),
    );
    expect(together).toEqual(single);
  });
});

describe('scores of other shapes', () => {
  it.each([
    { num_attention_heads: 4, num_key_value_heads: 4 },
    { num_attention_heads: 3, num_key_value_heads: 1 },
    { num_attention_heads: 6, num_key_value_heads: 2, head_dim: 48, hidden_size: 200 },
  ])('are bit-identical in any company: %o', async (sizes) => {
    const other = { ...config, hidden_size: 128, intermediate_size: 300, head_dim: 64, num_hidden_layers: 2, ...sizes };
    const random = new Random('shapes');
    const weights = new Map(
      [...languageModelTensors(other)].map(([name, shape]) => {
        const length = shape.reduce((a, b) => a * b, 1);
        const scale = shape.length > 1 ? 1 / Math.sqrt(shape[1]) : 1;
        return [name, Float32Array.from({ length }, () => random.normal() * scale)];
      }),
    );
    const shaped = await Decoder.create(other, { threads: 8, parameters: (name) => ({ data: weights.get(name)! }) });
    // More than 256 rows: there long sums are cut in parts.
    const trace = async (scheduler: Scheduler, count: number): Promise<Scores[]> => {
      const lane = scheduler.open();
      await lane.prefill({
        count,
        ids: Int32Array.from({ length: count * 8 }, (_, i) => (i % 8 ? 0 : 256 + (i % 300))),
      });
      const scores: Scores[] = [];
      for (let i = 0; i < 8; i++)
        scores.push(await lane.step(new Int32Array(8).fill(400 + i), i < 5 ? 'text' : 'audio'));
      await lane.close();
      return scores;
    };
    const counts = [300, 9, 65, 130];
    const single: Scores[][] = [];
    for (const count of counts) single.push(await trace(new Scheduler(shaped), count));
    const scheduler = new Scheduler(shaped);
    expect(await Promise.all(counts.map((count) => trace(scheduler, count)))).toEqual(single);
    await shaped.release();
  });
});

describe('a cancelled request', () => {
  it('fails with the reason and leaves the others alone', async () => {
    const scheduler = new Scheduler(decoder);
    const controllers = requests.slice(0, 6).map(() => new AbortController());
    const reason = new Error('enough');
    const results = await Promise.allSettled(
      requests.slice(0, 6).map((request, i) => {
        let rows = 0;
        const stopAt = [4, 0, 0, 9, 0, 0][i];
        return begin(scheduler, request, controllers[i].signal, () => {
          rows++;
          if (rows === stopAt) controllers[i].abort(reason);
        });
      }),
    );
    expect(results).toEqual(
      alone
        .slice(0, 6)
        .map((value, i) => (i === 0 || i === 3 ? { status: 'rejected', reason } : { status: 'fulfilled', value })),
    );
    expect(await run(scheduler, requests[0])).toEqual(alone[0]);
  });

  it('is not begun when its signal has fired', async () => {
    const reason = new Error('never mind');
    await expect(run(new Scheduler(decoder), requests[0], AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('a failing batch', () => {
  it('fails those in it, and the scheduler goes on', async () => {
    const scheduler = new Scheduler(decoder);
    const lane = scheduler.open();
    await lane.prefill(requests[0].prompt);
    const broken = Object.create(decoder) as Decoder;
    broken.feed = () => Promise.reject(new Error('out of memory'));
    const failing = new Scheduler(broken);
    await expect(run(failing, requests[1])).rejects.toThrow('out of memory');
    await lane.close();
    expect(await run(scheduler, requests[1])).toEqual(alone[1]);
  });
});

describe('positions', () => {
  it('run out without an error: the segment ends as at its step limit', async () => {
    const small = Object.create(decoder, { config: { value: { ...config, max_position_embeddings: 64 } } }) as Decoder;
    const lane = new Scheduler(small).open();
    await lane.prefill({ count: 40, ids: new Int32Array(40 * config.num_stream).fill(300) });
    const settings = { temperature: 0, topk: 1, cfg: 1, min_step: 500, max_step: 500 };
    const options = { segments: ['text' as const, 'audio' as const], text: settings, audio: settings };
    const segments = await generate(lane, small.config, { ...options, random: new Random(0) });
    expect(segments.map(({ endedBy, rows }) => [endedBy, rows.length])).toEqual([['max_step', 22]]);
    expect(lane.length).toBe(64);
    await lane.close();
  });
});
