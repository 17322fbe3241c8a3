/** `npm run bench -- NAME`: measures something and prints one Markdown table. */
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BagpiperError } from '../src/errors.js';
import { Options, runProgram } from '../src/program.js';
import { data } from './data.js';
import { filters } from './filters.js';
import { fullSize } from './full-size/index.js';
import type { Bench, Row } from './measure.js';
import { nano } from './nano.js';
import { queue } from './queue.js';
import { randomModel } from './random-model.js';
import { type Machine, machine, machineLines, table } from './table.js';

const BENCHES: Record<string, Bench> = { nano };
const DATA = 'data';
const FILTERS = 'filters';
const QUEUE = 'queue';
const FULL_SIZE = 'full-size';
const ABOUT = {
  ...Object.fromEntries(Object.entries(BENCHES).map(([name, { about }]) => [name, about])),
  [DATA]: 'the runner of the data workflows: cost of a record, taking up a million, memory of requests in flight',
  [FILTERS]: 'the filters of captions: rate, and memory of a long stream',
  [QUEUE]: 'workers behind Redis: cost of a record, and every id once while workers are killed',
  [FULL_SIZE]: 'the published 8B model with random weights: conversion, speed, memory; beside llama.cpp',
};

const HELP = `Usage: npm run bench -- NAME [options]

Measures and prints one Markdown table: median, smallest and largest of several runs.

${Object.entries(ABOUT)
  .map(([name, about]) => `  ${name.padEnd(10)} ${about}`)
  .join('\n')}

Options:
  --threads N    threads of ONNX Runtime (default: one a core)
  --runs N       times that each thing is measured (default: 5; full-size: 3)
  --json FILE    write the figures there too
  --help         this text
of nano:
  --model DIR    model folder (default: models/nano)
  --random       use a model of random numbers of the same sizes, made in a temporary folder
of full-size:
  --dir D        where its files are made (36 GB at full size) and found again by later runs
  --llama DIR    folder whose node_modules hold node-llama-cpp (default: this project)
  --layers N     N layers instead of 36, for trying
  --scale tiny   everything small, to see whether the program works
of filters, queue and data:
  --records N    captions of the long stream (default: 50000), records of the queue (default: 10000), of the run that
                 is taken up (default: 1000000)

Close other programs first: the line under the title says how busy the machine was.
`;

interface Outcome {
  rows: Row[];
  notes: string[];
}

function readArguments() {
  return Options.read(process.argv.slice(2), {
    text: ['model', 'threads', 'runs', 'json', 'dir', 'llama', 'layers', 'scale', 'records'],
    flags: ['random'],
    words: true,
  });
}

type Given = ReturnType<typeof readArguments>;

async function main(): Promise<void> {
  const given = readArguments();
  const name = given.words[0];
  if (given.has('help') || name === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const bench = BENCHES[name] as Bench | undefined;
  if (!Object.hasOwn(ABOUT, name) || given.words.length > 1) {
    const known = Object.keys(ABOUT).join(', ');
    throw new BagpiperError(`There is no benchmark "${given.words.join(' ')}"; these are there: ${known}.`);
  }
  const about = machine(threadsOf(given));
  const progress = (message: string): void => void process.stderr.write(`${name}: ${message}\n`);
  const outcome = await (bench
    ? ofModel(bench, given, progress)
    : name === FILTERS
      ? filters({
          records: given.number('records', 50000),
          runs: given.number('runs', 5),
          progress,
        })
      : name === QUEUE
        ? queue({ records: given.number('records', 10000), progress })
        : name === DATA
          ? data({
              records: given.number('records', 1000000),
              runs: given.number('runs', 3),
              progress,
            })
          : ofFullSize(given, progress));
  print(name, about, outcome, given.text('json'));
}

async function ofModel(bench: Bench, given: Given, progress: (message: string) => void): Promise<Outcome> {
  const threads = threadsOf(given);
  const runs = given.number('runs', 5);
  const made = given.has('random') ? randomModel() : undefined;
  try {
    const model = made?.folder ?? given.text('model') ?? fileURLToPath(new URL('../models/nano', import.meta.url));
    if (!existsSync(join(model, 'config.json'))) {
      throw new BagpiperError(`${model} is no model folder; name one with --model, or use --random.`);
    }
    return await bench.run({ model, random: made !== undefined, threads, runs, progress });
  } finally {
    made?.remove();
  }
}

function ofFullSize(given: Given, progress: (message: string) => void): Promise<Outcome> {
  const [dir, llama, scale = 'full'] = [given.text('dir'), given.text('llama'), given.text('scale')];
  const layers = given.number('layers', undefined);
  if (dir === undefined) throw new BagpiperError('Name a folder for the files of this benchmark with --dir.');
  if (scale !== 'full' && scale !== 'tiny') {
    throw new BagpiperError(`--scale is "${scale}"; full and tiny are accepted.`);
  }
  return fullSize({
    dir,
    tiny: scale === 'tiny',
    ...(layers === undefined ? {} : { layers }),
    ...(llama === undefined ? {} : { llama }),
    threads: threadsOf(given),
    runs: given.number('runs', 3),
    progress,
  });
}

function print(name: string, about: Machine, { rows, notes }: Outcome, json: string | undefined): void {
  const lines = [...machineLines(about), ...notes];
  process.stdout.write(`## ${name}\n\n${lines.join('\n\n')}\n\n${table(rows)}\n`);
  if (json) writeFileSync(json, `${JSON.stringify({ name, machine: about, notes, rows }, null, 2)}\n`);
}

const threadsOf = (given: Given): number => given.number('threads', availableParallelism());

runProgram(main);
