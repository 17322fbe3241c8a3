/**
 * A model folder as published on model hubs: `config.json`, `model.safetensors` (or shards with
 * `model.safetensors.index.json`) and, where the model reads text, `tokenizer.json`.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../errors.js';
import type { DType } from './dtype.js';
import { hashFiles } from './hash.js';
import { readJsonFile } from './json.js';
import { openSafetensors, type Safetensors, type Tensor, type TensorInfo } from './safetensors.js';
import { openShards, readShardIndex } from './shards.js';

/** What {@link ModelFolder.requireTensors} accepts besides the expected tensors. */
export interface RequireOptions {
  /** Accepted number formats; F32, F16 and BF16 unless given. */
  dtypes?: readonly DType[];
  /** Tensors that may be there without being expected, for example a training weight that the network does not use. */
  ignore?: (name: string) => boolean;
}

/** An opened model folder; weights are read when asked for. */
export interface ModelFolder {
  readonly path: string;
  /** The parsed `config.json`, not yet checked; `configFile` names it for messages. */
  readonly config: unknown;
  readonly configFile: string;
  /** Every tensor of every shard. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The parsed `tokenizer.json`. @throws BagpiperError where it is missing or no JSON. */
  tokenizer(): unknown;
  /** One tensor with its numbers. @throws BagpiperError where it does not exist. */
  tensor(name: string): Tensor;
  /**
   * Compares the tensors with what the model needs: name and shape.
   *
   * @throws BagpiperError for the first missing, misshaped, wrongly typed or unknown tensor, with the number of others.
   */
  requireTensors(expected: ReadonlyMap<string, readonly number[]>, options?: RequireOptions): void;
  /** Another safetensors file of the folder, undefined where there is none. @throws BagpiperError where it is damaged */
  beside(name: string): Safetensors | undefined;
  /** SHA-256 that stands for the model's content, in hex; see `hashFiles` for what it reads of large files. */
  modelHash(): string;
}

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const TOKENIZER = 'tokenizer.json';

/**
 * Opens a model folder and checks that its files hang together.
 *
 * @throws BagpiperError where the folder, its config or its weights are missing or damaged.
 */
export function openModelFolder(path: string): ModelFolder {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BagpiperError(`${path} is no folder; a model folder with ${CONFIG} and ${WEIGHTS} is expected.`);
  }
  const configFile = join(path, CONFIG);
  return new Folder(path, configFile, readJsonFile(configFile), openWeights(path));
}

class Folder implements ModelFolder {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  private readonly shardOf = new Map<string, Safetensors>();
  private hash: string | undefined;

  constructor(
    readonly path: string,
    readonly configFile: string,
    readonly config: unknown,
    private readonly shards: readonly Safetensors[],
  ) {
    const tensors = new Map<string, TensorInfo>();
    for (const shard of shards) {
      for (const [name, info] of shard.tensors) {
        const other = tensors.get(name);
        if (other !== undefined) {
          throw new BagpiperError(`Tensor "${name}" is in ${other.file} and again in ${info.file}; one must go.`);
        }
        tensors.set(name, info);
        this.shardOf.set(name, shard);
      }
    }
    this.tensors = tensors;
  }

  tokenizer(): unknown {
    return readJsonFile(join(this.path, TOKENIZER));
  }

  tensor(name: string): Tensor {
    const shard = this.shardOf.get(name);
    if (shard === undefined) throw new BagpiperError(`${this.path} has no tensor "${name}".`);
    return shard.tensor(name);
  }

  requireTensors(expected: ReadonlyMap<string, readonly number[]>, options: RequireOptions = {}): void {
    const { dtypes = ['F32', 'F16', 'BF16'], ignore = () => false } = options;
    const unknown = [...this.tensors.values()].filter(({ name }) => !expected.has(name) && !ignore(name));
    const problems: string[] = [];
    for (const [name, shape] of expected) {
      const problem = this.problemOf(name, shape, dtypes, unknown);
      if (problem !== undefined) problems.push(problem);
    }
    for (const { name, file } of unknown) {
      problems.push(`${file} holds tensor "${name}", which this model does not know; remove or rename it`);
    }
    if (problems.length === 0) return;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more problems with tensors)` : '';
    throw new BagpiperError(`${problems[0]}${more}.`);
  }

  beside(name: string): Safetensors | undefined {
    const file = join(this.path, name);
    return existsSync(file) ? openSafetensors(file) : undefined;
  }

  modelHash(): string {
    this.hash ??= hashFiles(
      [join(this.path, CONFIG), join(this.path, TOKENIZER), ...this.shards.map(({ file }) => file)].filter((file) =>
        existsSync(file),
      ),
    );
    return this.hash;
  }

  private problemOf(
    name: string,
    shape: readonly number[],
    dtypes: readonly DType[],
    unknown: readonly TensorInfo[],
  ): string | undefined {
    const wanted = `[${shape.join(', ')}] in ${dtypes.join(', ')}`;
    const info = this.tensors.get(name);
    if (info === undefined) {
      const renamed = likelyRenamed(name, shape, unknown);
      const hint =
        renamed === undefined ? '' : ` ("${renamed.name}" in ${renamed.file} has that shape; was it renamed?)`;
      return `${this.shardNames()} lacks tensor "${name}"; expected ${wanted}${hint}`;
    }
    if (info.shape.length !== shape.length || info.shape.some((size, axis) => size !== shape[axis])) {
      return `${info.file} holds tensor "${name}" as [${info.shape.join(', ')}]; expected ${wanted}`;
    }
    if (!dtypes.includes(info.dtype)) return `${info.file} holds tensor "${name}" in ${info.dtype}; expected ${wanted}`;
    return undefined;
  }

  private shardNames(): string {
    return this.shards.length === 1 ? this.shards[0].file : `${this.path} (${this.shards.length} weight files)`;
  }
}

/** Of the unknown tensors of that shape, the one whose name shares the longest beginning and end. */
function likelyRenamed(name: string, shape: readonly number[], unknown: readonly TensorInfo[]): TensorInfo | undefined {
  const alike = (other: string): number => {
    let start = 0;
    while (start < other.length && other[start] === name[start]) start++;
    let end = 0;
    while (end < other.length - start && other.at(-1 - end) === name.at(-1 - end)) end++;
    return start + end;
  };
  let best: TensorInfo | undefined;
  for (const info of unknown) {
    if (info.shape.join() !== shape.join()) continue;
    if (best === undefined || alike(info.name) > alike(best.name)) best = info;
  }
  return best;
}

function openWeights(path: string): Safetensors[] {
  const shards = readShardIndex(join(path, INDEX), 'safetensors');
  if (shards === undefined) return [openSafetensors(join(path, WEIGHTS))];
  return openShards(shards, INDEX, (file) => openSafetensors(join(path, file)));
}
