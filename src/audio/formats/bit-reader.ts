/** Thrown when a number reaches beyond the bytes at hand: more may come. */
export class OutOfBits extends Error {
  override readonly name = 'OutOfBits';
}

/** Reads numbers bit by bit, most significant first. */
export class BitReader {
  /** position in bits */
  at: number;

  constructor(
    readonly bytes: Uint8Array,
    start = 0,
  ) {
    this.at = start * 8;
  }

  /** An unsigned number of 0 to 32 bits. @throws OutOfBits */
  bits(count: number): number {
    const end = this.at + count;
    if (end > this.bytes.length * 8) throw new OutOfBits();
    const index = this.at >>> 3;
    const offset = this.at & 7;
    if (offset + count <= 32 && index + 4 <= this.bytes.length && count > 0) {
      const b = this.bytes;
      const word = (b[index] << 24) | (b[index + 1] << 16) | (b[index + 2] << 8) | b[index + 3];
      this.at = end;
      return (word << offset) >>> (32 - count);
    }
    let value = 0;
    let left = count;
    while (left > 0) {
      const room = 8 - (this.at & 7);
      const take = Math.min(left, room);
      const part = (this.bytes[this.at >>> 3] >>> (room - take)) & ((1 << take) - 1);
      value = value * (1 << take) + part;
      this.at += take;
      left -= take;
    }
    return value;
  }

  /** A two's complement number of 1 to 33 bits. @throws OutOfBits */
  signed(count: number): number {
    const value = count > 32 ? this.bits(count - 32) * 2 ** 32 + this.bits(32) : this.bits(count);
    return value >= 2 ** (count - 1) ? value - 2 ** count : value;
  }

  /** The number of zeros before the next one, which is read too. @throws OutOfBits */
  unary(): number {
    let zeros = 0;
    for (;;) {
      const index = this.at >>> 3;
      if (index >= this.bytes.length) throw new OutOfBits();
      const room = 8 - (this.at & 7);
      const rest = this.bytes[index] & ((1 << room) - 1);
      if (rest !== 0) {
        const lead = Math.clz32(rest) - (32 - room);
        this.at += lead + 1;
        return zeros + lead;
      }
      zeros += room;
      this.at += room;
    }
  }

  /** Skips to the next whole byte. */
  align(): void {
    this.at = (this.at + 7) & ~7;
  }
}
