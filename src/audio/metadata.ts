import { fileSource, memorySource } from './bytes.js';
import { has } from './formats/sniff.js';

/** A text longer than this is not read. */
const MAX_TEXT = 16 << 20;

/**
 * The texts of a WAV file's LIST/INFO chunks, by their four-letter names, e.g. `{ ICMT: '...' }`; empty for other files.
 * @param source a path (Node) or the file's bytes
 * @throws BagpiperError when the file cannot be read
 */
export async function readWavMetadata(source: string | Uint8Array): Promise<Record<string, string>> {
  const input = typeof source === 'string' ? await fileSource(source, source) : memorySource(source, 'the audio data');
  const reader = new ChunkReader(input.pieces(65536)[Symbol.asyncIterator]());
  try {
    return await infoOf(reader);
  } finally {
    await reader.close();
  }
}

async function infoOf(reader: ChunkReader): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  const head = await reader.take(12);
  if (!head || !(has(head, 0, 'RIFF') || has(head, 0, 'RF64')) || !has(head, 8, 'WAVE')) return texts;
  for (;;) {
    const chunk = await reader.take(8);
    if (!chunk) return texts;
    const size = uint32(chunk, 4);
    if (has(chunk, 0, 'LIST') && size >= 4 && size <= MAX_TEXT) {
      const list = await reader.take(size);
      if (!list) return texts;
      if (has(list, 0, 'INFO')) collect(list, texts);
      if (size & 1) await reader.skip(1);
    } else if (!(await reader.skip(size + (size & 1)))) return texts;
  }
}

function collect(list: Uint8Array, texts: Record<string, string>): void {
  for (let at = 4; at + 8 <= list.length; ) {
    const size = uint32(list, at + 4);
    const bytes = list.subarray(at + 8, Math.min(list.length, at + 8 + size));
    const end = bytes.indexOf(0);
    const name = String.fromCharCode(...list.subarray(at, at + 4));
    texts[name] = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    at += 8 + size + (size & 1);
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

/** Exact numbers of bytes from pieces of any size. */
class ChunkReader {
  private bytes: Uint8Array = new Uint8Array(0);

  constructor(private readonly pieces: AsyncIterator<Uint8Array>) {}

  /** The next `count` bytes; undefined at the end. */
  async take(count: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let left = count;
    while (left > 0) {
      if (this.bytes.length === 0 && !(await this.more())) return undefined;
      const part = this.bytes.subarray(0, left);
      parts.push(part);
      left -= part.length;
      this.bytes = this.bytes.subarray(part.length);
    }
    const out = new Uint8Array(count);
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > 0) {
      if (this.bytes.length === 0 && !(await this.more())) return false;
      const step = Math.min(left, this.bytes.length);
      left -= step;
      this.bytes = this.bytes.subarray(step);
    }
    return true;
  }

  async close(): Promise<void> {
    await this.pieces.return?.();
  }

  private async more(): Promise<boolean> {
    const next = await this.pieces.next();
    if (next.done) return false;
    this.bytes = next.value;
    return true;
  }
}
