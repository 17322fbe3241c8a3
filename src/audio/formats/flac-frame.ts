import { BitReader } from './bit-reader.js';
import { crc8, crc16 } from './crc.js';
import { DamagedAudio } from './faults.js';

/** What STREAMINFO says; frames may leave rate and bits to it. */
export interface FlacInfo {
  sampleRate: number;
  channels: number;
  bits: number;
  /** samples a channel, 0 when not stated */
  total: number;
}

/** One decoded frame. */
export interface FlacFrame {
  channels: Float32Array[];
  sampleRate: number;
  /** bytes it took */
  length: number;
}

const SIZES = [0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768];
/** Rates with a code of their own; code 0 refers to the file's header. */
export const RATES: readonly number[] = [
  0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000,
];
const BITS = [0, 8, 12, 0, 16, 20, 24, 32];
/** Coefficients of the fixed predictors, nearest sample first. */
const FIXED = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

interface Header {
  size: number;
  rate: number;
  bits: number;
  channels: number;
  /** 8 left/side, 9 side/right, 10 mid/side, else independent */
  coding: number;
}

/**
 * Decodes the frame that starts at `bytes[at]` (RFC 9639, section 9).
 * @throws OutOfBits when it is not all there yet; DamagedAudio when this is no intact frame
 */
export function decodeFrame(bytes: Uint8Array, at: number, info: FlacInfo): FlacFrame {
  const reader = new BitReader(bytes, at);
  const header = readHeader(reader, at, info);
  const signals: Float64Array[] = [];
  for (let c = 0; c < header.channels; c++) {
    // The side signal is a difference and needs one bit more.
    const side = header.coding === 9 ? c === 0 : header.coding >= 8 && c === 1;
    signals.push(readSignal(reader, header.size, header.bits + (side ? 1 : 0)));
  }
  reader.align();
  const end = reader.at / 8;
  if (reader.bits(16) !== crc16(bytes, at, end)) throw new DamagedAudio('a FLAC frame with a wrong checksum');
  decorrelate(signals, header.coding);
  const scale = 2 ** (1 - header.bits);
  const channels = signals.map((signal) => Float32Array.from(signal, (x) => x * scale));
  return { channels, sampleRate: header.rate, length: end + 2 - at };
}

/** Whether a frame header seems to start here; false positives are sorted out by {@link decodeFrame}. */
export function looksLikeFrame(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xff && (bytes[at + 1] & 0xfe) === 0xf8;
}

function readHeader(reader: BitReader, at: number, info: FlacInfo): Header {
  if (reader.bits(15) !== 0x7ffc) throw new DamagedAudio('a FLAC frame without its mark');
  reader.bits(1); // fixed or variable block size: only tells what the coded number counts
  const sizeCode = reader.bits(4);
  const rateCode = reader.bits(4);
  const coding = reader.bits(4);
  const bitsCode = reader.bits(3);
  const reserved = reader.bits(1);
  if (sizeCode === 0 || rateCode === 15 || coding > 10 || bitsCode === 3 || reserved !== 0) {
    throw new DamagedAudio('a FLAC frame with a reserved code');
  }
  skipNumber(reader);
  const size = sizeCode === 6 ? reader.bits(8) + 1 : sizeCode === 7 ? reader.bits(16) + 1 : SIZES[sizeCode];
  const rate = readRate(reader, rateCode, info);
  const end = reader.at / 8;
  if (reader.bits(8) !== crc8(reader.bytes, at, end))
    throw new DamagedAudio('a FLAC frame header with a wrong checksum');
  const bits = bitsCode === 0 ? info.bits : BITS[bitsCode];
  return { size, rate, bits, channels: coding < 8 ? coding + 1 : 2, coding };
}

/** The frame or sample number: UTF-8 stretched to 36 bits. */
function skipNumber(reader: BitReader): void {
  const first = reader.bits(8);
  let extra = 0;
  while (extra < 8 && first & (0x80 >> extra)) extra++;
  if (extra === 1 || extra === 8) throw new DamagedAudio('a FLAC frame with a damaged number');
  for (let i = 1; i < extra; i++) {
    if (reader.bits(8) >> 6 !== 2) throw new DamagedAudio('a FLAC frame with a damaged number');
  }
}

