/** `npm run bench -- NAME`: measures something and prints one Markdown table. */
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BagpiperError } from '../src/errors.js';
import type { Bench } from './measure.js';
import { nano } from './nano.js';
import { randomModel } from './random-model.js';
import { machine, machineLines, table } from './table.js';

const BENCHES: Record<string, Bench> = { nano };

const HELP = `Usage: npm run bench -- NAME [options]

Measures and prints one Markdown table: median, smallest and largest of several runs.

${Object.entries(BENCHES)
  .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
  .join('\n')}

Options:
  --model DIR    model folder (default: models/nano)
  --random       use a model of random numbers of the same sizes, made in a temporary folder
  --threads N    threads of ONNX Runtime (default: one a core)
  --runs N       times that each thing is measured (default: 5)
  --json FILE    write the figures there too
  --help         this text

Close other programs first: the line under the title says how busy the machine was.
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      random: { type: 'boolean', default: false },
      threads: { type: 'string', default: String(availableParallelism()) },
      runs: { type: 'string', default: '5' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const name = positionals[0];
  if (values.help || name === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const bench = BENCHES[name];
  if (!bench || positionals.length > 1) {
    const known = Object.keys(BENCHES).join(', ');
    throw new BagpiperError(`There is no benchmark "${positionals.join(' ')}"; these are there: ${known}.`);
  }
  const threads = whole('--threads', values.threads);
  const runs = whole('--runs', values.runs);
  const about = machine(threads);
  const made = values.random ? randomModel() : undefined;
  try {
    const model = made?.folder ?? values.model ?? fileURLToPath(new URL('../models/nano', import.meta.url));
    if (!existsSync(join(model, 'config.json'))) {
      throw new BagpiperError(`${model} is no model folder; name one with --model, or use --random.`);
    }
    const progress = (message: string): void => void process.stderr.write(`${name}: ${message}\n`);
    const { rows, notes } = await bench.run({ model, random: made !== undefined, threads, runs, progress });
    const lines = [...machineLines(about), ...notes];
    process.stdout.write(`## ${name}\n\n${lines.join('\n\n')}\n\n${table(rows)}\n`);
    if (values.json) writeFileSync(values.json, `${JSON.stringify({ name, machine: about, notes, rows }, null, 2)}\n`);
  } finally {
    made?.remove();
  }
}

function whole(option: string, text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1)
    throw new BagpiperError(`${option} is "${text}"; a whole number from 1 is accepted.`);
  return n;
}

main().catch((error: unknown) => {
  const wrongOption = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  const known = error instanceof BagpiperError || wrongOption;
  process.stderr.write(`${known ? (error as Error).message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = 2;
});
