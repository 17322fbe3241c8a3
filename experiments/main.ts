/** `npm run experiments -- NAME`: the paper's claims in miniature, with small models on two CPU cores (docs/experiments.md). */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BagpiperError, messageOf } from '../src/errors.js';
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

function readArguments(argv: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        ...{ seeds: text, minutes: text, out: text, corpus: text, heard: text, model: text, threads: text, doc: text },
        plan: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new BagpiperError(`${messageOf(error)}; see --help`);
  }
}

type Values = ReturnType<typeof readArguments>['values'];

function numberOf(values: Values, name: 'seeds' | 'minutes' | 'threads', preset: number): number {
  const value = values[name] === undefined ? preset : Number(values[name]);
  const whole = name !== 'minutes';
  if (!(value > 0) || value > 1000 || (whole && !Number.isInteger(value))) {
    throw new BagpiperError(
      `--${name} is "${values[name]}"; give a ${whole ? 'whole ' : ''}number from ${whole ? 1 : 0} to 1000.`,
    );
  }
  return value;
}

function namesOf(name: string): readonly ExperimentName[] {
  if (name === 'all') return EXPERIMENTS;
  const found = EXPERIMENTS.find((known) => known === name);
  if (found) return [found];
  throw new BagpiperError(`There is no experiment "${name}"; ${EXPERIMENTS.join(', ')}, all and report are accepted.`);
}

async function main(signal: AbortSignal): Promise<void> {
  const { values, positionals } = readArguments(process.argv.slice(2));
  const [name, ...more] = positionals;
  if (values.help || name === undefined) {
    process.stdout.write(HELP);
    return;
  }
  if (more.length > 0) throw new BagpiperError(`"${more[0]}" is one name too many; give one experiment, or all.`);
  const out = values.out ?? 'runs/experiments';
  if (name === 'report') {
    const file = values.doc ?? fileURLToPath(new URL('../docs/experiments.md', import.meta.url));
    for (const path of await writeReport(readResults(out), file)) process.stdout.write(`${path}\n`);
    return;
  }
  const options = { seeds: numberOf(values, 'seeds', 3), minutes: numberOf(values, 'minutes', 2) };
  const threads = numberOf(values, 'threads', 2);
  const runs = planRuns(namesOf(name), options);
  process.stdout.write(`${planText(runs, ({ id }) => hasResult(out, id))}\n`);
  if (values.plan) return;
  mkdirSync(out, { recursive: true });
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);
  const material = await Material.open({
    corpus: values.corpus ?? 'runs/corpus',
    heard: values.heard ?? join(out, 'heard'),
    ...(values.model === undefined ? {} : { model: values.model }),
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

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
main(stop.signal).catch((error: unknown) => {
  const expected = error instanceof BagpiperError;
  process.stderr.write(`${expected ? messageOf(error) : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = expected ? 2 : 1;
});
