/** The command line as processes of its own: how soon it is there, and how much memory it takes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeWav } from '../src/audio/index.js';
import { CLIP_RATE, clip } from './clip.js';
import { type BenchOptions, type Row, row, secondsSince } from './measure.js';
import { CLIP_SECONDS, QUESTION, REQUEST } from './verbs.js';

const PROGRAM = fileURLToPath(new URL('../bin/bagpiper.js', import.meta.url));
/** The issue's target for `bagpiper info`. */
const INFO_SECONDS = 0.3;
const SPAWNS = 10;
/**
 * Makes a process (not its worker threads, which would load this too) tell its largest resident memory, in kB, when it
 * ends. On Linux the kernel's own mark is read: the figure of `resourceUsage` begins with that of the parent process.
 */
const WITNESS = `data:text/javascript,${encodeURIComponent(
  `import { readFileSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
const peak = () => {
  try { return /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]; }
  catch { return String(process.resourceUsage().maxRSS); }
};
if (isMainThread) process.on('exit', () => writeSync(3, peak()));`,
)}`;

interface Finished {
  seconds: number;
  /** largest resident memory in MB; not a number where it was not told */
  memory: number;
}

/** Runs Node to its end. @throws Error with what it wrote on stderr when it fails */
function node(args: readonly string[], witness = false): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, [...(witness ? ['--import', WITNESS] : []), ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    let told = '';
    child.stderr!.on('data', (data) => {
      errors += data;
    });
    (child.stdio[3] as NodeJS.ReadableStream).on('data', (data) => {
      told += data;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve({ seconds: secondsSince(start), memory: told ? Number(told) / 1000 : Number.NaN });
      else reject(new Error(`bagpiper ${args.slice(1).join(' ')} ended with ${code}: ${errors.trim()}`));
    });
  });
}

export async function processRows(options: BenchOptions): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-bench-'));
  try {
    return [...(await coldRows(options)), ...(await memoryRows(options, folder))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function coldRows({ model, progress }: BenchOptions): Promise<Row[]> {
  progress(`bagpiper info, ${SPAWNS} times`);
  const cold: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < SPAWNS; i++) {
    bare.push((await node(['-e', '0'])).seconds);
    cold.push((await node([PROGRAM, 'info', model])).seconds);
  }
  const target = { text: `within ${INFO_SECONDS} s`, met: (x: number) => x <= INFO_SECONDS };
  const baseline = { name: 'node -e 0', value: row('', '', bare).value };
  return [row('bagpiper info, cold', 's', cold, { baseline, target })];
}

async function memoryRows({ model, threads, runs, progress }: BenchOptions, folder: string): Promise<Row[]> {
  const heard = join(folder, 'heard.wav');
  const samples = clip(CLIP_SECONDS);
  writeFileSync(heard, encodeWav(samples, CLIP_RATE));
  const common = ['--model', model, '--threads', String(threads), '--quiet'];
  const commands = {
    describe: ['describe', heard],
    ask: ['ask', heard, QUESTION],
    render: ['render', REQUEST, '-o', join(folder, 'made.wav')],
  };
  const weights = statSync(join(model, 'model.safetensors')).size / 1e6;
  const rows: Row[] = [];
  for (const [name, args] of Object.entries(commands)) {
    const done: Finished[] = [];
    for (let i = 0; i < Math.min(3, runs); i++) {
      progress(`bagpiper ${name} as a process, ${i + 1} of ${Math.min(3, runs)}`);
      done.push(await node([PROGRAM, ...args, ...common], true));
    }
    rows.push(
      row(
        `bagpiper ${name}: whole command`,
        's',
        done.map((d) => d.seconds),
      ),
    );
    const baseline = { name: 'model.safetensors', value: weights };
    rows.push(
      row(
        `bagpiper ${name}: peak memory`,
        'MB',
        done.map((d) => d.memory),
        { baseline },
      ),
    );
  }
  return rows;
}
