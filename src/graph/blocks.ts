/**
 * Matrices of few bits. Each row is cut into blocks of equal length; a block has one scale, and each of its numbers a code
 * of 4 or 8 bits: value = (code - 2^(bits - 1)) * scale. The layout is that of `com.microsoft.MatMulNBits`
 * (docs/quantization.md), so that the codes of a file are what the kernel reads.
 */
import { linear } from './fused.js';
import { mustFit, type ParameterSource, type Tensor } from './graph.js';

export type Bits = 4 | 8;

/** A matrix [rows, columns] in blocks; `block` divides `columns`. */
export interface BlockMatrix {
  rows: number;
  columns: number;
  bits: Bits;
  block: number;
  /** [rows, columns / block, block * bits / 8] bytes; at 4 bits the earlier number is in the lower half */
  codes: ParameterSource;
  /** [rows, columns / block] 32-bit floats */
  scales: ParameterSource;
}

/** Bytes that a row's codes take. */
export const codeBytes = ({ columns, bits }: Pick<BlockMatrix, 'columns' | 'bits'>): number => (columns * bits) / 8;

/** Scales of a row. */
export const rowScales = ({ columns, block }: Pick<BlockMatrix, 'columns' | 'block'>): number => columns / block;

/** Rows [start, end) of a matrix: the same numbers, nothing is copied. */
export function blockRows(matrix: BlockMatrix, start: number, end: number): BlockMatrix {
  if (start < 0 || end <= start || end > matrix.rows) {
    throw new Error(`a matrix of ${matrix.rows} rows has no rows [${start}, ${end})`);
  }
  const part = (source: ParameterSource, perRow: number, bytes: number): ParameterSource => {
    if ('data' in source) return { data: source.data.subarray(start * perRow, end * perRow) };
    const offset = source.offset + start * perRow * bytes;
    return { file: source.file, offset, length: (end - start) * perRow * bytes };
  };
  return {
    ...matrix,
    rows: end - start,
    codes: part(matrix.codes, codeBytes(matrix), 1),
    scales: part(matrix.scales, rowScales(matrix), 4),
  };
}

/**
 * Matrices under each other, where that needs no copy: they are of one format and follow each other in one file, or all
 * are in memory (then they are copied, which is cheap where someone chose to hold them there). Otherwise undefined.
 */
export function stackedBlocks(matrices: readonly BlockMatrix[]): BlockMatrix | undefined {
  const [first] = matrices;
  const format = ({ columns, bits, block }: BlockMatrix) => `${columns} ${bits} ${block}`;
  if (!matrices.every((matrix) => format(matrix) === format(first))) return undefined;
  const codes = joined(matrices.map((matrix) => matrix.codes));
  const scales = joined(matrices.map((matrix) => matrix.scales));
  if (!codes || !scales) return undefined;
  return { ...first, rows: matrices.reduce((sum, { rows }) => sum + rows, 0), codes, scales };
}

function joined(sources: readonly ParameterSource[]): ParameterSource | undefined {
  const [first] = sources;
  if ('file' in first) {
    let end = first.offset;
    for (const source of sources) {
      if (!('file' in source) || source.file !== first.file || source.offset !== end) return undefined;
      end += source.length;
    }
    return { file: first.file, offset: first.offset, length: end - first.offset };
  }
  const parts = sources.map((source) => ('data' in source ? source.data : undefined));
  if (parts.every((part) => part instanceof Uint8Array)) {
    const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return { data: out };
  }
  if (!parts.every((part) => part instanceof Float32Array)) return undefined;
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return { data: out };
}

/**
 * x [..., columns] times the transpose of a matrix in blocks: [..., rows]. The kernel turns x into 8-bit numbers, block by
 * block, and adds up in whole numbers (`accuracy_level` 4): several times faster than with floats. Without gradient.
 */
export function matmulBlocks(x: Tensor, matrix: BlockMatrix): Tensor {
  const { rows, columns, bits, block } = matrix;
  mustFit(x.rank >= 2 && x.shape[x.rank - 1] === columns, `product with a matrix [${rows}, ${columns}] in blocks`, x);
  const g = x.graph;
  const codes = g.stored(matrix.codes, 'uint8', [rows, columns / block, (block * bits) / 8]);
  const scales = g.stored(matrix.scales, 'float32', [rows, columns / block]);
  const shape = [...x.shape.slice(0, -1), rows];
  const attributes = {
    K: { int: columns },
    N: { int: rows },
    bits: { int: bits },
    block_size: { int: block },
    accuracy_level: { int: 4 },
  };
  return g.add('MatMulNBits', [x, codes, scales], [{ dtype: 'float32', shape }], attributes, 'com.microsoft')[0];
}

/** x [..., in] times the transpose of the parameter `name` [outputs, in], however that is stored: [..., outputs]. */
export function linearNamed(x: Tensor, name: string, outputs: number): Tensor {
  const matrix = x.graph.blocks(name);
  if (!matrix) return linear(x, x.graph.parameter(name, [outputs, x.size(-1)]));
  mustFit(matrix.rows === outputs, `${outputs} outputs of ${name} [${matrix.rows}, ${matrix.columns}]`, x);
  return matmulBlocks(x, matrix);
}
