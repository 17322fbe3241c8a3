/** The runner of the data workflows: what a record costs, taking up a run of millions, and memory with many requests in flight. */
import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeWav } from '../src/audio/index.js';
import { inputsOf, Run, resultsIn, runStage } from '../src/data/run/index.js';
import { lineText } from '../src/data/run/lines.js';
import type { Clip, Label, Stage } from '../src/data/types.js';
import { CLIP_RATE, clip } from './clip.js';
import { type Row, row, secondsSince } from './measure.js';

const PROGRAM = fileURLToPath(new URL('../bin/bagpiper.js', import.meta.url));
/** The targets. */
const RECORD_MS = 1;
const RESUME_SECONDS = 10;
const MEMORY_MB = 300;
const IN_FLIGHT = 256;
/** records whose overhead is timed in a round */
const ROUND = 20_000;
const USAGE = { prompt_tokens: 250, completion_tokens: 400, total_tokens: 650 };
/** about as long as published captions */
const CAPTION = 'A bell rings twice, and somebody says "Good morning" in a large hall. '.repeat(28);

export interface DataBenchOptions {
  /** of the run that is taken up */
  records: number;
  runs: number;
  progress: (message: string) => void;
}

export async function data({ records, runs, progress }: DataBenchOptions): Promise<{ rows: Row[]; notes: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-bench-'));
  try {
    progress(`${runs} times ${ROUND} records through the runner`);
    const rows = [await overhead(join(folder, 'overhead'), runs)];
    progress(`a run of ${records} labels`);
    rows.push(await resume(join(folder, 'resume'), records, Math.min(runs, 3), progress));
    progress(`${IN_FLIGHT} requests in flight`);
    rows.push(await memory(join(folder, 'memory')));
    const notes = [
      `Label lines of ${lineText(labelLine('clip-0')).length} bytes. The first row is a stage that does nothing, lines safe on the disk (fdatasync) included; the second takes up a stage of which all is done; the third is the whole process of \`bagpiper data label\` with clips of 30 s, 1.3 MB a request as base64.`,
    ];
    return { rows, notes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function clipOf(number: number): Clip {
  const id = `street--part-${number % 100}--clip-${number}.flac`;
  return {
    id,
    audio: { uri: `/data/street/part-${number % 100}/clip-${number}.flac` },
    seconds: 12.5,
    dataset: 'street',
  };
}

function labelOf(id: string): Label {
  return { id, caption: CAPTION, duration: 12.5, usage: USAGE, finish_reason: 'stop', model: 'captioner' };
}

function labelLine(id: string): { id: string; result: Label; usage: typeof USAGE } {
  return { id, result: labelOf(id), usage: USAGE };
}

/** A stage that gives a label at once. */
const idle: Stage<Clip, Label> = {
  spec: { stage: 'label', settings: {} },
  process: async ({ id }, { spend }) => {
    spend(USAGE);
    return labelOf(id);
  },
  close: async () => {},
};

async function withRun<T>(folder: string, work: (run: Run) => Promise<T>): Promise<T> {
  const run = await Run.open(folder, { create: true });
  try {
    return await work(run);
  } finally {
    await run.close();
  }
}

async function overhead(folder: string, runs: number): Promise<Row> {
  const clips = Array.from({ length: ROUND }, (_, i) => clipOf(i));
  const values: number[] = [];
  for (let time = 0; time < runs; time++) {
    const seconds = await withRun(`${folder}-${time}`, async (run) => {
      const start = performance.now();
      await runStage(run, idle, inputsOf(clips), { window: IN_FLIGHT });
      return secondsSince(start);
    });
    values.push((seconds / ROUND) * 1000);
  }
  return row('overhead of the runner', 'ms a record', values, {
    target: { text: `< ${RECORD_MS}`, met: (median) => median < RECORD_MS },
  });
}

/** Times from opening a run to knowing that all is done. */
async function resume(
  folder: string,
  records: number,
  runs: number,
  progress: (message: string) => void,
): Promise<Row> {
  await withRun(folder, async (run) => {
    await writeLines(run.file('clips'), records, (i) => ({ id: clipOf(i).id, result: clipOf(i) }));
    await writeLines(run.file('label'), records, (i) => labelLine(clipOf(i).id));
  });
  const values: number[] = [];
  for (let time = 0; time < runs; time++) {
    const start = performance.now();
    const { counts } = await withRun(folder, (run) => runStage(run, idle, resultsIn<Clip>(run.file('clips'))));
    values.push(secondsSince(start));
    if (counts.results !== records) throw new Error(`${counts.results} of ${records} records were found.`);
    progress(`taken up in ${values[time].toFixed(1)} s`);
  }
  const target = { text: `< ${RESUME_SECONDS} (1,000,000)`, met: (median: number) => median < RESUME_SECONDS };
  return row(`${records.toLocaleString('en-US')} records taken up`, 's', values, { target });
}

async function writeLines(
  path: string,
  count: number,
  line: (number: number) => Parameters<typeof lineText>[0],
): Promise<void> {
  const file = await open(path, 'w');
  for (let at = 0; at < count; at += 1000) {
    const lines = Array.from({ length: Math.min(1000, count - at) }, (_, i) => lineText(line(at + i)));
    await file.write(lines.join(''));
  }
  await file.sync();
  await file.close();
}

/** Labels more clips than are in flight; the server answers none before that many have asked. */
async function memory(folder: string): Promise<Row> {
  const sounds = join(folder, 'sounds');
  mkdirSync(sounds, { recursive: true });
  writeFileSync(join(sounds, 'clip-0.wav'), encodeWav(clip(30), CLIP_RATE));
  for (let i = 1; i < IN_FLIGHT + 64; i++) linkSync(join(sounds, 'clip-0.wav'), join(sounds, `clip-${i}.wav`));
  const server = await holdingServer();
  try {
    const args = ['data', 'label', sounds, '--run', join(folder, 'run'), '--endpoint', server.address];
    const child = spawn(process.execPath, [PROGRAM, ...args, '--llm-model', 'bench', '--window', String(IN_FLIGHT)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    let peak = 0;
    const look = setInterval(() => {
      peak = Math.max(peak, peakOf(child.pid));
    }, 50);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    clearInterval(look);
    if (code !== 0 || server.most() < IN_FLIGHT) {
      throw new Error(`bagpiper ended with ${code}, ${server.most()} requests were in flight.`);
    }
    return row(`${IN_FLIGHT} requests in flight`, 'MB', [peak], {
      target: { text: `< ${MEMORY_MB}`, met: (median) => median < MEMORY_MB },
    });
  } finally {
    server.stop();
  }
}

/** Peak of resident memory in MB, as Linux counts it. */
function peakOf(pid: number | undefined): number {
  try {
    const kilobytes = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** A stub of a server of chat completions that lets requests pile up once. */
async function holdingServer(): Promise<{ address: string; most: () => number; stop: () => void }> {
  const held: ServerResponse[] = [];
  let opened = false;
  let most = 0;
  const answer = (response: ServerResponse): void => {
    const message = { role: 'assistant', content: CAPTION };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'x', object: 'chat.completion', model: 'bench', choices, usage: USAGE }));
  };
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      held.push(response);
      most = Math.max(most, held.length);
      opened ||= held.length >= IN_FLIGHT;
      if (opened) for (const one of held.splice(0)) answer(one);
    });
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { address, most: () => most, stop: () => void server.close().closeAllConnections() };
}
