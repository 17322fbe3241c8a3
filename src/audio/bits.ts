/** Writes numbers bit by bit, most significant first, into a growing array. */
export class BitWriter {
  private bytes = new Uint8Array(4096);
  private length = 0;
  private current = 0;
  private free = 8;

  /** The lowest `count` (0 to 32) bits of `value`. */
  bits(value: number, count: number): void {
    let left = count;
    while (left > 0) {
      const take = Math.min(left, this.free);
      const part = (value >>> (left - take)) & ((1 << take) - 1);
      this.current = (this.current << take) | part;
      this.free -= take;
      left -= take;
      if (this.free === 0) this.flushByte();
    }
  }

  /** `value` zeros and a one. */
  unary(value: number): void {
    let left = value;
    for (; left >= 32; left -= 32) this.bits(0, 32);
    this.bits(1, left + 1);
  }

  /** Zeros up to the next whole byte. */
  align(): void {
    if (this.free < 8) this.bits(0, this.free);
  }

  /** What was written, up to the last whole byte; valid until the next write. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private flushByte(): void {
    if (this.length === this.bytes.length) {
      const grown = new Uint8Array(2 * this.length);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes[this.length++] = this.current;
    this.current = 0;
    this.free = 8;
  }
}
