/** The files that are measured: made once in the given folder, and found there by later runs. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BagpiperError } from '../../src/errors.js';
import { storagePlan } from '../../src/model/storage.js';
import { Random } from '../../src/random.js';
import { preparedBytes } from '../../src/runtime/index.js';
import { blockBytes } from '../../src/weights/quantize/index.js';
import { secondsSince } from '../measure.js';
import { digits } from '../table.js';
import { checkpointBytes, checkpointTensors, writeCheckpoint } from './checkpoint.js';
import { ggufBytes, writeGguf } from './gguf.js';
import { type Memory, MemoryWatch } from './memory.js';
import type { Scale } from './scale.js';

const PROGRAM = fileURLToPath(new URL('../../bin/bagpiper.js', import.meta.url));
/** Room on the disk that must stay free, and memory that everything but weights may take. */
const SPARE_DISK = 1e9;
const SPARE_MEMORY = 4e9;
/** ONNX Runtime rearranges weights when it loads them: at blocks of 32 its own copy is that much larger than the file. */
const REARRANGED = 1.5;
/** Compiled graphs hold codes and their rearranged copy. */
const PREPARED = 2.1;
/** The block that llama.cpp's Q4_0 has too. */
export const SMALL_BLOCK = 32;

/** How a conversion went. */
export interface ConversionRecord {
  seconds: number;
  memory?: Memory;
  /** bytes of the checkpoint and of the result */
  from: number;
  to: number;
  /** whether it went on with what an earlier, stopped run had left: then seconds say little */
  resumed: boolean;
}

export interface ConvertedFolder {
  folder: string;
  record?: ConversionRecord;
}

/** Everything that is measured. */
export interface Stages {
  checkpoint: string;
  /** as `bagpiper convert` makes it when nothing is said */
  standard: ConvertedFolder;
  /** the same files, and what `bagpiper prepare` adds */
  prepared: ConvertedFolder;
  small: ConvertedFolder;
  gguf: string;
}

interface Stage {
  path: string;
  what: string;
  bytes: number;
  make: () => void | Promise<void>;
}

/**
 * Makes what is not there yet. Whatever is stopped goes on or begins again at the next call.
 *
 * @throws BagpiperError where disk or memory do not suffice; nothing is made then
 */
export async function makeStages(dir: string, scale: Scale, progress: (message: string) => void): Promise<Stages> {
  const folder = join(dir, scale.name);
  const at = (name: string): string => join(folder, name);
  const checkpoint = at('checkpoint/model.pt');
  const stages: Stage[] = [
    {
      path: checkpoint,
      what: 'the checkpoint',
      bytes: checkpointBytes(scale),
      make: () => writeCheckpoint(checkpoint, scale, sharing(progress, 'writing the checkpoint')),
    },
    {
      path: at('q4'),
      what: 'the 4-bit model',
      bytes: convertedBytes(scale, 128),
      make: () => convert(checkpoint, at('q4'), [], progress),
    },
    {
      path: at('q4-prepared'),
      what: 'what is prepared of it',
      bytes: PREPARED * convertedBytes(scale, 128),
      make: () => prepare(at('q4'), at('q4-prepared'), progress),
    },
    {
      path: at(`q4-block${SMALL_BLOCK}`),
      what: `the 4-bit model in blocks of ${SMALL_BLOCK}`,
      bytes: convertedBytes(scale, SMALL_BLOCK),
      make: () => convert(checkpoint, at(`q4-block${SMALL_BLOCK}`), ['--block', String(SMALL_BLOCK)], progress),
    },
    {
      path: at('q4_0.gguf'),
      what: 'a GGUF file of the same shape for llama.cpp',
      bytes: ggufBytes(scale.gguf),
      make: () => {
        progress('writing the GGUF file');
        const random = new Random('gguf');
        writeGguf(at('q4_0.gguf'), scale.gguf, () => random.uint32() >>> 24);
      },
    },
  ];
  mkdirSync(folder, { recursive: true });
  const missing = stages.filter(({ path }) => !existsSync(path));
  checkRoom(folder, missing, convertedBytes(scale, SMALL_BLOCK), progress);
  for (const { make } of missing) await make();
  const converted = ({ path }: Stage): ConvertedFolder => ({ folder: path, record: readRecord(path) });
  const [standard, prepared, small] = stages.slice(1, 4).map(converted);
  return { checkpoint, standard, prepared, small, gguf: stages[4].path };
}

