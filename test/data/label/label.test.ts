import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudio } from '../../../src/audio/index.js';
import { captionPrompt, type EndpointLabels } from '../../../src/data/label/index.js';
import { linesIn, manifestOf } from '../../../src/data/run/index.js';
import type { Clip, Label, Line } from '../../../src/data/types.js';
import { Random } from '../../../src/random.js';
import { fixture, lena } from '../../audio/make.js';
import { temporary } from '../run/kit.js';
import { type AskedChat, type Faults, randomFaults, ScriptedEndpoint } from '../scripted-endpoint.js';

const CHILD = fileURLToPath(new URL('./label-child.ts', import.meta.url));

/** Real recordings in five formats, small ones in a folder below, one that is damaged, and things that are no sound. */
function soundFolder(): string {
  const folder = join(temporary(), 'sounds');
  mkdirSync(join(folder, 'short'), { recursive: true });
  for (const ending of ['wav', 'mp3', 'flac', 'ogg', 'opus'])
    copyFileSync(lena(ending), join(folder, `lena.${ending}`));
  copyFileSync(fileURLToPath(new URL('../../../examples/guitar.flac', import.meta.url)), join(folder, 'guitar.flac'));
  for (const name of ['shifted-16-mono.flac', 'tone-16-six.flac'])
    copyFileSync(fixture(name), join(folder, 'short', name));
  copyFileSync(fixture('README.md'), join(folder, 'README.md'));
  writeFileSync(join(folder, 'broken.flac'), Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(2000, 7)]));
  return folder;
}

/** Says what follows from the sound alone; some captions are cut off when asked for with the first seed. */
function script({ sounds, body, key }: AskedChat): { text: string; finish: string } {
  const seconds = (sounds[0].bytes.length - 44) / 32_000;
  const cut = body.seed === 0 && Number.parseInt(key.slice(0, 2), 16) < 40;
  return {
    text: `A clip of ${seconds.toFixed(3)} seconds, ${key}${cut ? ' and' : '.'}`,
    finish: cut ? 'length' : 'stop',
  };
}

/** Kinds of failure by chance (a web page is none: from a server that has not answered yet it means a wrong address); some requests fail so often that the record fails, and is tried again last. */
const chance = randomFaults(7, [
  [0.1, { kind: 'status', status: 500 }],
  [0.1, { kind: 'status', status: 429, headers: { 'retry-after': '0.05' } }],
  [0.05, { kind: 'cut' }],
  [0.05, { kind: 'half' }],
  [0.05, { kind: 'reset' }],
  [0.05, { kind: 'odd' }],
  [0.03, { kind: 'hang' }],
]);
const faults: Faults = (asked) => {
  if (Number.parseInt(asked.key.slice(2, 4), 16) < 10 && asked.time < 5) return { kind: 'status', status: 503 };
  return chance(asked);
};

let endpoint: ScriptedEndpoint;
let sounds: string;
beforeAll(async () => {
  endpoint = await ScriptedEndpoint.start({ script, faults, lean: true });
  sounds = soundFolder();
});
afterAll(() => endpoint.stop());

function settings(): EndpointLabels {
  const retry = { times: 3, wait: 0.01, longest: 0.05 };
  const chat = { endpoints: endpoint.address, model: 'scripted', timeout: 1, retry };
  return { by: 'endpoint', chat, prompt: captionPrompt() };
}

