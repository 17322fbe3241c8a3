/**
 * `npm run train:nano`: rebuilds the small model from nothing. Every step is resumed where it stopped: the corpus by
 * shards, the trainings by checkpoints.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildCorpus } from '../../corpus/build.js';
import { BagpiperError, messageOf } from '../../errors.js';
import { trainCodec } from './codec.js';
import { trainEncoder } from './encoder-run.js';
import { installModel } from './export.js';
import { trainLanguageModel } from './lm-run.js';
import { CORPUS } from './settings.js';
import { makeWorld } from './world.js';

const HELP = `usage: npm run train:nano -- [options]

Rebuilds models/nano: corpus, audio encoder, codec, language model. Takes some hours on two cores; stop it with Ctrl-C
at any time and run it again to go on.
  --work DIR      where corpus, checkpoints and logs lie (default runs)
  --out DIR       model folder to write at the end (default models/nano)
  --only STEP     one step: corpus, codec, encoder, lm, install, or world (statistics of the corpus for DIR of --out)
  --heard DIR     what the encoder made of the corpus, for the step world (default WORK/nano/lm/heard)
  --threads N     threads of the numeric engine (default 2)
  --minutes M     stop after so many minutes of training in this step, with a checkpoint
  --help          this text`;

const STEPS = ['corpus', 'codec', 'encoder', 'lm', 'install', 'world'] as const;
type Step = (typeof STEPS)[number];

interface Options {
  work: string;
  out: string;
  heard: string;
  steps: readonly Step[];
  threads: number;
  maxMinutes: number | undefined;
  signal: AbortSignal;
}

function readOptions(argv: string[], signal: AbortSignal): Options | null {
  const string = { type: 'string' } as const;
  const options = { work: string, out: string, only: string, heard: string, threads: string, minutes: string } as const;
  let values: { [name: string]: string | boolean | undefined };
  try {
    values = parseArgs({ args: argv, options: { ...options, help: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new BagpiperError(`${messageOf(error)}; see --help`);
  }
  if (values.help) return null;
  const only = values.only as Step | undefined;
  if (only !== undefined && !STEPS.includes(only)) {
    throw new BagpiperError(`--only is "${only}"; give one of ${STEPS.join(', ')}.`);
  }
  const number = (name: 'threads' | 'minutes'): number | undefined => {
    if (values[name] === undefined) return undefined;
    const value = Number(values[name]);
    if (!(value > 0)) throw new BagpiperError(`--${name} is "${values[name]}"; give a positive number.`);
    return value;
  };
  const threads = number('threads') ?? 2;
  if (!Number.isInteger(threads)) throw new BagpiperError(`--threads is "${threads}"; give a whole number.`);
  const work = String(values.work ?? 'runs');
  if (statSync(work, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new BagpiperError(`--work is "${work}", which is a file; give a folder.`);
  }
  return {
    work,
    out: String(values.out ?? 'models/nano'),
    heard: String(values.heard ?? join(work, 'nano', 'lm', 'heard')),
    steps: only ? [only] : STEPS,
    threads,
    maxMinutes: number('minutes'),
    signal,
  };
}

async function makeCorpus(folder: string): Promise<void> {
  for (const [split, scenes] of Object.entries(CORPUS.scenes) as ['train' | 'valid' | 'test', number][]) {
    const out = join(folder, split);
    let last = 0;
    await buildCorpus({ out, split, scenes, seed: CORPUS.seed, jobs: 2 }, ({ done, total }) => {
      if (done < total && Date.now() - last < 30_000) return;
      last = Date.now();
      process.stderr.write(`corpus, ${split}: ${done}/${total} scenes\n`);
    });
  }
}

async function run(step: Step, { work, out, heard, threads, maxMinutes, signal }: Options): Promise<void> {
  const corpus = join(work, 'corpus');
  const [codec, encoder, lm] = ['codec', 'encoder', 'lm'].map((name) => join(work, 'nano', name));
  switch (step) {
    case 'corpus':
      return makeCorpus(corpus);
    case 'codec':
      return trainCodec({ corpus: join(corpus, 'train'), out: codec, threads, maxMinutes, signal });
    case 'encoder':
      return trainEncoder({ corpus, out: encoder, threads, maxMinutes, signal });
    case 'lm':
      await trainLanguageModel({ corpus, encoder, codec, out: lm, threads, maxMinutes, signal });
      return;
    case 'install': {
      const model = join(lm, 'model');
      if (!existsSync(model)) throw new BagpiperError(`${model} does not exist yet: train the language model first.`);
      installModel(model, join(codec, 'codec.safetensors'), out);
      process.stderr.write(`${out} is ready.\n`);
      return;
    }
    case 'world':
      return makeWorld({ corpus, model: out, heard: join(heard, 'train'), threads, signal });
  }
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
try {
  const options = readOptions(process.argv.slice(2), stop.signal);
  if (!options) process.stdout.write(`${HELP}\n`);
  for (const step of options?.steps ?? []) {
    if (stop.signal.aborted) break;
    process.stderr.write(`-- ${step}\n`);
    await run(step, options!);
  }
} catch (error) {
  const expected = error instanceof BagpiperError;
  process.stderr.write(`${expected ? messageOf(error) : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = expected ? 2 : 1;
}
