/** `npm run evaluate:nano -- --model DIR --corpus DIR --out FILE`: the small model on clips that it never saw. */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import { Options, runProgram } from '../../program.js';
import { loadBagpiper } from '../../tasks/index.js';
import { type EvaluateOptions, type Evaluation, evaluateNano, PARTS, type PartName } from './evaluate.js';
import { markdown, report } from './report.js';
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
  --skip N            clips of the corpus to pass over before these (default 0)
  --learned           take a --corpus of the split train: the tables then tell what the model remembers, and no targets
  --codec-clips N     clips to code (default 60)
  --renders N         sounds to render (default 240)
  --takes N           takes of each, of which the model keeps the one that it hears as most like its caption
                      (default: as many as the model is used to)
  --seed N            of questions, requests and generation (default 1)
  --temperature T     of captions and answers (default 0: the likeliest token)
  --together N        requests in the engine at once (default 1)
  --threads N         threads of the numeric engine (default: all cores)
  --help              this text`;

interface EvaluateCommand extends EvaluateOptions {
  model: string | undefined;
  threads: number;
  out: string;
}

function readOptions(argv: string[]): EvaluateCommand | null {
  const options = Options.read(argv, {
    text: [
      ...(['train', 'corpus', 'model', 'out', 'real', 'parts', 'clips', 'skip', 'renders'] as const),
      ...(['codec-clips', 'takes', 'seed', 'temperature', 'together', 'threads'] as const),
    ],
    flags: ['learned'],
  });
  if (options.has('help')) return null;
  const corpus = options.text('corpus');
  if (!corpus) throw new BagpiperError('--corpus DIR is missing: the clips to test on; see --help');
  const out = options.text('out') ?? 'runs/evaluation.json';
  return {
    ...{
      corpus,
      model: options.text('model'),
      out,
      real: options.text('real'),
      parts: readParts(options.text('parts')),
    },
    train: options.text('train') ?? trainBeside(corpus),
    work: `${out.replace(/\.json$/, '')}.parts`,
    clips: options.number('clips', 1000),
    skip: options.number('skip', 0, { least: 0 }),
    learned: options.has('learned'),
    codecClips: options.number('codec-clips', 60),
    renders: options.number('renders', 240),
    takes: options.text('takes') === undefined ? undefined : options.number('takes', 1),
    seed: options.number('seed', 1, { least: 0 }),
    temperature: options.number('temperature', 0, { least: 0, fractions: true }),
    together: options.number('together', 1),
    threads: options.number('threads', availableParallelism()),
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
    const { rows, settings } = evaluation;
    process.stdout.write(`${settings.learned ? markdown(rows) : report(rows)}\n`);
    mkdirSync(dirname(out), { recursive: true });
    await writeFileAtomically(out, `${JSON.stringify(evaluation, null, 2)}\n`);
    process.stderr.write(`Written to ${out}\n`);
  } finally {
    await bagpiper.close();
  }
}

runProgram(main);
