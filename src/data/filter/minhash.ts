/**
 * MinHash signatures of texts: the share of equal places of two signatures estimates the Jaccard similarity of the texts'
 * sets of word n-grams. One hash an n-gram serves all places (one permutation hashing: Li, Owen, Zhang 2012); empty places
 * borrow from others by fixed hashing, so that the estimate stays unbiased (optimal densification: Shrivastava 2017).
 */
import { mix } from './hashing.js';

/** Places of a signature. */
export const PLACES = 128;
/** Places are compared in bands: two texts are candidates where a whole band is equal. */
export const BANDS = 16;
const ROWS = PLACES / BANDS;

const EMPTY = -1;
const BASE = 0x01000193;

export class MinHash {
  private readonly values = new Int32Array(PLACES);
  private readonly drop: number;

  /** @param size words of an n-gram; a text with fewer words is one n-gram */
  constructor(readonly size: number) {
    let power = 1;
    for (let i = 0; i < size; i++) power = Math.imul(power, BASE);
    this.drop = power;
  }

  /** @param words hashes of a text's words. @returns the signature, valid until the next call; [PLACES] */
  signature(words: Int32Array): Int32Array {
    const { values, size, drop } = this;
    values.fill(EMPTY);
    let rolling = 0;
    for (let w = 0; w < words.length; w++) {
      // Words are mixed first: FNV's low bits are too alike for a polynomial.
      rolling = Math.imul(rolling, BASE) + mix(words[w]);
      if (w >= size) rolling -= Math.imul(mix(words[w - size]), drop);
      if (w < size - 1 && w < words.length - 1) continue;
      const hash = mix(rolling);
      const place = hash >>> 25;
      // 31 bits, of another mixture than the place.
      const value = mix(hash ^ 0x5bd1e995) >>> 1;
      if (values[place] === EMPTY || value < values[place]) values[place] = value;
    }
    if (words.length > 0) this.densify();
    return values;
  }

  private densify(): void {
    const { values } = this;
    const filled: boolean[] | undefined = values.includes(EMPTY) ? Array.from(values, (v) => v !== EMPTY) : undefined;
    if (!filled) return;
    for (let place = 0; place < PLACES; place++) {
      if (filled[place]) continue;
      let from = place;
      for (let attempt = 1; !filled[from]; attempt++) from = mix(Math.imul(place + 1, 0x9e3779b1) + attempt) >>> 25;
      values[place] = values[from];
    }
  }
}

/** A 64-bit key of each band, high and low halves in turn. @param out [2 * BANDS] */
export function bandKeys(signature: Int32Array, out: Int32Array): void {
  for (let band = 0; band < BANDS; band++) {
    let high = band + 1;
    let low = Math.imul(band + 1, 0x27d4eb2f);
    for (let row = 0; row < ROWS; row++) {
      const value = signature[band * ROWS + row];
      high = Math.imul(high ^ value, 0x01000193);
      high ^= high >>> 15;
      low = Math.imul(low, 0x5bd1e995) + value;
      low ^= low >>> 13;
    }
    out[2 * band] = mix(high);
    out[2 * band + 1] = mix(low);
  }
}

/**
 * The similarity that two shortened signatures (a byte a place) tell, 0 to 1. Bytes are equal by chance in one of 256 places, which is
 * taken off (b-bit minwise hashing: Li, König 2010).
 */
export function similarity(a: Uint8Array, b: Uint8Array): number {
  let equal = 0;
  for (let i = 0; i < PLACES; i++) if (a[i] === b[i]) equal++;
  return Math.max(0, (equal / PLACES - 1 / 256) / (1 - 1 / 256));
}
