/** What every kind of weight file comes out as: tensors by name, whose numbers are read when asked for. */
import { BagpiperError } from '../errors.js';
import { type DType, type TensorData, viewAs } from './dtype.js';

/** A tensor in a file. */
export interface StoredTensor {
  name: string;
  dtype: DType;
  shape: number[];
  /** The file it lies in, or a name for messages where bytes were given. */
  file: string;
  /** Bytes its numbers take, row-major and without holes. */
  byteLength: number;
  /** Where they lie so in `file`; absent where they are stored in another order (transposed, sliced, repeated). */
  byteOffset?: number;
}

/** A stored tensor with its numbers, row-major. F16 and BF16 come as their bits; see `toFloat32`. */
export interface LoadedTensor extends StoredTensor {
  data: TensorData;
}

/** A file of tensors that is checked but not read yet. */
export interface TensorFile {
  readonly file: string;
  /** Every tensor in the file's order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Texts beside the tensors: safetensors metadata, or the plain values at the top of a torch file. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Names of what the file holds besides and what is not read: optimizer states and the like. */
  readonly skipped: readonly string[];
  /**
   * The little-endian bytes `[start, end)` of a tensor's row-major numbers, all unless given. Pieces of large tensors
   * take no more memory than the piece and two rows.
   *
   * @throws BagpiperError where there is no such tensor or range, or the file cannot be read any more.
   */
  bytes(name: string, start?: number, end?: number): Uint8Array;
  /** One tensor with its numbers. @throws BagpiperError as {@link bytes} */
  tensor(name: string): LoadedTensor;
}

/** The tensor of that name. @throws BagpiperError where there is none */
export function storedTensor<T extends StoredTensor>(tensors: ReadonlyMap<string, T>, name: string, file: string): T {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new BagpiperError(`${file} has no tensor "${name}".`);
  return tensor;
}

/** The numbers of a tensor from a function that gives its bytes. */
export function loadTensor(tensor: StoredTensor, bytes: Uint8Array): LoadedTensor {
  const { name, dtype, shape, file, byteLength, byteOffset } = tensor;
  const info = { name, dtype, shape, file, byteLength };
  return { ...info, ...(byteOffset === undefined ? {} : { byteOffset }), data: viewAs(dtype, bytes) };
}

/** Refuses byte ranges that a tensor does not have. @throws BagpiperError */
export function checkRange(tensor: StoredTensor, start: number, end: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end) {
    if (end <= tensor.byteLength) return;
  }
  throw new BagpiperError(
    `Bytes ${start} to ${end} of tensor "${tensor.name}" in ${tensor.file} do not exist; it has ${tensor.byteLength}.`,
  );
}
