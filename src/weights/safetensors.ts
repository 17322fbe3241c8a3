/** Tensors in the safetensors format: read from bytes, or lazily from a file. */
import { BagpiperError } from '../errors.js';
import { numbersToFloat32, type TensorData, viewAs } from './dtype.js';
import { type Header, headerLength, parseHeader, type TensorInfo } from './header.js';
import { fileSource } from './range.js';

export type { DType, TensorData } from './dtype.js';
export type { TensorInfo } from './header.js';
export { type TensorInput, writeSafetensors } from './safetensors-write.js';

/** A tensor with its numbers, row-major. F16 and BF16 come as their bits in a Uint16Array; see {@link toFloat32}. */
export interface Tensor extends TensorInfo {
  data: TensorData;
}

/** A safetensors file or buffer whose header is checked; numbers are read when asked for. */
export interface Safetensors {
  /** The path, or a name for messages. */
  readonly file: string;
  /** Every tensor's place, in the order of the header. Enough to map the file without reading it. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * One tensor with its numbers.
   *
   * @throws BagpiperError where there is none of that name, or the file cannot be read any more.
   */
  tensor(name: string): Tensor;
}

/**
 * Safetensors in memory. The tensors are views of `bytes` where alignment allows.
 *
 * @param file names the bytes in messages.
 * @throws BagpiperError where the header is damaged or lies.
 */
export function readSafetensors(bytes: Uint8Array, file = 'The given bytes'): Safetensors {
  const length = headerLength(bytes.subarray(0, 8), bytes.length, file);
  const header = parseHeader(bytes.subarray(8, 8 + length), bytes.length, file);
  return new Reader(file, header, (info) => bytes.subarray(info.byteOffset, info.byteOffset + info.byteLength));
}

/**
 * Opens a safetensors file: only its header is read now. The file is opened anew for each tensor, so nothing needs closing.
 *
 * @throws BagpiperError where the file is missing, damaged or cut short.
 */
export function openSafetensors(path: string): Safetensors {
  const source = fileSource(path, 'a safetensors file');
  const header = source.use((read) => {
    const length = headerLength(read(0, Math.min(8, source.size)), source.size, path);
    return parseHeader(read(8, length), source.size, path);
  });
  return new Reader(path, header, ({ byteOffset, byteLength }) => source.use((read) => read(byteOffset, byteLength)));
}

/** A tensor's numbers as 32-bit floats; an F32 tensor's own array, without a copy. */
export function toFloat32(tensor: Pick<Tensor, 'dtype' | 'data'>): Float32Array {
  return numbersToFloat32(tensor.dtype, tensor.data);
}

class Reader implements Safetensors {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;

  constructor(
    readonly file: string,
    header: Header,
    private readonly read: (info: TensorInfo) => Uint8Array,
  ) {
    this.tensors = header.tensors;
    this.metadata = header.metadata;
  }

  tensor(name: string): Tensor {
    const info = this.tensors.get(name);
    if (info === undefined) throw new BagpiperError(`${this.file} has no tensor "${name}".`);
    return { ...info, data: viewAs(info.dtype, this.read(info)) };
  }
}
