/**
 * `npm run train:nano`: rebuilds the small model from nothing. Every step is resumed where it stopped: the corpus by
 * shards, the trainings by checkpoints.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, buildCorpus } from '../../corpus/build.js';
import { BagpiperError } from '../../errors.js';
import { Options, runProgram, stopSignal } from '../../program.js';
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
  --from DIR      train this model on instead of starting from nothing: its encoder, then its language model (with --only
                  lm, and no encoder trained in the work folder, its language model alone)
  --only STEP     one step: corpus, codec, encoder, lm, install, or world (statistics of the corpus for DIR of --out)
  --heard DIR     what the encoder made of the corpus, for the step world (default WORK/nano/lm/heard)
  --threads N     threads of the numeric engine (default 2)
  --minutes M     stop after so many minutes of training in this step, with a checkpoint
  --help          this text`;

const STEPS = ['corpus', 'codec', 'encoder', 'lm', 'install', 'world'] as const;
type Step = (typeof STEPS)[number];

interface NanoCommand {
  work: string;
  from: string | undefined;
  out: string;
  heard: string;
  steps: readonly Step[];
  threads: number;
  maxMinutes: number | undefined;
  signal: AbortSignal;
}

function readOptions(argv: string[], signal: AbortSignal): NanoCommand | null {
  const options = Options.read(argv, { text: ['work', 'out', 'from', 'only', 'heard', 'threads', 'minutes'] });
  if (options.has('help')) return null;
  const only = options.text('only') as Step | undefined;
  if (only !== undefined && !STEPS.includes(only)) {
    throw new BagpiperError(`--only is "${only}"; give one of ${STEPS.join(', ')}.`);
  }
  const work = options.text('work') ?? 'runs';
  if (statSync(work, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new BagpiperError(`--work is "${work}", which is a file; give a folder.`);
  }
  return {
    work,
    from: options.text('from'),
    out: options.text('out') ?? 'models/nano',
    heard: options.text('heard') ?? join(work, 'nano', 'lm', 'heard'),
    // A finished model's codes are final, and what it says is made of them.
    steps: only ? [only] : STEPS.filter((step) => step !== 'codec' || options.text('from') === undefined),
    threads: options.number('threads', 2),
    maxMinutes: options.number('minutes', undefined, { least: 0, above: true, fractions: true }),
    signal,
  };
}

async function makeCorpus(folder: string): Promise<void> {
  const { seed, scenes, speech } = CORPUS;
  const splits = Object.entries(scenes) as [keyof typeof scenes, number][];
  const builds: { name: string; options: Omit<BuildOptions, 'out' | 'jobs'> }[] = [
    ...splits.map(([split, scenes]) => ({ name: split, options: { split, scenes, seed } })),
    { name: 'speech', options: { split: 'train', content: 'speech', ...speech } },
  ];
  for (const { name, options } of builds) {
    let last = 0;
    await buildCorpus({ ...options, out: join(folder, name), jobs: 2 }, ({ done, total }) => {
      if (done < total && Date.now() - last < 30_000) return;
      last = Date.now();
      process.stderr.write(`corpus, ${name}: ${done}/${total} scenes\n`);
    });
  }
}

async function run(step: Step, { work, from, out, heard, threads, maxMinutes, signal }: NanoCommand): Promise<void> {
  const corpus = join(work, 'corpus');
  const [codec, encoder, lm] = ['codec', 'encoder', 'lm'].map((name) => join(work, 'nano', name));
  switch (step) {
    case 'corpus':
      return makeCorpus(corpus);
    case 'codec':
      return trainCodec({ corpus: join(corpus, 'train'), out: codec, threads, maxMinutes, signal });
    case 'encoder':
      return trainEncoder({ corpus, from, out: encoder, threads, maxMinutes, signal });
    case 'lm':
      await trainLanguageModel({ corpus, encoder, codec, from, out: lm, threads, maxMinutes, signal });
      return;
    case 'install': {
      const model = join(lm, 'model');
      if (!existsSync(model)) throw new BagpiperError(`${model} does not exist yet: train the language model first.`);
      installModel(model, from ? undefined : join(codec, 'codec.safetensors'), out);
      process.stderr.write(`${out} is ready.\n`);
      return;
    }
    case 'world':
      return makeWorld({ corpus, model: out, heard: join(heard, 'train'), threads, signal });
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), stopSignal());
  if (!options) process.stdout.write(`${HELP}\n`);
  for (const step of options?.steps ?? []) {
    if (options?.signal.aborted) break;
    process.stderr.write(`-- ${step}\n`);
    await run(step, options!);
  }
}

runProgram(main);
