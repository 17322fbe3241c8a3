import { BitWriter } from '../bits.js';
import { asChannels, toInteger } from '../write.js';
import { crc8, crc16 } from './crc.js';
import { RATES } from './flac-frame.js';

const BLOCK = 4096;
const BITS = 16;
const MAX_ORDER = 4;
/** Rice parameters go to 14; 15 escapes to raw numbers, which is not needed here. */
const MAX_RICE = 14;
const MAX_PARTITION_ORDER = 6;

/**
 * A whole FLAC file (RFC 9639), 16 bits, fixed predictors with Rice-coded residuals and mid/side stereo.
 * @param samples mono or `[channels][samples]` (at most 8 channels), rounded and clipped at +-1
 * @param sampleRate samples a second, 1 to 655,350
 * @param metadata Vorbis comments, e.g. `{ COMMENT: '...' }`
 */
export function encodeFlac(
  samples: Float32Array | Float32Array[],
  sampleRate: number,
  metadata: Record<string, string> = {},
): Uint8Array {
  const channels = asChannels(samples);
  if (channels.length > 8) throw new RangeError(`FLAC holds 8 channels at most, not ${channels.length}`);
  if (!Number.isInteger(sampleRate) || sampleRate < 1 || sampleRate > 655350) {
    throw new RangeError(`FLAC holds rates from 1 to 655,350, not ${sampleRate}`);
  }
  const total = channels[0].length;
  const out = new BitWriter();
  writeHead(out, channels.length, sampleRate, total, metadata);
  for (let at = 0, number = 0; at < total; at += BLOCK, number++) {
    const part = channels.map((c) => Int32Array.from(c.subarray(at, at + BLOCK), (x) => toInteger(x, BITS)));
    writeFrame(out, part, number, sampleRate);
  }
  return out.written().slice();
}

/**
 * Writes a 16-bit FLAC file, whole or not at all (Node).
 * @param samples @param sampleRate @param metadata as for {@link encodeFlac}
 * @throws BagpiperError when it cannot be written
 */
export async function writeFlac(
  path: string,
  samples: Float32Array | Float32Array[],
  sampleRate: number,
  metadata: Record<string, string> = {},
): Promise<void> {
  const { writeFileAtomically } = await import('../../files.js');
  await writeFileAtomically(path, encodeFlac(samples, sampleRate, metadata));
}

function writeHead(
  out: BitWriter,
  channels: number,
  rate: number,
  total: number,
  metadata: Record<string, string>,
): void {
  const comments = vorbisComments(metadata);
  out.bits(0x664c6143, 32); // fLaC
  out.bits(0, 8);
  out.bits(34, 24);
  // A block size under 16 is only allowed for the last block, so the header states the largest twice.
  out.bits(BLOCK, 16);
  out.bits(BLOCK, 16);
  out.bits(0, 24); // smallest and largest frame: not stated
  out.bits(0, 24);
  out.bits(rate, 20);
  out.bits(channels - 1, 3);
  out.bits(BITS - 1, 5);
  out.bits(Math.floor(total / 2 ** 32), 4);
  out.bits(total, 32);
  for (let i = 0; i < 4; i++) out.bits(0, 32); // MD5: not stated
  out.bits(0x84, 8); // last metadata block, type 4
  out.bits(comments.length, 24);
  for (const byte of comments) out.bits(byte, 8);
}

