/** Number formats of tensors on disk, and the two 16-bit float formats that JavaScript has no arrays for. */

/** The typed array a tensor's numbers come in; 16-bit floats are kept as their bits. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** Number formats that are read and written. */
export type DType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

type ArrayType = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => TensorData;

const FORMATS: Record<DType, { bytes: number; array: ArrayType }> = {
  F64: { bytes: 8, array: Float64Array },
  F32: { bytes: 4, array: Float32Array },
  F16: { bytes: 2, array: Uint16Array },
  BF16: { bytes: 2, array: Uint16Array },
  I64: { bytes: 8, array: BigInt64Array },
  I32: { bytes: 4, array: Int32Array },
  I16: { bytes: 2, array: Int16Array },
  I8: { bytes: 1, array: Int8Array },
  U8: { bytes: 1, array: Uint8Array },
  BOOL: { bytes: 1, array: Uint8Array },
};

/** All accepted formats, for messages and checks. */
export const DTYPES = Object.keys(FORMATS) as DType[];

/** Bytes a number of this format takes. */
export function bytesOf(dtype: DType): number {
  return FORMATS[dtype].bytes;
}

/**
 * Little-endian bytes as the typed array of their format: a view where the bytes are aligned, else a copy. (All platforms
 * that Node and browsers run on are little-endian.)
 */
export function viewAs(dtype: DType, bytes: Uint8Array): TensorData {
  const { bytes: size, array: Type } = FORMATS[dtype];
  // Not slice(): a Buffer's does not copy.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new Type(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

/** Whether a typed array is the one that a format comes in. */
export function fitsDType(dtype: DType, data: TensorData): boolean {
  return data instanceof FORMATS[dtype].array;
}

/** The bits of IEEE half floats as 32-bit floats. Exact. */
export function halfToFloat32(bits: Uint16Array): Float32Array {
  halfTable ??= buildHalfTable();
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = halfTable[bits[i]];
  return out;
}

/** The bits of bfloat16 numbers as 32-bit floats. Exact. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i] << 16;
  return new Float32Array(out.buffer);
}

/** 32-bit floats rounded to bfloat16 (nearest, ties to even); NaN stays NaN. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i];
    const nan = (b & 0x7fffffff) > 0x7f800000;
    out[i] = nan ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** 32-bit floats rounded to IEEE half floats (nearest, ties to even); what is too large becomes infinite. */
export function float32ToHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) out[i] = halfBits(bits[i]);
  return out;
}

/** Any tensor's numbers as 32-bit floats; F32 comes back as it is, without a copy. */
export function numbersToFloat32(dtype: DType, data: TensorData): Float32Array {
  if (dtype === 'F16') return halfToFloat32(data as Uint16Array);
  if (dtype === 'BF16') return bfloat16ToFloat32(data as Uint16Array);
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  return Float32Array.from(data);
}

let halfTable: Float32Array | undefined;

/** All 65,536 half floats; looking one up is several times faster than taking it apart. */
function buildHalfTable(): Float32Array {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[bits] = fraction === 0 ? sign * Infinity : Number.NaN;
    else table[bits] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return table;
}

function halfBits(float: number): number {
  const sign = (float >>> 16) & 0x8000;
  const magnitude = float & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // from 65520 on the nearest half float is infinite
  if (magnitude >= 0x38800000) {
    const rebased = magnitude - 0x38000000;
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  if (magnitude < 0x33000000) return sign; // below half the smallest subnormal
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (kept + (rest > tie || (rest === tie && kept & 1) ? 1 : 0));
}
