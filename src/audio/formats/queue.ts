/** Bytes that came in and were not used yet, kept contiguous. */
export class ByteQueue {
  /** what is there, from the first unused byte on; valid until the next {@link push} */
  bytes: Uint8Array = new Uint8Array(0);

  push(more: Uint8Array): void {
    if (this.bytes.length === 0) {
      this.bytes = more;
      return;
    }
    const joined = new Uint8Array(this.bytes.length + more.length);
    joined.set(this.bytes);
    joined.set(more, this.bytes.length);
    this.bytes = joined;
  }

  drop(count: number): void {
    this.bytes = this.bytes.subarray(count);
  }

  view(): DataView {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }
}
