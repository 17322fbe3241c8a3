/** Published weights behind one interface, whatever they are stored in: safetensors or torch files, whole or split. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BagpiperError } from '../errors.js';
import { type Format, type Found, findWeights, formatOf } from './checkpoint-files.js';
import { fileSource } from './range.js';
import { openSafetensors } from './safetensors.js';
import { openShards } from './shards.js';
import {
  checkRange,
  type LoadedTensor,
  loadTensor,
  type StoredTensor,
  storedTensor,
  type TensorFile,
} from './stored.js';
import { openTorch } from './torch/index.js';

/** Opened weights. All tensors of all files; numbers are read when asked for. */
export interface Checkpoint extends TensorFile {
  readonly format: Format;
  /** The paths of the files, in the order of their index. */
  readonly files: readonly string[];
}

/**
 * Opens weights. `path` is a file (safetensors, or of `torch.save`), an `*.index.json`, or a folder with
 * `model.safetensors`, `pytorch_model.bin`, shards of either with their index, a DeepSpeed checkpoint (the folder with
 * `latest`, or one `global_step*`), or a single file of weights under any name.
 *
 * @throws BagpiperError where there are no weights, or a file is damaged, not of these formats, or holds more than weights.
 */
export function openCheckpoint(path: string): Checkpoint {
  const stats = existsSync(path) ? statSync(path) : undefined;
  if (stats === undefined) {
    throw new BagpiperError(`${path} does not exist; a file or folder with the weights of a model is expected there.`);
  }
  const indexed = path.endsWith('.index.json');
  if (!stats.isDirectory() && !indexed) return new Files(path, [openFile(path)], formatOf(path));
  const found = findWeights(stats.isDirectory() ? path : dirname(path));
  return new Files(path, openAll(found), formatOf(join(found.folder, found.files[0])));
}

function openAll({ folder, files, index }: Found): TensorFile[] {
  if (index === undefined) return files.map((file) => openFile(join(folder, file)));
  return openShards(index.shards, index.name, (file) => openFile(join(folder, file)));
}

function openFile(path: string): TensorFile {
  return formatOf(path) === 'torch' ? openTorch(path) : new SafetensorsFile(path);
}

class SafetensorsFile implements TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor & { byteOffset: number }>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly skipped = [];

  constructor(readonly file: string) {
    const { tensors, metadata } = openSafetensors(file);
    this.tensors = tensors;
    this.metadata = metadata;
  }

  bytes(name: string, start = 0, end?: number): Uint8Array {
    const tensor = storedTensor(this.tensors, name, this.file);
    const stop = end ?? tensor.byteLength;
    checkRange(tensor, start, stop);
    return fileSource(this.file, 'a safetensors file').use((read) => read(tensor.byteOffset + start, stop - start));
  }

  tensor(name: string): LoadedTensor {
    return loadTensor(storedTensor(this.tensors, name, this.file), this.bytes(name));
  }
}

/** One or several files as one. */
class Files implements Checkpoint {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly skipped: readonly string[];
  readonly files: readonly string[];
  private readonly fileOf = new Map<string, TensorFile>();

  constructor(
    readonly file: string,
    parts: readonly TensorFile[],
    readonly format: Format,
  ) {
    const tensors = new Map<string, StoredTensor>();
    for (const part of parts) {
      for (const [name, tensor] of part.tensors) {
        const other = tensors.get(name);
        if (other !== undefined) {
          throw new BagpiperError(`Tensor "${name}" is in ${other.file} and again in ${part.file}; one must go.`);
        }
        tensors.set(name, tensor);
        this.fileOf.set(name, part);
      }
    }
    this.tensors = tensors;
    this.metadata = new Map(parts.flatMap(({ metadata }) => [...metadata]));
    this.skipped = parts.flatMap(({ skipped }) => skipped);
    this.files = parts.map(({ file }) => file);
  }

  bytes(name: string, start?: number, end?: number): Uint8Array {
    return this.partWith(name).bytes(name, start, end);
  }

  tensor(name: string): LoadedTensor {
    return this.partWith(name).tensor(name);
  }

  private partWith(name: string): TensorFile {
    const part = this.fileOf.get(name);
    if (part === undefined) throw new BagpiperError(`${this.file} has no tensor "${name}".`);
    return part;
  }
}