function readRate(reader: BitReader, code: number, info: FlacInfo): number {
  if (code === 0) return info.sampleRate;
  if (code === 12) return reader.bits(8) * 1000;
  if (code === 13) return reader.bits(16);
  if (code === 14) return reader.bits(16) * 10;
  return RATES[code];
}

/** A subframe: `size` whole numbers of `bits` bits. Float64 holds 33-bit side signals and their sums exactly. */
function readSignal(reader: BitReader, size: number, bits: number): Float64Array {
  if (reader.bits(1) !== 0) throw new DamagedAudio('a FLAC subframe without its mark');
  const type = reader.bits(6);
  const wasted = reader.bits(1) === 1 ? reader.unary() + 1 : 0;
  const depth = bits - wasted;
  if (depth < 1) throw new DamagedAudio('a FLAC subframe without bits');
  const out = new Float64Array(size);
  if (type === 0) out.fill(reader.signed(depth));
  else if (type === 1) for (let i = 0; i < size; i++) out[i] = reader.signed(depth);
  else if (type >= 8 && type <= 12) readPredicted(reader, out, depth, type - 8, false);
  else if (type >= 32) readPredicted(reader, out, depth, type - 31, true);
  else throw new DamagedAudio('a FLAC subframe of a reserved type');
  if (wasted > 0) for (let i = 0; i < size; i++) out[i] *= 2 ** wasted;
  return out;
}

function readPredicted(reader: BitReader, out: Float64Array, depth: number, order: number, linear: boolean): void {
  if (order > out.length) throw new DamagedAudio('a FLAC subframe shorter than its predictor');
  for (let i = 0; i < order; i++) out[i] = reader.signed(depth);
  let coefficients: readonly number[] = FIXED[order] ?? [];
  let shift = 0;
  if (linear) {
    const precision = reader.bits(4) + 1;
    shift = reader.signed(5);
    if (precision === 16 || shift < 0) throw new DamagedAudio('a FLAC subframe with reserved predictor settings');
    coefficients = Array.from({ length: order }, () => reader.signed(precision));
  }
  readResidual(reader, out, order);
  predict(out, Float64Array.from(coefficients), 2 ** shift);
}

/** Adds the prediction to the residual in place. Sums stay below 2^53, so float64 is exact. */
function predict(out: Float64Array, coefficients: Float64Array, divisor: number): void {
  const order = coefficients.length;
  for (let i = order; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < order; j++) sum += coefficients[j] * out[i - 1 - j];
    out[i] += divisor === 1 ? sum : Math.floor(sum / divisor);
  }
}

function readResidual(reader: BitReader, out: Float64Array, order: number): void {
  const method = reader.bits(2);
  if (method > 1) throw new DamagedAudio('a FLAC subframe with a reserved residual coding');
  const partitions = 2 ** reader.bits(4);
  const size = out.length / partitions;
  if (!Number.isInteger(size) || size < order) throw new DamagedAudio('a FLAC subframe with uneven partitions');
  const width = method === 0 ? 4 : 5;
  const raw = 2 ** width - 1;
  for (let p = 0; p < partitions; p++) {
    const k = reader.bits(width);
    const from = p === 0 ? order : p * size;
    const to = (p + 1) * size;
    if (k === raw) {
      const depth = reader.bits(5);
      for (let i = from; i < to; i++) out[i] = depth === 0 ? 0 : reader.signed(depth);
      continue;
    }
    for (let i = from; i < to; i++) {
      const value = reader.unary() * 2 ** k + reader.bits(k);
      out[i] = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }
}

/** Turns left/side, side/right and mid/side into left and right. */
function decorrelate(signals: Float64Array[], coding: number): void {
  if (coding < 8) return;
  const [a, b] = signals;
  for (let i = 0; i < a.length; i++) {
    if (coding === 8) b[i] = a[i] - b[i];
    else if (coding === 9) a[i] += b[i];
    else {
      const sum = 2 * a[i] + Math.abs(b[i] % 2);
      const side = b[i];
      a[i] = (sum + side) / 2;
      b[i] = (sum - side) / 2;
    }
  }
}
