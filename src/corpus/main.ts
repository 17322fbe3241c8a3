/** `npm run corpus -- --hours H --seed S --out DIR`: composes the small world. `--report DIR` tells what a folder holds. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { BagpiperError, messageOf } from '../errors.js';
import { type BuildOptions, type BuildProgress, buildCorpus, scenesFor } from './build.js';
import { reportOn } from './report.js';
import type { Scene } from './scene.js';

const HELP = `usage: npm run corpus -- --out DIR (--hours H | --scenes N) [options]
       npm run corpus -- --report DIR [--draws N]

Composes scenes of speech, music and sound with true captions, questions and requests.
  --out DIR      folder to write; an unfinished corpus in it is continued
  --hours H      about so many hours of audio
  --scenes N     exactly so many scenes
  --seed S       any text (default "1"); the same seed gives the same corpus
  --split NAME   train, valid or test (default train); splits share no scene
  --jobs N       worker threads (default: all cores); does not change the result
  --report DIR   print what a corpus holds: hours, combinations, variety of its texts, samples
  --draws N      report on N wordings of every scene drawn afresh, instead of the stored texts
  --help         this text`;

const SPLITS: readonly string[] = ['train', 'valid', 'test'];

/** What the command line asks for. */
type Command = { build: BuildOptions } | { report: string; draws: number } | 'help';

function readCommand(argv: string[]): Command {
  const string = { type: 'string' } as const;
  const options = {
    out: string,
    hours: string,
    scenes: string,
    seed: string,
    split: string,
    jobs: string,
    report: string,
    draws: string,
    help: { type: 'boolean' },
  } as const;
  let values: { [K in keyof typeof options]?: string | boolean };
  try {
    values = parseArgs({ args: argv, options }).values;
  } catch (error) {
    throw new BagpiperError(`${messageOf(error)}; see --help`);
  }
  if (values.help) return 'help';
  if (values.report !== undefined) return readReport(values as Record<string, string | undefined>);
  if (values.draws !== undefined) throw new BagpiperError('--draws goes with --report DIR; see --help');
  return { build: readBuild(values as Record<string, string | undefined>) };
}

function readReport({ report, draws, ...others }: Record<string, string | undefined>): Command {
  const other = Object.keys(others)[0];
  if (other) throw new BagpiperError(`--${other} does not go with --report; see --help`);
  return { report: report as string, draws: draws === undefined ? 0 : Math.ceil(positive('--draws', draws)) };
}

function readBuild(values: Record<string, string | undefined>): BuildOptions {
  const { out, split = 'train', seed = '1' } = values;
  if (!out) throw new BagpiperError('--out DIR is missing: the folder to write; see --help');
  if (!SPLITS.includes(split)) throw new BagpiperError(`--split is "${split}"; give train, valid or test`);
  if (!/^[\w.-]{1,60}$/.test(seed)) {
    throw new BagpiperError(`--seed is "${seed}"; give 1 to 60 letters, digits, dots, dashes or underscores`);
  }
  if ((values.hours === undefined) === (values.scenes === undefined))
    throw new BagpiperError('give either --hours H or --scenes N; see --help');
  const scenes =
    values.scenes === undefined ? scenesFor(positive('--hours', values.hours)) : positive('--scenes', values.scenes);
  const jobs = values.jobs === undefined ? availableParallelism() : positive('--jobs', values.jobs);
  return { out, split: split as Scene['split'], seed, scenes: Math.ceil(scenes), jobs: Math.ceil(jobs) };
}

function positive(name: string, value: unknown): number {
  const number = Number(value);
  if (!(number > 0 && number < 1e7)) throw new BagpiperError(`${name} is "${value}"; give a positive number`);
  return number;
}

/** A line on stderr: in place on a terminal, else once in half a minute. */
function progressLine(): (p: BuildProgress) => void {
  const began = performance.now();
  const terminal = process.stderr.isTTY === true;
  let last = 0;
  return (p) => {
    const now = performance.now();
    if (now - last < (terminal ? 200 : 30000) && p.done < p.total) return;
    last = now;
    const rate = ((p.done - p.skipped) * 1000) / (now - began);
    const left = Math.round((p.total - p.done) / rate);
    const line = `${p.done}/${p.total} scenes, ${rate.toFixed(1)} scenes/s, ${clock(left)} left`;
    process.stderr.write(terminal ? `\r\x1b[K${line}${p.done === p.total ? '\n' : ''}` : `${line}\n`);
  };
}

function clock(seconds: number): string {
  const h = Math.floor(seconds / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  return `${h > 0 ? `${h}h` : ''}${m}m${seconds % 60}s`;
}

async function main(): Promise<void> {
  const command = readCommand(process.argv.slice(2));
  if (command === 'help') {
    process.stdout.write(`${HELP}\n`);
  } else if ('report' in command) {
    process.stdout.write(`${await reportOn(command.report, { draws: command.draws })}\n`);
  } else {
    const { total, skipped } = await buildCorpus(command.build, progressLine());
    process.stderr.write(`${total} scenes in ${command.build.out}, ${skipped} of them from an earlier run\n`);
  }
}

main().catch((error: unknown) => {
  const expected = error instanceof BagpiperError;
  process.stderr.write(`${expected ? messageOf(error) : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = expected ? 2 : 1;
});