function vorbisComments(metadata: Record<string, string>): Uint8Array {
  const encoder = new TextEncoder();
  const texts = Object.entries(metadata).map(([name, text]) => {
    if (!/^[\x20-\x3c\x3e-\x7d]+$/.test(name)) throw new RangeError(`not a Vorbis comment name: ${name}`);
    return encoder.encode(`${name}=${text}`);
  });
  const vendor = encoder.encode('bagpiper');
  const out = new Uint8Array(8 + vendor.length + texts.reduce((sum, text) => sum + 4 + text.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  const put = (bytes: Uint8Array): void => {
    view.setUint32(at, bytes.length, true);
    out.set(bytes, at + 4);
    at += 4 + bytes.length;
  };
  put(vendor);
  view.setUint32(at, texts.length, true);
  at += 4;
  texts.forEach(put);
  return out;
}

function writeFrame(out: BitWriter, channels: Int32Array[], number: number, sampleRate: number): void {
  const start = out.written().length;
  const size = channels[0].length;
  const { code, signals } =
    channels.length === 2 ? stereo(channels) : { code: channels.length - 1, signals: channels.map(plain) };
  out.bits(0x3ffe, 14); // sync
  out.bits(0, 2); // fixed block size
  out.bits(size === BLOCK ? 12 : 7, 4);
  const rate = rateField(sampleRate);
  out.bits(rate.code, 4);
  out.bits(code, 4);
  out.bits(4, 3); // 16 bits
  out.bits(0, 1);
  writeNumber(out, number);
  if (size !== BLOCK) out.bits(size - 1, 16);
  out.bits(rate.value, rate.bits);
  out.bits(crc8(out.written(), start, out.written().length), 8);
  for (const signal of signals) writeSignal(out, signal);
  out.align();
  out.bits(crc16(out.written(), start, out.written().length), 16);
}

/** How a frame states its rate: some decoders see frames only, without the file's header. */
function rateField(rate: number): { code: number; value: number; bits: number } {
  const listed = RATES.indexOf(rate);
  if (listed > 0) return { code: listed, value: 0, bits: 0 };
  if (rate % 1000 === 0 && rate < 256000) return { code: 12, value: rate / 1000, bits: 8 };
  if (rate < 65536) return { code: 13, value: rate, bits: 16 };
  return rate % 10 === 0 ? { code: 14, value: rate / 10, bits: 16 } : { code: 0, value: 0, bits: 0 };
}

/** The frame number in the extended UTF-8 of FLAC. */
function writeNumber(out: BitWriter, number: number): void {
  if (number < 0x80) {
    out.bits(number, 8);
    return;
  }
  let extra = 1;
  while (number >= 2 ** (5 * extra + 6)) extra++;
  const mark = 0xff & (0xff << (7 - extra));
  out.bits(mark | (number >>> (6 * extra)), 8);
  for (let i = extra - 1; i >= 0; i--) out.bits(0x80 | ((number >>> (6 * i)) & 63), 8);
}

/** One channel of a frame with its best predictor. */
interface Signal {
  samples: Int32Array;
  bits: number;
  order: number;
  residual: Int32Array;
  partitions: Partitions;
  /** cost of the whole in bits */
  cost: number;
}

function plain(samples: Int32Array): Signal {
  return bestPredictor(samples, BITS);
}

/** Left/right, left/side, side/right or mid/side, whichever is smallest. */
function stereo([left, right]: Int32Array[]): { code: number; signals: Signal[] } {
  const l = bestPredictor(left, BITS);
  const r = bestPredictor(right, BITS);
  const side = bestPredictor(
    left.map((x, i) => x - right[i]),
    BITS + 1,
  );
  const mid = bestPredictor(
    left.map((x, i) => (x + right[i]) >> 1),
    BITS,
  );
  const choices = [
    { code: 1, signals: [l, r] },
    { code: 8, signals: [l, side] },
    { code: 9, signals: [side, r] },
    { code: 10, signals: [mid, side] },
  ];
  const cost = (choice: { signals: Signal[] }): number => choice.signals[0].cost + choice.signals[1].cost;
  return choices.reduce((best, choice) => (cost(choice) < cost(best) ? choice : best));
}

function bestPredictor(samples: Int32Array, bits: number): Signal {
  let best: Signal | undefined;
  let residual = samples;
  for (let order = 0; order <= Math.min(MAX_ORDER, samples.length - 1); order++) {
    // Each order's residual is the difference of the one before.
    if (order > 0) residual = residual.map((x, i) => (i === 0 ? x : x - residual[i - 1]));
    const partitions = bestPartitions(residual, order);
    const cost = 8 + order * bits + partitions.cost;
    if (!best || cost < best.cost) best = { samples, bits, order, residual, partitions, cost };
  }
  return best as Signal;
}

/** How a residual is cut into equal parts with a Rice parameter each. */
interface Partitions {
  order: number;
  parameters: number[];
  cost: number;
}

function bestPartitions(residual: Int32Array, predictorOrder: number): Partitions {
  let best: Partitions | undefined;
  for (let order = 0; order <= MAX_PARTITION_ORDER; order++) {
    const size = residual.length / 2 ** order;
    if (!Number.isInteger(size) || (order > 0 && size <= predictorOrder)) break;
    const parameters: number[] = [];
    let cost = 6;
    for (let p = 0; p < 2 ** order; p++) {
      const { parameter, bits } = riceParameter(residual, p === 0 ? predictorOrder : p * size, (p + 1) * size);
      parameters.push(parameter);
      cost += 4 + bits;
    }
    if (!best || cost < best.cost) best = { order, parameters, cost };
  }
  return best as Partitions;
}

function riceParameter(residual: Int32Array, from: number, to: number): { parameter: number; bits: number } {
  let sum = 0;
  for (let i = from; i < to; i++) sum += zigzag(residual[i]);
  const count = to - from;
  let best = { parameter: 0, bits: Number.POSITIVE_INFINITY };
  for (let k = 0; k <= MAX_RICE; k++) {
    // An estimate: exact but for the rounding of each quotient.
    const bits = count * (k + 1) + sum / 2 ** k;
    if (bits < best.bits) best = { parameter: k, bits };
  }
  return best;
}

function zigzag(x: number): number {
  return x < 0 ? -2 * x - 1 : 2 * x;
}

function writeSignal(out: BitWriter, signal: Signal): void {
  const { samples, bits, order, residual, partitions } = signal;
  const constant = samples.every((x) => x === samples[0]);
  out.bits(constant ? 0 : (8 | order) << 1, 8);
  const mask = 2 ** bits - 1;
  if (constant) {
    out.bits(samples[0] & mask, bits);
    return;
  }
  for (let i = 0; i < order; i++) out.bits(samples[i] & mask, bits);
  out.bits(0, 2); // Rice parameters of 4 bits
  out.bits(partitions.order, 4);
  const size = residual.length / 2 ** partitions.order;
  partitions.parameters.forEach((k, p) => {
    out.bits(k, 4);
    for (let i = p === 0 ? order : p * size; i < (p + 1) * size; i++) {
      const value = zigzag(residual[i]);
      out.unary(value >>> k);
      out.bits(value, k);
    }
  });
}
