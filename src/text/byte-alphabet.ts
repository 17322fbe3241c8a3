/**
 * The byte alphabet of byte-level tokenizers: each of the 256 byte values has a visible character, so that vocabularies are
 * plain strings (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019). Visible Latin-1 bytes stand
 * for themselves, the others for the characters from U+0100 on, in order.
 */

/** The character of each byte value. */
export const BYTE_CHARS: readonly string[] = buildByteChars();

const BYTE_OF = new Map(BYTE_CHARS.map((char, byte) => [char, byte]));

/** The bytes that a vocabulary entry stands for, or null where a character is none of the 256. */
export function alphabetBytes(token: string): Uint8Array | null {
  const bytes: number[] = [];
  for (const char of token) {
    const byte = BYTE_OF.get(char);
    if (byte === undefined) return null;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Bytes written in the alphabet. */
export function toAlphabet(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += BYTE_CHARS[byte];
  return text;
}

function buildByteChars(): string[] {
  let next = 256;
  const visible = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(visible(byte) ? byte : next++));
}
