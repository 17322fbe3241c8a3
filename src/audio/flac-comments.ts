import { fileSource } from './bytes.js';
import { has } from './formats/sniff.js';

/** Comments are looked for in so much of a file's start. */
const MAX_HEAD = 16 << 20;
const VORBIS_COMMENT = 4;

/**
 * The texts of a FLAC file's Vorbis comments by their names in capitals, e.g. `{ COMMENT: '...' }`; empty for other and for
 * damaged files (Node).
 * @throws BagpiperError when the file cannot be read
 */
export async function readFlacComments(path: string): Promise<Record<string, string>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const piece of (await fileSource(path, path)).pieces(65536)) {
    parts.push(piece);
    size += piece.length;
    if (parts.length === 1 && !has(piece, 0, 'fLaC')) return {};
    const head = concat(parts, size);
    const block = commentBlock(head);
    if (block === 'none' || size > MAX_HEAD) return {};
    if (block !== 'more') return parseComments(block);
  }
  return {};
}

/** The comment block in a file's start: `none` where there is none, `more` where it lies behind what was read. */
function commentBlock(head: Uint8Array): Uint8Array | 'none' | 'more' {
  for (let at = 4; at + 4 <= head.length; ) {
    const type = head[at] & 127;
    const length = (head[at + 1] << 16) | (head[at + 2] << 8) | head[at + 3];
    const from = at + 4;
    if (type === VORBIS_COMMENT) return from + length <= head.length ? head.subarray(from, from + length) : 'more';
    if (head[at] & 128) return 'none';
    at = from + length;
  }
  return 'more';
}

/** RFC 9639, section 8.6: a vendor text, then `NAME=text` entries, each behind its length in little-endian bytes. */
function parseComments(block: Uint8Array): Record<string, string> {
  const texts: Record<string, string> = {};
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const decoder = new TextDecoder();
  if (block.length < 8) return texts;
  let at = 4 + view.getUint32(0, true);
  if (at + 4 > block.length) return texts;
  const count = view.getUint32(at, true);
  at += 4;
  for (let i = 0; i < count && at + 4 <= block.length; i++) {
    const length = view.getUint32(at, true);
    const entry = decoder.decode(block.subarray(at + 4, Math.min(block.length, at + 4 + length)));
    const equals = entry.indexOf('=');
    if (equals > 0) texts[entry.slice(0, equals).toUpperCase()] = entry.slice(equals + 1);
    at += 4 + length;
  }
  return texts;
}

function concat(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
