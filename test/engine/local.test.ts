/** The engine in its worker thread (compiled: scripts/ready.mjs). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, type EngineEvent, type GenerateRequest, openEngine } from '../../src/engine/index.js';
import { SCRIPT, writeTinyModel } from '../tiny-model.js';

let folder: string;
const open: Engine[] = [];

beforeAll(async () => {
  folder = await writeTinyModel(mkdtempSync(join(tmpdir(), 'bagpiper-engine-')));
});
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(): Promise<Engine> {
  const engine = await openEngine(folder, { threads: 1 });
  open.push(engine);
  return engine;
}

const short: GenerateRequest = {
  messages: [{ role: 'user', modality: 'text', text: 'Hi' }],
  segments: ['text'],
  seed: 1,
};
const long: GenerateRequest = { ...short, segments: ['audio'], audio: { min_step: 1500, max_step: 1500 } };

async function answer(engine: Engine): Promise<string | undefined> {
  const list: EngineEvent[] = [];
  for await (const event of engine.generate(short)) list.push(event);
  const end = list.at(-1);
  return end?.type === 'end' ? end.segments[0].text : undefined;
}

/** An iterator that has begun: its first event has come. */
async function begun(engine: Engine, request: GenerateRequest): Promise<AsyncIterator<EngineEvent>> {
  const events = engine.generate(request)[Symbol.asyncIterator]();
  await events.next();
  return events;
}

async function drain(events: AsyncIterator<EngineEvent>): Promise<void> {
  while (!(await events.next()).done);
}

describe('the engine', () => {
  it('answers several requests at once', async () => {
    const engine = await start();
    const texts = await Promise.all(Array.from({ length: 7 }, () => answer(engine)));
    expect(texts).toEqual(texts.map(() => SCRIPT.join('')));
  });

  it('throws the reason of a signal, before and during a request, and goes on', async () => {
    const engine = await start();
    const reason = new Error('stop');
    await expect(begun(engine, { ...long, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const events = await begun(engine, { ...long, signal: controller.signal });
    const rest = drain(events);
    controller.abort(reason);
    await expect(rest).rejects.toBe(reason);
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(await answer(engine)).toBe(SCRIPT.join(''));
  });

  it('can be left at any moment, also while an event is awaited', async () => {
    const engine = await start();
    for await (const _ of engine.generate(long)) break;
    // Two guided requests fill the engine; the third would wait for long.
    const running = await Promise.all([begun(engine, long), begun(engine, long)]);
    const queued = await begun(engine, long);
    const pending = queued.next();
    expect(await queued.return?.()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
    for (const events of running) await events.return?.();
    expect(await answer(engine)).toBe(SCRIPT.join(''));
  });

  it('ends requests with a clear error when it is closed, and refuses new ones', async () => {
    const engine = await start();
    const rest = drain(await begun(engine, long));
    const failed = expect(rest).rejects.toThrow(/closed while a request was running/);
    await engine.close();
    await failed;
    await engine.close();
    await expect(answer(engine)).rejects.toThrow(/engine is closed; open it again/);
  });

  it('ends requests with a clear error when its thread dies, and refuses new ones', async () => {
    const engine = await start();
    // Before it has begun: in the midst of a run, ONNX Runtime would take the process with it.
    const dead = (engine as unknown as { worker: Worker }).worker.terminate();
    const rest = drain(engine.generate(long)[Symbol.asyncIterator]());
    await expect(rest).rejects.toThrow(/engine stopped: its thread has ended/);
    await dead;
    await expect(answer(engine)).rejects.toThrow(/engine stopped/);
    await engine.close();
  });

  it('passes on what a request has wrong, and goes on', async () => {
    const engine = await start();
    const deaf: GenerateRequest = {
      ...short,
      messages: [{ role: 'user', modality: 'audio', samples: new Float32Array(5) }],
    };
    await expect(drain(engine.generate(deaf)[Symbol.asyncIterator]())).rejects.toThrow(/5 samples at 16 kHz/);
    const odd = { ...short, messages: [{ role: 'user', modality: 'text', text: () => 'no text' }] };
    const impossible = engine.generate(odd as unknown as GenerateRequest)[Symbol.asyncIterator]();
    await expect(drain(impossible)).rejects.toThrow();
    expect(await answer(engine)).toBe(SCRIPT.join(''));
  });
});
