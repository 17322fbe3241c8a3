/** Checksums of FLAC frames (RFC 9639, section 9.1.8 and 9.3), most significant bit first. */
const CRC8 = Uint8Array.from({ length: 256 }, (_, i) => shift(i, 8, 0x07));
const CRC16 = Uint16Array.from({ length: 256 }, (_, i) => shift(i << 8, 16, 0x8005));

export function crc8(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) crc = CRC8[crc ^ bytes[i]];
  return crc;
}

export function crc16(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) crc = ((crc << 8) & 0xffff) ^ CRC16[(crc >> 8) ^ bytes[i]];
  return crc;
}

function shift(start: number, bits: number, polynomial: number): number {
  let crc = start;
  const top = 1 << (bits - 1);
  for (let i = 0; i < 8; i++) crc = crc & top ? (crc << 1) ^ polynomial : crc << 1;
  return crc & ((1 << bits) - 1);
}