/** Says what is needed before anything is done. */
function checkRoom(folder: string, missing: readonly Stage[], weights: number, progress: (message: string) => void) {
  const gigabytes = (bytes: number): string => `${digits(bytes / 1e9)} GB`;
  const { bavail, bsize } = statfsSync(folder);
  const [free, memory] = [bavail * bsize, process.availableMemory()];
  const disk = missing.reduce((sum, { bytes }) => sum + bytes, SPARE_DISK);
  const needed = REARRANGED * weights + SPARE_MEMORY;
  if (missing.length > 0) {
    const list = missing.map(({ what, bytes }) => `${what} (${gigabytes(bytes)})`).join(', ');
    progress(`to be made in ${folder}: ${list}; ${gigabytes(disk)} of ${gigabytes(free)} free on the disk`);
    if (disk > free) {
      throw new BagpiperError(
        `${folder} needs ${gigabytes(disk)} and its disk has ${gigabytes(free)} free; name a folder on another disk with --dir, or free some space.`,
      );
    }
  }
  progress(`${gigabytes(needed)} of memory needed, ${gigabytes(memory)} free`);
  if (needed <= memory) return;
  throw new BagpiperError(
    `The models that are measured need ${gigabytes(needed)} of memory and ${gigabytes(memory)} are free; close other programs, or try fewer layers with --layers.`,
  );
}

function convertedBytes(scale: Scale, block: number): number {
  const tensors = new Map(checkpointTensors(scale).map(({ name, shape }) => [name, { dtype: 'BF16' as const, shape }]));
  let sum = 0;
  for (const { shape, blocks } of storagePlan(tensors, scale.tensors, { quantize: 'q4', block, headBits: 8 })) {
    const plain = 2 * shape.reduce((a, b) => a * b, 1);
    sum += blocks ? blockBytes({ rows: shape[0], columns: shape[1], ...blocks }) : plain;
  }
  return sum;
}

/** Runs `bagpiper convert` and notes what it took beside the result. */
async function convert(from: string, to: string, options: readonly string[], progress: (message: string) => void) {
  const resumed = existsSync(`${to}.part`);
  progress(`converting into ${to}`);
  const { seconds, memory } = await command(['convert', from, to, ...options]);
  writeRecord(to, { seconds, memory, from: statSync(from).size, to: weightBytes(to), resumed });
}

/** Prepares a model in a folder of hard links, so that the model itself stays as it is. */
async function prepare(model: string, to: string, progress: (message: string) => void) {
  const aside = `${to}.part`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside);
  for (const name of readdirSync(model)) linkSync(join(model, name), join(aside, name));
  progress(`preparing ${model}`);
  const { seconds, memory } = await command(['prepare', aside]);
  renameSync(aside, to);
  const bytes = preparedBytes(join(to, 'prepared'));
  writeRecord(to, { seconds, memory, from: weightBytes(model), to: bytes, resumed: false });
}

/** Runs the command line as a process of its own. @throws BagpiperError with what it said when it failed */
async function command(argv: readonly string[]): Promise<{ seconds: number; memory?: Memory }> {
  const start = performance.now();
  const child = spawn(process.execPath, [PROGRAM, ...argv, '--quiet'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const watch = new MemoryWatch(child.pid!);
  let errors = '';
  child.stderr.on('data', (data) => {
    errors = `${errors}${data}`.slice(-2000);
  });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  const memory = watch.stop();
  if (code !== 0) throw new BagpiperError(`"bagpiper ${argv.join(' ')}" failed: ${errors.trim()}`);
  return { seconds: secondsSince(start), ...(memory ? { memory } : {}) };
}

function writeRecord(folder: string, record: ConversionRecord): void {
  writeFileSync(recordFile(folder), `${JSON.stringify(record, null, 2)}\n`);
}

/** Bytes of a model folder's weights. */
export const weightBytes = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.safetensors'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

const recordFile = (folder: string): string => `${folder}.conversion.json`;

function readRecord(folder: string): ConversionRecord | undefined {
  const file = recordFile(folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ConversionRecord) : undefined;
}

/** Tells of every tenth part that is done. */
function sharing(progress: (message: string) => void, what: string): (share: number) => void {
  let next = 0;
  return (share) => {
    if (share < next) return;
    progress(`${what}, ${Math.floor(100 * share)}%`);
    next = Math.floor(10 * share) / 10 + 0.1;
  };
}
