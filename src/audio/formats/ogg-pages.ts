import { ByteQueue } from './queue.js';

/** A page of one logical stream (RFC 3533) with the packets that end on it. */
export interface OggPage {
  /** first page of its stream */
  first: boolean;
  /** last page of its stream */
  last: boolean;
  /** position at the end of the last packet that ends here, in the codec's samples; undefined when none does */
  granule: number | undefined;
  packets: Uint8Array[];
}

/** A packet that is longer is damage: Vorbis setup headers stay below 200 kB. */
const MAX_PACKET = 1 << 20;
const CRC = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i << 24;
  for (let k = 0; k < 8; k++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** Cuts a byte stream into the pages of its first logical stream, and of those that follow it (chained files). */
export class OggPages {
  /** damaged or missing stretches */
  damaged = 0;
  private readonly queue = new ByteQueue();
  private serial: number | undefined;
  private sequence = 0;
  private ended = false;
  private partial: Uint8Array[] = [];
  private lost = false;

  /** Takes bytes; gives the pages that are complete. */
  *push(more: Uint8Array): Generator<OggPage, void, void> {
    this.queue.push(more);
    for (;;) {
      const size = this.pageSize();
      if (size === undefined) return;
      const bytes = this.queue.bytes.subarray(0, size);
      if (size === 0 || checksum(bytes) !== new DataView(bytes.buffer, bytes.byteOffset).getUint32(22, true)) {
        if (!this.lost) this.damaged++;
        this.lost = true;
        this.resync();
        continue;
      }
      this.lost = false;
      this.queue.drop(size);
      const page = this.page(bytes);
      if (page) yield page;
    }
  }

  /** Bytes of the page at the front; 0 when there is none, undefined when more bytes are needed. */
  private pageSize(): number | undefined {
    const { bytes } = this.queue;
    if (bytes.length < 27) return undefined;
    if (bytes[0] !== 0x4f || bytes[1] !== 0x67 || bytes[2] !== 0x67 || bytes[3] !== 0x53 || bytes[4] !== 0) return 0;
    const segments = bytes[26];
    if (bytes.length < 27 + segments) return undefined;
    let size = 27 + segments;
    for (let i = 0; i < segments; i++) size += bytes[27 + i];
    return bytes.length < size ? undefined : size;
  }

  /** On to the next thing that looks like a page. */
  private resync(): void {
    const { bytes } = this.queue;
    let at = 1;
    while (at < bytes.length && bytes[at] !== 0x4f) at++;
    this.queue.drop(at);
  }

  private page(bytes: Uint8Array): OggPage | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const first = (bytes[5] & 2) !== 0;
    const serial = view.getUint32(14, true);
    const sequence = view.getUint32(18, true);
    if (this.serial === undefined || (first && this.ended)) {
      this.serial = serial;
      this.sequence = sequence;
      this.partial = [];
    } else if (serial !== this.serial) return undefined;
    if (sequence !== this.sequence) {
      this.damaged++;
      this.partial = [];
    }
    this.sequence = (sequence + 1) >>> 0;
    this.ended = (bytes[5] & 4) !== 0;
    const granule =
      view.getInt32(10, true) < 0 ? undefined : view.getUint32(10, true) * 2 ** 32 + view.getUint32(6, true);
    return { first, last: this.ended, granule, packets: this.packets(bytes) };
  }

  private packets(bytes: Uint8Array): Uint8Array[] {
    const packets: Uint8Array[] = [];
    const segments = bytes[26];
    let at = 27 + segments;
    let from = at;
    // A page that continues a packet whose start is lost begins with a useless rest.
    let orphan = (bytes[5] & 1) !== 0 && this.partial.length === 0;
    if ((bytes[5] & 1) === 0) this.partial = [];
    for (let i = 0; i < segments; i++) {
      at += bytes[27 + i];
      if (bytes[27 + i] === 255) continue;
      if (!orphan) packets.push(joined([...this.partial, bytes.subarray(from, at)]));
      orphan = false;
      this.partial = [];
      from = at;
    }
    if (from < at && !orphan) this.partial.push(bytes.subarray(from, at));
    if (this.partial.length * 65025 > MAX_PACKET) this.partial = [];
    return packets;
  }
}

function joined(parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The page's checksum, its own four bytes counted as 0. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i];
    crc = ((crc << 8) ^ CRC[(crc >>> 24) ^ byte]) >>> 0;
  }
  return crc;
}
