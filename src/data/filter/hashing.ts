/** Hash tables in typed arrays: sizes and hashes. */

/** Where FNV-1a begins; each step is `Math.imul(hash ^ unit, 0x01000193)`. */
export const FNV = 0x811c9dc5 | 0;

/** The highest index of a table that has room for `entries` with half of it empty; all ones in binary. */
export function tableMask(entries: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(8, entries) * 2)) - 1;
}

/** Spreads a hash over all its bits (the last step of MurmurHash3). */
export function mix(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Two hashes of a text that know nothing of each other (FNV-1a and a polynomial, mixed), 64 bits together. */
export function hash64(text: string): { high: number; low: number } {
  let a = FNV;
  let b = 0x9747b28c | 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b, 0x5bd1e995) + c;
  }
  return { high: mix(a ^ text.length), low: mix(b) };
}
