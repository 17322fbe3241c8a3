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

/** One thing that is there with the one that tells it. */
export interface Match {
  label: string;
  /** place in the list of things there, and in the list of things told */
  there: number;
  told: number;
}

/**
 * Pairs of equal label, as many as there can be, each thing in one pair. Where a label comes several times, pairs keep the
 * order of time and have the least sum of time differences; what is told without a time stands where it is told.
 */
export function matchEvents(there: readonly Onset[], told: readonly Onset[]): Match[] {
  const places = (list: readonly Onset[], label: string): number[] =>
    inTime(list).filter((place) => list[place].label === label);
  return [...new Set(there.map((o) => o.label))].flatMap((label) => {
    const [a, b] = [places(there, label), places(told, label)];
    const swap = a.length > b.length;
    const [few, many, fewOf, manyOf] = swap ? [b, a, told, there] : [a, b, there, told];
    const apart = (i: number, j: number): number => {
      const [x, y] = [fewOf[few[i]].start, manyOf[many[j]].start];
      return x === null || y === null ? 0 : Math.abs(x - y);
    };
    return pairUp(few.length, many.length, apart).map((j, i) =>
      swap ? { label, there: many[j], told: few[i] } : { label, there: few[i], told: many[j] },
    );
  });
}

/** For each of `few` one of `many`, ascending, with the least sum of distances. */
function pairUp(few: number, many: number, apart: (i: number, j: number) => number): number[] {
  let best: { cost: number; chosen: number[] } = { cost: Number.POSITIVE_INFINITY, chosen: [] };
  const go = (i: number, from: number, cost: number, chosen: number[]): void => {
    if (cost >= best.cost) return;
    if (i === few) {
      best = { cost, chosen };
      return;
    }
    for (let j = from; j <= many - (few - i); j++) go(i + 1, j + 1, cost + apart(i, j), [...chosen, j]);
  };
  go(0, 0, 0, []);
  return best.chosen;
}

/** Places in the order of time. What has no time comes right after what it is told after. */
export function inTime(onsets: readonly Onset[]): number[] {
  let last = Number.NEGATIVE_INFINITY;
  const times = onsets.map(({ start }) => {
    last = start ?? last;
    return last;
  });
  return onsets.map((_, i) => i).sort((a, b) => (times[a] < times[b] ? -1 : times[a] > times[b] ? 1 : a - b));
}

/**
 * Whether matched things are told in the order in which they begin: by told times, by the order of telling where a time is
 * missing or told alike.
 * @returns null when fewer than two different labels are matched: there is no order to be wrong about
 */
export function orderRight(there: readonly Onset[], told: readonly Onset[], matches: readonly Match[]): boolean | null {
  if (new Set(matches.map(({ label }) => label)).size < 2) return null;
  const rank = new Map(inTime(told).map((place, i) => [place, i]));
  const inOrder = [...matches].sort((a, b) => (rank.get(a.told) as number) - (rank.get(b.told) as number));
  const begins = inOrder.map((match) => there[match.there].start as number);
  return begins.every((start, i) => i === 0 || begins[i - 1] <= start);
}
