/** Matrices in blocks as a model folder stores them: two tensors, `NAME.q4` or `NAME.q8` and `NAME.scale`. */

import { realpathSync } from 'node:fs';
import { BagpiperError } from '../../errors.js';
import { type Bits, type BlockMatrix, blockRows, codeBytes, rowScales } from '../../graph/index.js';
import type { ModelFolder, RequireOptions } from '../folder.js';
import { fileSource } from '../range.js';
import { type TensorInfo, toFloat32 } from '../safetensors.js';
import { LARGEST_BLOCK, SMALLEST_BLOCK, unpackBlocks } from './pack.js';

const BITS: readonly Bits[] = [4, 8];

export const codesName = (name: string, bits: Bits): string => `${name}.q${bits}`;
export const scaleName = (name: string): string => `${name}.scale`;

/** The matrix that a tensor of this name is a part of, by its ending; undefined for any other tensor. */
export function partOf(name: string): string | undefined {
  return /^(.+)\.(?:q[48]|scale)$/.exec(name)?.[1];
}

/** A checked folder's weights, plain or in blocks. */
export interface StoredWeights {
  /** The matrix of that name where it is stored in blocks. */
  blocks(name: string): BlockMatrix | undefined;
  /** A tensor's numbers as 32-bit floats, those of matrices in blocks too. @throws BagpiperError where it cannot be read */
  tensor(name: string): Float32Array;
}

/**
 * Checks that a folder holds the tensors that a model needs, each plain or, where it is a matrix, in blocks.
 *
 * @throws BagpiperError for the first missing, misshaped, wrongly typed or unknown tensor
 */
export function openWeights(
  folder: ModelFolder,
  expected: ReadonlyMap<string, readonly number[]>,
  { ignore = () => false, ...options }: RequireOptions = {},
): StoredWeights {
  const matrices = new Map<string, BlockMatrix>();
  const parts = new Set<string>();
  const plain = new Map(expected);
  for (const [name, shape] of expected) {
    const bits = BITS.find((b) => folder.tensors.has(codesName(name, b)));
    if (bits === undefined) continue;
    matrices.set(name, matrixOf(folder.tensors, name, shape, bits));
    for (const part of [codesName(name, bits), scaleName(name)]) parts.add(part);
    plain.delete(name);
  }
  folder.requireTensors(plain, { ...options, ignore: (name) => parts.has(name) || ignore(name) });
  return {
    blocks: (name) => matrices.get(name),
    tensor: (name) => {
      const matrix = matrices.get(name);
      return matrix ? readRows(matrix, 0, matrix.rows) : toFloat32(folder.tensor(name));
    },
  };
}

function matrixOf(
  tensors: ReadonlyMap<string, TensorInfo>,
  name: string,
  shape: readonly number[],
  bits: Bits,
): BlockMatrix {
  const codes = tensors.get(codesName(name, bits))!;
  const scale = tensors.get(scaleName(name));
  if (!scale) throw new BagpiperError(`${codes.file} holds tensor "${codes.name}" but not "${scaleName(name)}".`);
  const [rows, columns] = shape;
  const block = ((codes.shape[2] ?? 0) * 8) / bits;
  const fits =
    shape.length === 2 &&
    codes.dtype === 'U8' &&
    scale.dtype === 'F32' &&
    block >= SMALLEST_BLOCK &&
    block <= LARGEST_BLOCK &&
    (block & (block - 1)) === 0 &&
    codes.shape.join() === [rows, columns / block, (block * bits) / 8].join() &&
    scale.shape.join() === [rows, columns / block].join();
  if (fits) return { rows, columns, bits, block, codes: placeOf(codes), scales: placeOf(scale) };
  throw new BagpiperError(
    `${codes.file} holds tensor "${codes.name}" as ${codes.dtype} [${codes.shape.join(', ')}] with ${scale.dtype} [${scale.shape.join(', ')}] scales; for a matrix [${shape.join(', ')}] U8 [rows, blocks, bytes of a block] and F32 [rows, blocks] are expected.`,
  );
}

/** ONNX Runtime follows no link out of the folder that it is told, and the hub's cache is made of links. */
const placeOf = ({ file, byteOffset, byteLength }: TensorInfo) => ({
  file: realpathSync(file),
  offset: byteOffset,
  length: byteLength,
});

/** Numbers of rows [start, end) of a matrix in blocks. @throws BagpiperError where its file cannot be read */
export function readRows(matrix: BlockMatrix, start: number, end: number): Float32Array {
  const { codes, scales } = blockRows(matrix, start, end);
  return unpackBlocks({ codes: bytesOf(codes), scales: floatsOf(scales) }, matrix);
}

function bytesOf(source: BlockMatrix['codes']): Uint8Array {
  if ('file' in source) {
    const { file, offset, length } = source;
    return fileSource(file, 'a safetensors file').use((read) => read(offset, length));
  }
  const { buffer, byteOffset, byteLength } = source.data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function floatsOf(source: BlockMatrix['scales']): Float32Array {
  const bytes = bytesOf(source);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Bytes that a matrix takes in blocks. */
export const blockBytes = (matrix: Pick<BlockMatrix, 'rows' | 'columns' | 'bits' | 'block'>): number =>
  matrix.rows * (codeBytes(matrix) + 4 * rowScales(matrix));
