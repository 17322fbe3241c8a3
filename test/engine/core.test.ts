import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Core, type CoreRequest } from '../../src/engine/core.js';
import { SoundStream } from '../../src/engine/sound.js';
import type { EngineEvent, EngineMessage } from '../../src/engine/types.js';
import { openModel } from '../../src/model/bagpiper.js';
import { openCodec } from '../../src/model/codec/open.js';
import { delayInterleave } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { SCRIPT, TINY, writeTinyModel } from '../tiny-model.js';

let folder: string;
let core: Core;

beforeAll(async () => {
  folder = await writeTinyModel(mkdtempSync(join(tmpdir(), 'bagpiper-core-')));
  core = await Core.open(folder, 1);
});
afterAll(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

const said = (text: string): EngineMessage => ({ role: 'user', modality: 'text', text });
const noise = (samples: number, seed: number): EngineMessage => {
  const random = new Random(seed);
  return {
    role: 'user',
    modality: 'audio',
    samples: Float32Array.from({ length: samples }, () => random.range(-0.5, 0.5)),
  };
};
const render = (seed: number, steps = 60, text = 'a bell'): CoreRequest => ({
  messages: [said(text)],
  segments: ['text', 'audio'],
  audio: { min_step: steps, max_step: steps },
  seed,
});
const ask = (seed: number, samples = 8000): CoreRequest => ({
  messages: [noise(samples, seed), said('What is it?')],
  segments: ['text'],
  text: { temperature: 2, min_step: 20, max_step: 30 },
  seed,
});

async function events(request: CoreRequest, signal = new AbortController().signal, on?: (event: EngineEvent) => void) {
  const list: EngineEvent[] = [];
  await core.run(
    request,
    (event) => {
      list.push(event);
      on?.(event);
    },
    signal,
  );
  return list;
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}

/** What came out, without times. */
function outcome(list: readonly EngineEvent[]) {
  const end = list.at(-1);
  if (end?.type !== 'end') throw new Error('no end');
  const { seconds, ...stats } = end.stats;
  return {
    segments: end.segments,
    stats,
    deltas: list.flatMap((event) => (event.type === 'text' ? [event.delta] : [])),
    sound: list.flatMap((event) => (event.type === 'audio' ? [event.samples] : [])),
  };
}

const phases = (list: readonly EngineEvent[]) => list.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));

describe('sound', () => {
  it('comes in pieces while rows still come, and the pieces are the whole', async () => {
    const list = await events(render(1));
    const { segments, stats, deltas, sound } = outcome(list);
    expect(deltas.join('')).toBe(SCRIPT.join(''));
    expect(sound.length).toBeGreaterThan(2);
    expect(joined(sound)).toEqual(segments[1].samples);
    // 60 rows of 4 streams are 57 frames of 640 samples.
    expect(segments[1]).toMatchObject({ rows: 60, endedBy: 'max_step' });
    expect(segments[1].samples).toHaveLength(57 * 640);
    expect(stats).toEqual({ promptRows: 4 + 'a bell'.length, textTokens: SCRIPT.length, audioFrames: 57 });
    const types = list.map(({ type }) => type);
    expect(types.indexOf('audio')).toBeLessThan(types.lastIndexOf('progress'));
  });

  it('is what decoding all codes at once gives', async () => {
    const model = openModel(folder);
    const codec = openCodec(model)!;
    const random = new Random('codes');
    for (const frames of [0, 1, 7, 9, 40, 150]) {
      const codes = Int32Array.from({ length: frames * TINY.num_stream }, () => random.int(codec.codebookSize));
      const ids = delayInterleave(codes, model.config);
      const pieces: Float32Array[] = [];
      const stream = new SoundStream(model.config, codec, (samples) => pieces.push(samples));
      for (let at = 0; at < ids.length; at += TINY.num_stream) stream.push(ids.subarray(at, at + TINY.num_stream));
      const samples = await stream.end();
      expect(joined(pieces)).toEqual(samples);
      const whole = await codec.decode(codes);
      expect(samples).toHaveLength(whole.length);
      expect(Math.max(0, ...samples.map((x, i) => Math.abs(x - whole[i])))).toBeLessThan(1e-5);
    }
    await codec.release();
  });

  it('has no samples where the segment ends before one frame is whole', async () => {
    const { segments, stats } = outcome(await events(render(1, 2)));
    expect(segments[1]).toMatchObject({ rows: 2, samples: new Float32Array(0) });
    expect(stats.audioFrames).toBe(0);
  });
});

describe('several requests', () => {
  const requests = [render(1), ask(2), render(3, 30, 'x'.repeat(150)), ask(4, 40_000), ask(5, 9000), render(6, 45)];

  it('queue beyond four rows, in order, and give what each gives alone', async () => {
    const alone = [];
    for (const request of requests) alone.push(outcome(await events(request)));
    const lists = await Promise.all(requests.map((request) => events(request)));
    expect(lists.map(outcome)).toEqual(alone);
    // Two rows, one, two (no room), and nobody overtakes.
    expect(lists.map((list) => phases(list)[0])).toEqual(['prefill', 'encode', 'queued', 'queued', 'queued', 'queued']);
    const unqueued = await events(requests[0]);
    expect(phases(unqueued)).toEqual(['prefill']);
  });

  it('leave the queue when cancelled, and let the next one in', async () => {
    const long = [render(1, 80), render(2, 80)];
    const waiting = new AbortController();
    const running = long.map((request) => events(request));
    const reason = new Error('changed my mind');
    const cancelled = events(ask(3), waiting.signal, () => waiting.abort(reason));
    const next = events(ask(4));
    await expect(cancelled).rejects.toBe(reason);
    expect(phases(await next)).toEqual(['queued', 'encode', 'prefill']);
    await Promise.all(running);
  });

  it('are not hurt by one that fails or is cancelled in any phase', async () => {
    const good = [render(1), ask(2)];
    const alone = [];
    for (const request of good) alone.push(outcome(await events(request)));
    const bad: [CoreRequest, RegExp][] = [
      [ask(3, 20), /20 samples at 16 kHz; at least 160/],
      [ask(3, 31 * 16000), /31\.0 s; at most 30 s/],
      [render(4, 60, 'y'.repeat(1100)), /1104 rows; this model takes at most 1024/],
      [{ ...render(5), audio: { topk: 0 } }, /audio setting "topk" is 0; a whole number from 1 is accepted/],
      [{ ...render(5), text: { temperature: Number.NaN } }, /text setting "temperature" is NaN/],
    ];
    for (const [request, message] of bad) {
      const [broken, ...fine] = await Promise.allSettled([events(request), ...good.map((request) => events(request))]);
      expect(String((broken as PromiseRejectedResult).reason)).toMatch(message);
      expect(fine.map((result) => outcome((result as PromiseFulfilledResult<EngineEvent[]>).value))).toEqual(alone);
    }
    for (const type of ['phase', 'segment', 'text', 'progress', 'audio'] as const) {
      const controller = new AbortController();
      const victim = events(render(9), controller.signal, (event) => {
        if (event.type === type) controller.abort(new Error(type));
      });
      const results = Promise.all(good.map((request) => events(request)));
      await expect(victim).rejects.toThrow(type);
      expect((await results).map(outcome)).toEqual(alone);
    }
  });
});
