/** Sound events that are told against those that are there. */
import type { Part } from './statistics.js';

/** Found, told though not there, and there though not told. */
export interface Detection {
  hits: number;
  extra: number;
  missed: number;
}

/** Something that begins at a time; null is not told. Seconds. */
export interface Onset {
  label: string;
  start: number | null;
}

/** Labels alone: each thing there can be told once, so one dog bark told for two is one hit and one miss. */
export function matchLabels(there: readonly string[], told: readonly string[]): Detection {
  const left = new Map<string, number>();
  for (const label of there) left.set(label, (left.get(label) ?? 0) + 1);
  let hits = 0;
  for (const label of told) {
    const count = left.get(label) ?? 0;
    if (count === 0) continue;
    left.set(label, count - 1);
    hits++;
  }
  return { hits, extra: told.length - hits, missed: there.length - hits };
}

/**
 * Labels with times: the most pairs of equal label whose starts are at most `tolerance` seconds apart, each thing in one
 * pair. What is told without a time is in no pair.
 */
export function matchOnsets(there: readonly Onset[], told: readonly Onset[], tolerance: number): Detection {
  let hits = 0;
  for (const label of new Set(there.map((o) => o.label))) {
    const [a, b] = [starts(there, label), starts(told, label)];
    // Both in order: the earlier of two that are too far apart can have no later partner either.
    for (let i = 0, j = 0; i < a.length && j < b.length; ) {
      if (Math.abs(a[i] - b[j]) <= tolerance) {
        hits++;
        i++;
        j++;
      } else if (a[i] < b[j]) i++;
      else j++;
    }
  }
  return { hits, extra: told.length - hits, missed: there.length - hits };
}

function starts(onsets: readonly Onset[], label: string): number[] {
  return onsets.flatMap((o) => (o.label === label && o.start !== null ? [o.start] : [])).sort((x, y) => x - y);
}

/** F1 = 2 hits / (2 hits + extra + missed), as a part of a ratio of sums: micro-averaged over clips. */
export function f1Part({ hits, extra, missed }: Detection): Part {
  return [2 * hits, 2 * hits + extra + missed];
}
