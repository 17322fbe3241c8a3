/** `npm run evaluate:nano -- --model DIR --corpus DIR --out FILE`: the small model on clips that it never saw. */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BagpiperError, messageOf } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import { loadBagpiper } from '../../tasks/index.js';
import { type EvaluateOptions, type Evaluation, evaluateNano, PARTS, type PartName } from './evaluate.js';
import { report } from './report.js';
import type { Tell } from './results.js';

const HELP = `usage: npm run evaluate:nano -- --corpus DIR [options]

Puts the small model to the test and prints two Markdown tables: the rows that have targets, and all. Stopped runs go on
where they were.
  --corpus DIR        clips of npm run corpus -- --split test --scenes 1000
  --train DIR         clips of the split train, on which the signal measures of renderings are fixed (default: the
                      folder train beside --corpus; where there is none they are not measured)
  --model DIR         model folder (default: the one of this package)
  --out FILE          also write the results as JSON; raw results go to FILE's name with .parts
                      (default: runs/evaluation.json)
  --real DIR          also hear the recordings of DIR/labels.jsonl
  --parts LIST        of ${PARTS.join(',')} (default: all)
  --clips N           clips to describe and ask about (default 1000)
  --codec-clips N     clips to code (default 60)
  --renders N         sounds to render (default 240)
  --seed N            of questions, requests and generation (default 1)
  --temperature T     of captions and answers (default 0: the likeliest token)
  --together N        requests in the engine at once (default 1)
  --threads N         threads of the numeric engine (default: all cores)
  --help              this text`;

interface Options extends EvaluateOptions {
  model: string | undefined;
  threads: number;
  out: string;
}

function readOptions(argv: string[]): Options | null {
  const string = { type: 'string' } as const;
  const known = {
    ...{
      train: string,
      corpus: string,
      model: string,
      out: string,
      real: string,
      parts: string,
      clips: string,
      renders: string,
    },
    ...{ 'codec-clips': string, seed: string, temperature: string, together: string, threads: string },
  };
  let values: Partial<Record<keyof typeof known | 'help', string | boolean>>;
  try {
    values = parseArgs({ args: argv, options: { ...known, help: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new BagpiperError(`${messageOf(error)}; see --help`);
  }
  if (values.help) return null;
  const given = values as Partial<Record<keyof typeof known, string>>;
  const number = (name: keyof typeof known, preset: number, least: number, whole = true): number => {
    const value = given[name] === undefined ? preset : Number(given[name]);
    if (!(value >= least && value <= 1e6) || (whole && !Number.isInteger(value))) {
      const kind = whole ? 'a whole number' : 'a number';
      throw new BagpiperError(`--${name} is "${given[name]}"; give ${kind} from ${least} on.`);
    }
    return value;
  };
  if (!given.corpus) throw new BagpiperError('--corpus DIR is missing: the clips to test on; see --help');
  const out = given.out ?? 'runs/evaluation.json';
  return {
    ...{ corpus: given.corpus, model: given.model, out, real: given.real, parts: readParts(given.parts) },
    train: given.train ?? trainBeside(given.corpus),
    work: `${out.replace(/\.json$/, '')}.parts`,
    clips: number('clips', 1000, 1),
    codecClips: number('codec-clips', 60, 1),
    renders: number('renders', 240, 1),
    seed: number('seed', 1, 0),
    temperature: number('temperature', 0, 0, false),
    together: number('together', 1, 1),
    threads: number('threads', availableParallelism(), 1),
  };
}

function trainBeside(corpus: string): string | undefined {
  const folder = join(dirname(resolve(corpus)), 'train');
  return existsSync(folder) ? folder : undefined;
}

function readParts(list: string | undefined): readonly PartName[] {
  if (list === undefined) return PARTS;
  return list.split(',').map((name) => {
    const found = PARTS.find((part) => part === name.trim());
    if (!found) throw new BagpiperError(`--parts names "${name}"; ${PARTS.join(', ')} are accepted, joined by commas.`);
    return found;
  });
}

/** A line on stderr: in place on a terminal, else once in half a minute. */
function progressLine(part: string): Tell {
  const began = performance.now();
  const terminal = process.stderr.isTTY === true;
  let first: number | undefined;
  let last = 0;
  return (done, total) => {
    const now = performance.now();
    first ??= done - 1;
    if (now - last < (terminal ? 200 : 30000) && done < total) return;
    last = now;
    const each = (now - began) / 1000 / (done - first);
    const left = Math.ceil((each * (total - done)) / 60);
    const line = `${part}: ${done}/${total}, ${each.toFixed(1)} s each, ${left} min left`;
    process.stderr.write(terminal ? `\r\x1b[K${line}${done === total ? '\n' : ''}` : `${line}\n`);
  };
}

function heading({ machine, model, settings }: Evaluation): string {
  const { clips, codecClips, renders, seed, temperature } = settings;
  return [
    `Model ${model.hash}, ${(model.parameters / 1e6).toFixed(1)}M parameters, ${model.threads} threads.`,
    `Machine: ${machine.processor}, ${machine.memory}, ${machine.system}.`,
    `${clips} clips of ${settings.corpus}, ${codecClips} coded, ${renders} rendered; seed ${seed}, text temperature ${temperature}.`,
  ].join('\n');
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const { model, threads, out, ...rest } = options;
  const bagpiper = await loadBagpiper(model, { threads });
  try {
    const evaluation = await evaluateNano(bagpiper, { ...rest, progress: progressLine });
    process.stderr.write(`${heading(evaluation)}\n`);
    process.stdout.write(`${report(evaluation.rows)}\n`);
    mkdirSync(dirname(out), { recursive: true });
    await writeFileAtomically(out, `${JSON.stringify(evaluation, null, 2)}\n`);
    process.stderr.write(`Written to ${out}\n`);
  } finally {
    await bagpiper.close();
  }
}

main().catch((error: unknown) => {
  const expected = error instanceof BagpiperError;
  process.stderr.write(`${expected ? messageOf(error) : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = expected ? 2 : 1;
});
