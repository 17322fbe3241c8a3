/** Where everything of a converted model goes: files, tensors, bytes; known before anything is read. */
import { codeBytes, rowScales } from '../../graph/index.js';
import { bytesOf, type DType } from '../dtype.js';
import { encodeHeader, inFileOrder, sizeOf } from '../safetensors-write.js';
import type { BlockFormat } from './pack.js';
import { codesName, scaleName } from './stored.js';

/** A tensor to convert: as it is, or, a matrix, into blocks. */
export interface TensorPlan {
  name: string;
  dtype: DType;
  shape: readonly number[];
  blocks?: BlockFormat;
}

/** A tensor of the result, and which one it comes from. */
export interface OutputTensor {
  name: string;
  dtype: DType;
  shape: readonly number[];
  source: string;
}

/** Where a tensor of the result lies. */
export interface OutputPlace {
  file: string;
  offset: number;
}

export interface OutputFile {
  name: string;
  /** the bytes before the first tensor */
  header: Uint8Array;
  size: number;
}

export interface Layout {
  files: OutputFile[];
  places: Map<string, OutputPlace>;
  /** tensor -> file, where there are several */
  index: { metadata: { total_size: number }; weight_map: Record<string, string> } | undefined;
}

/** What a tensor becomes: itself, or codes and scales. */
export function outputsOf({ name, dtype, shape, blocks }: TensorPlan): OutputTensor[] {
  if (!blocks) return [{ name, dtype, shape, source: name }];
  const [rows, columns] = shape;
  const matrix = { columns, ...blocks };
  const count = rowScales(matrix);
  return [
    { name: codesName(name, blocks.bits), dtype: 'U8', shape: [rows, count, codeBytes(matrix) / count], source: name },
    { name: scaleName(name), dtype: 'F32', shape: [rows, count], source: name },
  ];
}

/**
 * Lays the result out. In blocks: one file, first the codes of all matrices in the given order, then their scales, then
 * the rest, so that matrices which follow each other can be read as one. Otherwise shards of at most `shardBytes`.
 */
export function layOut(tensors: readonly TensorPlan[], shardBytes: number): Layout {
  const outputs = tensors.flatMap(outputsOf);
  const inBlocks = tensors.some(({ blocks }) => blocks);
  const section = ({ name, source }: OutputTensor): number =>
    name === source ? 2 : name === scaleName(source) ? 1 : 0;
  const ordered = [0, 1, 2].flatMap((wanted) => outputs.filter((output) => section(output) === wanted));
  const shards = inBlocks ? [ordered] : shardsOf(outputs, shardBytes);
  const files: OutputFile[] = [];
  const places = new Map<string, OutputPlace>();
  for (const [i, shard] of shards.entries()) {
    const number = (n: number): string => String(n).padStart(5, '0');
    const name =
      shards.length === 1 ? 'model.safetensors' : `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    const inFile = inFileOrder(shard, name);
    const header = encodeHeader(inFile, { format: 'pt' });
    let offset = header.length;
    for (const tensor of inFile) {
      places.set(tensor.name, { file: name, offset });
      offset += sizeOf(tensor);
    }
    files.push({ name, header, size: offset });
  }
  const total = outputs.reduce((sum, output) => sum + sizeOf(output), 0);
  const map = Object.fromEntries(outputs.map(({ name }) => [name, places.get(name)!.file]));
  const index = files.length > 1 ? { metadata: { total_size: total }, weight_map: map } : undefined;
  return { files, places, index };
}

function shardsOf(outputs: readonly OutputTensor[], most: number): OutputTensor[][] {
  const shards: OutputTensor[][] = [[]];
  let bytes = 0;
  for (const output of outputs) {
    const size = sizeOf(output);
    if (bytes + size > most && bytes > 0) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(output);
    bytes += size;
  }
  return shards;
}

/** Numbers of a tensor. */
export const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Bytes of a tensor as it is in the source. */
export const sourceBytes = ({ dtype, shape }: TensorPlan): number => elements(shape) * bytesOf(dtype);
