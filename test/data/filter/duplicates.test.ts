import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DUPLICATE_LIMITS, DuplicateFinder } from '../../../src/data/filter/duplicates.js';
import { MinHash, PLACES, similarity } from '../../../src/data/filter/minhash.js';
import { Scanner } from '../../../src/data/filter/scan.js';
import { Random } from '../../../src/random.js';
import { realLabels } from './captions.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const scanner = new Scanner();
const wordsOf = (text: string): Int32Array => {
  scanner.measure(text);
  return scanner.comparable().slice();
};

function firsts(texts: readonly Int32Array[]): number[] {
  const finder = new DuplicateFinder(join(folder, 'spool'), DUPLICATE_LIMITS);
  for (const words of texts) finder.add(words);
  const found = [...finder.firsts()];
  finder.close();
  expect(existsSync(join(folder, 'spool'))).toBe(false);
  return found;
}

const randomText = (random: Random, length: number): Int32Array =>
  Int32Array.from({ length }, () => Math.imul(random.int(4000) + 1, 0x9e3779b1));

/** Changes the first `count` of the words that lie 13 apart: each takes 13 13-grams away. */
function edited(words: Int32Array, count: number): Int32Array {
  return words.map((word, i) => (i % 26 === 20 && i / 26 < count ? word ^ 0x5a5a5a : word));
}

function jaccard(a: Int32Array, b: Int32Array): number {
  const grams = (words: Int32Array): Set<string> => {
    const set = new Set<string>();
    for (let i = 0; i + 13 <= words.length; i++) set.add(words.subarray(i, i + 13).join(' '));
    return set;
  };
  const [x, y] = [grams(a), grams(b)];
  const both = [...x].filter((gram) => y.has(gram)).length;
  return both / (x.size + y.size - both);
}

describe('MinHash', () => {
  it('estimates the Jaccard similarity of the sets of 13-grams', () => {
    const random = new Random('minhash');
    const minHash = new MinHash(13);
    const bytes = (words: Int32Array): Uint8Array => Uint8Array.from(minHash.signature(words), (v) => v & 255);
    for (const changes of [0, 1, 2, 4, 8]) {
      let [estimated, exact] = [0, 0];
      for (let i = 0; i < 40; i++) {
        const text = randomText(random, 420);
        const other = edited(text, changes);
        estimated += similarity(bytes(text), bytes(other)) / 40;
        exact += jaccard(text, other) / 40;
      }
      // Standard error of one estimate is at most 0.045, of the mean of 40 0.007.
      expect(Math.abs(estimated - exact)).toBeLessThan(0.03);
    }
  });

  it('fills all places, also of texts with few words', () => {
    const minHash = new MinHash(13);
    for (const length of [1, 5, 13, 14, 40]) {
      const signature = minHash.signature(randomText(new Random(length), length));
      expect(signature).toHaveLength(PLACES);
      expect(signature.includes(-1)).toBe(false);
    }
  });
});

describe('near-duplicates', () => {
  it('leaves texts alone that have nothing to do with one another', () => {
    const random = new Random('others');
    const texts = Array.from({ length: 500 }, () => randomText(random, 300));
    const real = [...realLabels(), ...realLabels('understanding')].map(({ caption }) => wordsOf(caption));
    const all = [...texts, ...real];
    expect(firsts(all)).toEqual(all.map((_, i) => i));
  });

  it('finds copies with other cases, punctuation and a changed word, and names the first', () => {
    const [a, b] = realLabels().map(({ caption }) => caption);
    const shouted = a.toUpperCase().replace(/,/g, ' ,');
    const changed = a.replace('studio', 'garden');
    expect(firsts([b, a, shouted, b, changed].map(wordsOf))).toEqual([0, 1, 1, 0, 1]);
  });

  it('removes what is surely above the limit and keeps what is surely below', () => {
    const random = new Random('threshold');
    const outcome = (changes: number): number => {
      let found = 0;
      for (let i = 0; i < 20; i++) {
        const text = randomText(random, 600);
        if (firsts([text, edited(text, changes)])[1] === 0) found++;
      }
      return found / 20;
    };
    // 588 13-grams; each change makes 13 others: similarity (588 - 13 n) / (588 + 13 n).
    expect(outcome(1)).toBe(1); // 0.96
    expect(outcome(9)).toBeLessThan(0.1); // 0.67
    expect(outcome(20)).toBe(0); // 0.39
  });

  it('groups a thousand copies, and texts that are linked by one between them', () => {
    const random = new Random('groups');
    const text = randomText(random, 400);
    const copies = Array.from({ length: 1000 }, () => text);
    const far = edited(text, 2);
    expect(new Set(firsts([...copies, edited(text, 1), far]))).toEqual(new Set([0]));
  });
});
