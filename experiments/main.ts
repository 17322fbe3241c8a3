/** `npm run experiments -- NAME`: the paper's claims in miniature, with small models on two CPU cores (docs/experiments.md). */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BagpiperError } from '../src/errors.js';
import { Options, runProgram, stopSignal } from '../src/program.js';
import { Material } from './material.js';
import { COUNTS } from './measures.js';
import { EXPERIMENTS, type ExperimentName, planRuns, planText } from './plan.js';
import { writeReport } from './report.js';
import { hasResult, ResultStore, readResults } from './results.js';
import { runAll } from './runner.js';
import { BATCH } from './sizes.js';

const HELP = `usage: npm run experiments -- NAME [options]
       npm run experiments -- report [--out DIR] [--doc FILE]

NAME is ${EXPERIMENTS.join(', ')} or all. What was stopped (Ctrl-C) goes on when started again; each
finished run is one JSON file in OUT/results.
  --plan           say what would be run and how long it takes, and do nothing
  --seeds N        seeds 1 to N (default 3)
  --minutes M      length of a training run on two idle cores; decides its number of steps (default 2)
  --out DIR        results and checkpoints (default runs/experiments)
  --corpus DIR     folder with train and valid of npm run corpus (default runs/corpus)
  --heard DIR      features and codes of both; what is missing is made first (default OUT/heard)
  --model DIR      the shipped model (default: the one of this package)
  --threads N      threads of the numeric engine (default 2)
  --doc FILE       of report: Markdown file that takes the tables (default docs/experiments.md)
  --help           this text
`;

function namesOf(name: string): readonly ExperimentName[] {
  if (name === 'all') return EXPERIMENTS;
  const found = EXPERIMENTS.find((known) => known === name);
  if (found) return [found];
  throw new BagpiperError(`There is no experiment "${name}"; ${EXPERIMENTS.join(', ')}, all and report are accepted.`);
}

async function main(): Promise<void> {
  const given = Options.read(process.argv.slice(2), {
    text: ['seeds', 'minutes', 'out', 'corpus', 'heard', 'model', 'threads', 'doc'],
    flags: ['plan'],
    words: true,
  });
  const [name, ...more] = given.words;
  if (given.has('help') || name === undefined) {
    process.stdout.write(HELP);
    return;
  }
  if (more.length > 0) throw new BagpiperError(`"${more[0]}" is one name too many; give one experiment, or all.`);
  const out = given.text('out') ?? 'runs/experiments';
  if (name === 'report') {
    const file = given.text('doc') ?? fileURLToPath(new URL('../docs/experiments.md', import.meta.url));
    for (const path of await writeReport(readResults(out), file)) process.stdout.write(`${path}\n`);
    return;
  }
  const options = {
    seeds: given.number('seeds', 3, { most: 1000 }),
    minutes: given.number('minutes', 2, { least: 0, above: true, most: 1000, fractions: true }),
  };
  const threads = given.number('threads', 2, { most: 1000 });
  const signal = stopSignal();
  const runs = planRuns(namesOf(name), options);
  process.stdout.write(`${planText(runs, ({ id }) => hasResult(out, id))}\n`);
  if (given.has('plan')) return;
  mkdirSync(out, { recursive: true });
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);
  const model = given.text('model');
  const material = await Material.open({
    corpus: given.text('corpus') ?? 'runs/corpus',
    heard: given.text('heard') ?? join(out, 'heard'),
    ...(model === undefined ? {} : { model }),
    ...{ threads, signal, tell },
  });
  try {
    const store = new ResultStore(out, material.digest);
    const whole = await runAll(runs, { store, material, sizes: BATCH, counts: COUNTS, signal, tell });
    const next = whole ? `npm run experiments -- report --out ${out}` : 'the same command, which goes on from here';
    process.stderr.write(`${whole ? 'All results are there' : 'Stopped'}. Next: ${next}\n`);
    if (!whole) process.exitCode = 130;
  } finally {
    await material.close();
  }
}

runProgram(main);
