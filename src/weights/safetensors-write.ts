/**
 * Writing safetensors. The format allows no holes between tensors, so alignment comes from two things: the header is
 * padded with spaces until the data begins at a multiple of 64 bytes, and tensors whose size is a multiple of 64 bytes go
 * first. All those start at a multiple of 64, as mapped weights want; the small rest starts at a multiple of its number
 * size. Within each group the given order is kept.
 */
import { BagpiperError } from '../errors.js';
import { writeAtomically } from '../files.js';
import { bytesOf, DTYPES, type DType, fitsDType, type TensorData } from './dtype.js';

/** What a header says of a tensor. */
export interface TensorShape {
  name: string;
  dtype: DType;
  shape: readonly number[];
}

/** A tensor to write. `data` may be a function that is called when its turn comes, so that few are in memory at once. */
export interface TensorInput extends TensorShape {
  data: TensorData | (() => TensorData);
}

const ALIGNMENT = 64;

/**
 * Writes tensors to a file under their names, tensor by tensor and atomically. The bytes depend on the arguments alone.
 *
 * @throws BagpiperError where a name comes twice, numbers do not fit shape or format, or the disk is full; the file under
 *   `path` is then untouched.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<TensorInput>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const ordered = inFileOrder([...tensors], path);
  writeAtomically(path, (append) => {
    append(encodeHeader(ordered, metadata));
    for (const tensor of ordered) {
      const data = typeof tensor.data === 'function' ? tensor.data() : tensor.data;
      if (!fitsDType(tensor.dtype, data) || data.byteLength !== sizeOf(tensor)) {
        throw new BagpiperError(
          `${path}: tensor "${tensor.name}" has ${data.length} numbers in a ${data.constructor.name}, which do not fit ${tensor.dtype} [${tensor.shape}].`,
        );
      }
      append(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}

/** The order in which tensors are written. @throws BagpiperError where a name comes twice or a type is impossible */
export function inFileOrder<T extends TensorShape>(tensors: readonly T[], path: string): T[] {
  const names = new Set<string>();
  for (const { name, dtype, shape } of tensors) {
    if (names.has(name) || name === '__metadata__') throw new BagpiperError(`${path}: tensor name "${name}" is taken.`);
    names.add(name);
    if (!DTYPES.includes(dtype) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw new BagpiperError(`${path}: tensor "${name}" has the impossible type ${dtype} [${shape}].`);
    }
  }
  const group = (tensor: T): number => (sizeOf(tensor) % ALIGNMENT === 0 ? 64 : bytesOf(tensor.dtype));
  return tensors
    .map((tensor, index) => ({ tensor, index }))
    .sort((a, b) => group(b.tensor) - group(a.tensor) || a.index - b.index)
    .map(({ tensor }) => tensor);
}

/** Bytes of a tensor's numbers. */
export function sizeOf(tensor: TensorShape): number {
  return tensor.shape.reduce((product, size) => product * size, bytesOf(tensor.dtype));
}

/** The bytes before the first tensor, for tensors in {@link inFileOrder}. */
export function encodeHeader(tensors: readonly TensorShape[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + sizeOf(tensor);
    entries.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Joined by hand: an object would move names that look like numbers to the front.
  const json = `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil((8 + text.length) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded - 8), true);
  bytes.set(text, 8);
  return bytes;
}
