/** `npm run corpus -- --hours H --seed S --out DIR`: composes the small world. `--report DIR` tells what a folder holds. */
import { availableParallelism } from 'node:os';
import { BagpiperError } from '../errors.js';
import { Options, runProgram } from '../program.js';
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
  --speech       scenes of speech alone, sentence after sentence up to 10 s: more words an hour
  --jobs N       worker threads (default: all cores); does not change the result
  --report DIR   print what a corpus holds: hours, combinations, variety of its texts, samples
  --draws N      report on N wordings of every scene drawn afresh, instead of the stored texts
  --help         this text`;

const SPLITS: readonly string[] = ['train', 'valid', 'test'];

/** What the command line asks for. */
type Command = { build: BuildOptions } | { report: string; draws: number } | 'help';

type Given = Options<'out' | 'hours' | 'scenes' | 'seed' | 'split' | 'jobs' | 'report' | 'draws', 'speech'>;

function readCommand(argv: string[]): Command {
  const options: Given = Options.read(argv, {
    text: ['out', 'hours', 'scenes', 'seed', 'split', 'jobs', 'report', 'draws'],
    flags: ['speech'],
  });
  if (options.has('help')) return 'help';
  const report = options.text('report');
  if (report !== undefined) {
    const other = options.given.find((name) => name !== 'report' && name !== 'draws');
    if (other) throw new BagpiperError(`--${other} does not go with --report; see --help`);
    return { report, draws: options.number('draws', 0) };
  }
  if (options.text('draws') !== undefined) throw new BagpiperError('--draws goes with --report DIR; see --help');
  return { build: readBuild(options) };
}

function readBuild(options: Given): BuildOptions {
  const [out, split, seed] = [options.text('out'), options.text('split') ?? 'train', options.text('seed') ?? '1'];
  if (!out) throw new BagpiperError('--out DIR is missing: the folder to write; see --help');
  if (!SPLITS.includes(split)) throw new BagpiperError(`--split is "${split}"; give train, valid or test`);
  if (!/^[\w.-]{1,60}$/.test(seed)) {
    throw new BagpiperError(`--seed is "${seed}"; give 1 to 60 letters, digits, dots, dashes or underscores`);
  }
  const hours = options.number('hours', undefined, { least: 0, above: true, fractions: true });
  const given = options.number('scenes', undefined, { most: 1e7 });
  if ((hours === undefined) === (given === undefined))
    throw new BagpiperError('give either --hours H or --scenes N; see --help');
  const scenes = given ?? Math.ceil(scenesFor(hours!));
  const jobs = options.number('jobs', availableParallelism(), { most: 1024 });
  return { out, split: split as Scene['split'], content: options.has('speech') ? 'speech' : 'all', seed, scenes, jobs };
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

runProgram(main);
