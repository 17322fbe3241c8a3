/** Damaged copies of files, by a seed. */
import type { Random } from '../../src/random.js';
import { oggChecksum } from './make.js';

/** Numbers that are often wrong when they are wrong. */
const WORDS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0];

/**
 * One to four changes: bits flipped, bytes overwritten, numbers put into fields, stretches cut, repeated, inserted,
 * blanked, or taken from another file.
 * @param others what may be spliced in
 */
export function mutate(seed: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = seed.slice();
  for (let changes = 1 + random.int(4); changes > 0; changes--) bytes = change(bytes, others, random);
  return bytes;
}

function change(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(random.int(256));
  // Headers decide more than what follows.
  const at = random.int(random.chance(0.5) ? bytes.length : Math.min(bytes.length, 80));
  const some = 1 + random.int(random.chance(0.8) ? 16 : bytes.length);
  switch (random.int(9)) {
    case 0:
      bytes[at] ^= 1 << random.int(8);
      return bytes;
    case 1:
      bytes[at] = random.int(256);
      return bytes;
    case 2:
      return overwrite(bytes, at, random);
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return join(bytes.subarray(0, at), bytes.subarray(at + some));
    case 5:
      return join(bytes.subarray(0, at), bytes.subarray(at, at + some), bytes.subarray(at));
    case 6:
      return join(
        bytes.subarray(0, at),
        Uint8Array.from({ length: Math.min(some, 64) }, () => random.int(256)),
        bytes.subarray(at),
      );
    case 7:
      bytes.fill(random.chance(0.5) ? 0 : 255, at, at + some);
      return bytes;
    default: {
      const other = random.pick(others);
      const from = random.int(other.length);
      return join(bytes.subarray(0, at), other.subarray(from, from + some), bytes.subarray(at + some));
    }
  }
}

/** A whole number of 1, 2 or 4 bytes, either end first, at its usual places: even offsets. */
function overwrite(bytes: Uint8Array, at: number, random: Random): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const value = random.chance(0.7) ? random.pick(WORDS) : random.int(2 ** 32);
  const place = at & ~1;
  const little = random.chance(0.5);
  if (place + 4 <= bytes.length && random.chance(0.6)) view.setUint32(place, value, little);
  else if (place + 2 <= bytes.length && random.chance(0.7)) view.setUint16(place, value & 0xffff, little);
  else view.setUint8(at, value & 0xff);
  return bytes;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Makes the checksums of all pages right again, so that damage reaches the codec behind them. */
export function repairOgg(bytes: Uint8Array): Uint8Array {
  for (let at = 0; at + 27 <= bytes.length; ) {
    const segments = bytes[at + 26];
    let size = 27 + segments;
    for (let i = 0; i < segments; i++) size += bytes[at + 27 + i] ?? 0;
    if (bytes[at] !== 0x4f || bytes[at + 1] !== 0x67 || at + size > bytes.length) {
      at++;
      continue;
    }
    const page = bytes.subarray(at, at + size);
    page.fill(0, 22, 26);
    new DataView(page.buffer, page.byteOffset).setUint32(22, oggChecksum(page), true);
    at += size;
  }
  return bytes;
}

/** Makes the checksums of a FLAC file's frames right again. @param frames where they start, and the end of the last */
export function repairFlac(bytes: Uint8Array, frames: readonly number[]): Uint8Array {
  for (let f = 0; f + 1 < frames.length; f++) {
    const [start, end] = [frames[f], frames[f + 1]];
    if (end > bytes.length) break;
    const head = start + headerLength(bytes, start);
    bytes[head] = crc(bytes.subarray(start, head), 8, 0x07);
    const sum = crc(bytes.subarray(start, end - 2), 16, 0x8005);
    bytes[end - 2] = sum >> 8;
    bytes[end - 1] = sum & 255;
  }
  return bytes;
}

/** Bytes of a frame header without its checksum, for frame numbers of one byte. */
function headerLength(bytes: Uint8Array, at: number): number {
  const size = bytes[at + 2] >> 4;
  const rate = bytes[at + 2] & 15;
  return 5 + (size === 6 ? 1 : size === 7 ? 2 : 0) + (rate === 12 ? 1 : rate === 13 || rate === 14 ? 2 : 0);
}

/** Bit by bit, most significant first, as RFC 9639 words it. */
function crc(bytes: Uint8Array, bits: number, polynomial: number): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << (bits - 8);
    for (let i = 0; i < 8; i++) sum = (sum << 1) ^ (sum & (1 << (bits - 1)) ? polynomial : 0);
    sum &= (1 << bits) - 1;
  }
  return sum;
}
