/**
 * Converts a checkpoint tensor by tensor and matrices row by row, so that memory stays small whatever the model's size.
 * What is written depends on the input and the plan alone.
 */
import { createHash } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { codeBytes, rowScales } from '../../graph/index.js';
import { bytesOf, type DType, numbersToFloat32, viewAs } from '../dtype.js';
import { elements, layOut, outputsOf, sourceBytes, type TensorPlan } from './layout.js';
import { packBlocks } from './pack.js';
import { WorkFolder } from './work-folder.js';

/** Where tensors come from: what `openCheckpoint` gives, or anything alike. */
export interface TensorSource {
  /** names the source in messages */
  readonly file: string;
  readonly files?: readonly string[];
  readonly tensors: ReadonlyMap<string, { dtype: DType; shape: readonly number[] }>;
  /** little-endian bytes [start, end) of a tensor's row-major numbers */
  bytes(name: string, start?: number, end?: number): Uint8Array;
}

export interface ConvertOptions {
  /** the folder to make */
  out: string;
  /** in the order of the result; matrices that are computed together follow each other */
  tensors: readonly TensorPlan[];
  /** largest file of a result that is not in blocks; default 5 GB */
  shardBytes?: number;
  /** bytes after which finished tensors are noted, which waits for the disk; default 256 MiB */
  noteBytes?: number;
  /** writes what belongs beside the weights into the folder */
  beside?: (folder: string) => void;
  /** told after each tensor: bytes of the source done and in all, and whether an earlier run had done it */
  progress?: (tensor: string, done: number, all: number, kept: boolean) => void;
  signal?: AbortSignal;
}

export interface Converted {
  /** bytes of the weight files */
  bytes: number;
  /** tensors that an earlier, stopped run had finished */
  kept: number;
}

/** Numbers that are converted at once: some 40 MB with everything that they become. */
const SLICE = 2 ** 22;
const SHARD_BYTES = 5 * 2 ** 30;
const INDEX = 'model.safetensors.index.json';
/** Part of the fingerprint: another way of packing must not go on where this one stopped. */
const VERSION = 1;

/**
 * Converts tensors into a model folder. Stopped, killed or out of disk, it goes on where it was when it is called again
 * with the same input and plan. The folder appears under its name when it is complete.
 *
 * @throws BagpiperError where numbers are missing, not finite, or cannot be read or written; the signal's reason
 */
export async function convertTensors(source: TensorSource, options: ConvertOptions): Promise<Converted> {
  const { tensors, out, signal, progress } = options;
  const layout = layOut(tensors, options.shardBytes ?? SHARD_BYTES);
  const work = new WorkFolder(out, layout, fingerprintOf(source, options), options.noteBytes);
  const all = tensors.reduce((sum, plan) => sum + sourceBytes(plan), 0);
  let done = 0;
  try {
    for (const plan of tensors) {
      const kept = work.kept.has(plan.name);
      if (!kept) {
        for (const _slice of slicesOf(source, plan, work)) {
          signal?.throwIfAborted();
          // Lets Ctrl-C and progress through.
          await new Promise((resolve) => setImmediate(resolve));
        }
        work.finished(plan.name);
      }
      done += sourceBytes(plan);
      progress?.(plan.name, done, all, kept);
    }
  } catch (error) {
    work.close();
    throw error;
  }
  work.complete((folder) => {
    if (layout.index) writeFileSync(join(folder, INDEX), `${JSON.stringify(layout.index, null, 2)}\n`);
    options.beside?.(folder);
  });
  return { bytes: layout.files.reduce((sum, { size }) => sum + size, 0), kept: work.kept.size };
}

/** Converts a tensor slice by slice. */
function* slicesOf(source: TensorSource, plan: TensorPlan, work: WorkFolder): Generator<void> {
  const { name, dtype, shape, blocks } = plan;
  const size = bytesOf(dtype);
  if (!blocks) {
    const bytes = elements(shape) * size;
    for (let at = 0; at < bytes; at += 4 * SLICE) {
      work.write(name, at, source.bytes(name, at, Math.min(at + 4 * SLICE, bytes)));
      yield;
    }
    return;
  }
  const [rows, columns] = shape;
  const [codes, scales] = outputsOf(plan).map((output) => output.name);
  const perSlice = Math.max(1, Math.floor(SLICE / columns));
  for (let row = 0; row < rows; row += perSlice) {
    const end = Math.min(row + perSlice, rows);
    const bytes = source.bytes(name, row * columns * size, end * columns * size);
    const values = numbersToFloat32(dtype, viewAs(dtype, bytes));
    checkFinite(values, row * columns, columns, source, name);
    const packed = packBlocks(values, blocks);
    const matrix = { columns, ...blocks };
    work.write(codes, row * codeBytes(matrix), packed.codes);
    work.write(scales, row * rowScales(matrix) * 4, new Uint8Array(packed.scales.buffer));
    yield;
  }
}

function checkFinite(values: Float32Array, from: number, columns: number, { file }: TensorSource, name: string): void {
  for (let i = 0; i < values.length; i++) {
    // NaN and infinities minus themselves are NaN.
    if (values[i] - values[i] === 0) continue;
    const at = from + i;
    throw new BagpiperError(
      `${file}: tensor "${name}" holds ${values[i]} in row ${Math.floor(at / columns)}, column ${at % columns}; such numbers cannot be quantized.`,
    );
  }
}

/** What is converted into what, as text; files count with size and time of change. */
function fingerprintOf(
  { file, files = [file], tensors: known }: TensorSource,
  { tensors, shardBytes }: ConvertOptions,
): string {
  const input = files.map((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    return [path, stats?.size ?? 0, stats?.mtimeMs ?? 0];
  });
  const hash = createHash('sha256');
  hash.update(JSON.stringify([VERSION, input, tensors, shardBytes ?? null, [...known.keys()].length]));
  return `${JSON.stringify({ from: file, fingerprint: hash.digest('hex') })}\n`;
}
