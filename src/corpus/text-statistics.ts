/** Counting in text: how varied it is, how long, how it begins. Used by the corpus report. */

/** Words and numbers in lower case, without punctuation. */
export function tokens(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+(?:[.'-][a-z0-9]+)*/g) ?? [];
}

/** How many n-grams there are and how many of them are different. */
export interface NgramCount {
  n: number;
  total: number;
  distinct: number;
}

/** Counts n-grams of n = 1 to `most` tokens; an n-gram never spans two texts. */
export function ngramCounts(texts: readonly (readonly string[])[], most: number): NgramCount[] {
  return Array.from({ length: most }, (_, i) => {
    const n = i + 1;
    const seen = new Set<string>();
    let total = 0;
    for (const text of texts) {
      for (let at = 0; at + n <= text.length; at++) {
        seen.add(text.slice(at, at + n).join(' '));
        total++;
      }
    }
    return { n, total, distinct: seen.size };
  });
}

/** Mean and percentiles of a list of numbers. */
export interface Spread {
  mean: number;
  p5: number;
  p50: number;
  p95: number;
  most: number;
}

/** @param values at least one number */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (p: number) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] as number;
  const mean = sorted.reduce((sum, v) => sum + v, 0) / sorted.length;
  return { mean, p5: at(0.05), p50: at(0.5), p95: at(0.95), most: at(1) };
}

/** The most frequent first `n` tokens with the share of texts that begin so; shorter texts count with all they have. */
export function openings(
  texts: readonly (readonly string[])[],
  n: number,
  most: number,
): { text: string; share: number }[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const opening = text.slice(0, n).join(' ');
    counts.set(opening, (counts.get(opening) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, most)
    .map(([text, count]) => ({ text, share: count / texts.length }));
}