/** A child that has loaded its program and waits to be told to begin. */
function child(run: string): { process: ChildProcess; ready: Promise<unknown>; ended: Promise<unknown[]> } {
  const process_ = spawn(process.execPath, ['--import', 'tsx', CHILD, run, sounds, JSON.stringify(settings())], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return { process: process_, ready: once(process_.stdout!, 'data'), ended: once(process_, 'exit') };
}

async function linesOf<O extends { id: string }>(file: string): Promise<Line<O>[]> {
  const lines: Line<O>[] = [];
  for await (const line of linesIn<O>(file)) lines.push(line);
  return lines;
}

/** All files of a run that later stages and people read, and what the manifest says but for what failed tries had cost. */
function bytesOf(run: string): Record<string, string> {
  const files = ['files.jsonl', 'clips.jsonl', 'label.jsonl'].map((name) => [
    name,
    readFileSync(join(run, name), 'utf8'),
  ]);
  const { stages } = manifestOf(run);
  const known = Object.entries(stages).map(([name, { dropped: _, ...entry }]) => [name, JSON.stringify(entry)]);
  return Object.fromEntries([...files, ...known]);
}

describe('labels by an endpoint that fails in every way', () => {
  const run = temporary();

  it('are complete in the end', async () => {
    const { process: running, ready, ended } = child(run);
    await ready;
    running.stdin!.write('go\n');
    expect(await ended).toEqual([0, null]);
    const clips = await linesOf<Clip>(join(run, 'clips.jsonl'));
    const labels = await linesOf<Label>(join(run, 'label.jsonl'));
    const listed = clips.flatMap((line) => ('result' in line ? [line.result] : []));
    expect(labels.map(({ id }) => id)).toEqual(listed.map(({ id }) => id));
    expect(listed.length).toBeGreaterThan(60);
    for (const [at, line] of labels.entries()) {
      const { result } = line as { result: Label };
      expect(result).toMatchObject({
        id: line.id,
        finish_reason: 'stop',
        model: 'scripted',
        duration: listed[at].seconds,
      });
      expect(Number(/^A clip of ([\d.]+)/.exec(result.caption)?.[1])).toBeCloseTo(listed[at].seconds, 2);
    }
    expect(clips.filter((line) => 'error' in line)).toEqual([
      { id: 'sounds--broken.flac', error: { kind: 'unreadable', message: expect.stringContaining('broken.flac') } },
    ]);
    expect(endpoint.failed).toBeGreaterThan(20);
    expect(readdirSync(run).sort()).toEqual(['clips.jsonl', 'files.jsonl', 'label.jsonl', 'run.json']);
  });

  it('come out the same, byte for byte, when the process is killed 20 times', async () => {
    const killed = temporary();
    const random = new Random(20);
    // Two are always on their way: they take long to load.
    const next = [child(killed), child(killed)];
    let kills = 0;
    for (let time = 0; time < 20; time++) {
      const { process: running, ready, ended } = next.shift()!;
      await ready;
      next.push(child(killed));
      const before = endpoint.asked.length;
      running.stdin!.write('go\n');
      // Some die while they list, the others after so many requests, or when it is done before that.
      if (time % 4 === 0) await new Promise((resolve) => setTimeout(resolve, random.int(400)));
      else await Promise.race([ended, endpoint.until(({ asked }) => asked.length >= before + 1 + random.int(4))]);
      running.kill('SIGKILL');
      const [, signal] = await ended;
      if (signal === 'SIGKILL') kills++;
    }
    expect(kills).toBe(20);
    const [last, spare] = next;
    spare.process.kill('SIGKILL');
    await last.ready;
    last.process.stdin!.write('go\n');
    expect(await last.ended).toEqual([0, null]);
    expect(bytesOf(killed)).toEqual(bytesOf(run));
    expect(readdirSync(killed).sort()).toEqual(readdirSync(run).sort());
  });
});

describe('what is sent for a clip', () => {
  it('is its part of the sound at 16 kHz, before the words of the prompt', async () => {
    const { sounds: sent, body } = await firstRequest();
    const [system] = body.messages;
    expect(system.role).toBe('user');
    expect(sent[0].format).toBe('wav');
    const heard = await readAudio(new Uint8Array(sent[0].bytes));
    expect(heard).toMatchObject({ sampleRate: 16_000, format: 'wav (16-bit)' });
    expect(heard.channels.length).toBe(1);
  });
});

/** The first clip of a new run, asked for at an endpoint that keeps what it got. */
async function firstRequest(): Promise<AskedChat> {
  const patient = await ScriptedEndpoint.start();
  try {
    const { openLabeller } = await import('../../../src/data/label/index.js');
    const labeller = await openLabeller({ ...settings(), chat: { endpoints: patient.address, model: 'scripted' } });
    const signal = new AbortController().signal;
    const audio = { uri: lena('mp3'), start: 2, end: 3 };
    await labeller.process({ id: 'a', audio, seconds: 1, dataset: 'x' }, { signal, spend: () => {} });
    await labeller.close();
    return patient.asked[0];
  } finally {
    await patient.stop();
  }
}
