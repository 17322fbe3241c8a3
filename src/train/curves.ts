/** What is drawn of a run's log: the losses over steps. The plot, the page and the terminal show the same. */
import type { LogLine } from './log.js';

export interface Point {
  /** steps done */
  step: number;
  loss: number;
}

export interface Curves {
  /** the loss of steps, thinned */
  raw: Point[];
  /** its running mean over a fortieth of the run, thinned */
  mean: Point[];
  /** held-out loss, thinned */
  held: Point[];
  /** smallest and largest of all these; Infinity and -Infinity where there are none */
  low: number;
  high: number;
  /** the axis is to be logarithmic: losses are positive and spread widely */
  log: boolean;
}

const HELD_POINTS = 100;
/** Steps that the running mean spans, as a part of the run. */
const SPAN = 1 / 40;
/** From this ratio of the largest to the smallest loss on, a logarithmic axis shows more. */
const WIDE = 4;

/** @param count points of a line: more than the picture's pixels would only make it large */
export function curvesOf(lines: readonly LogLine[], count = 600): Curves {
  const all = points(lines, 'loss');
  const raw = thin(all, count);
  const mean = thin(runningMean(all), count);
  const held = thin(points(lines, 'held_loss'), HELD_POINTS);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { loss } of [...raw, ...mean, ...held]) {
    low = Math.min(low, loss);
    high = Math.max(high, loss);
  }
  return { raw, mean, held, low, high, log: low > 0 && high > WIDE * low };
}

function points(lines: readonly LogLine[], field: string): Point[] {
  return lines.flatMap((line) => {
    const loss = line[field];
    return typeof loss === 'number' ? [{ step: line.step, loss }] : [];
  });
}

/** The mean of each point and those around it. */
function runningMean(line: readonly Point[]): Point[] {
  const reach = Math.floor((line.length * SPAN) / 2);
  const sums = [0];
  for (const { loss } of line) sums.push(sums[sums.length - 1] + loss);
  return line.map(({ step }, i) => {
    const [low, high] = [Math.max(0, i - reach), Math.min(line.length, i + reach + 1)];
    return { step, loss: (sums[high] - sums[low]) / (high - low) };
  });
}

/** An even selection of at most `count`, first and last among them. */
function thin(line: readonly Point[], count: number): Point[] {
  if (line.length <= count) return [...line];
  return Array.from({ length: count }, (_, i) => line[Math.round((i * (line.length - 1)) / (count - 1))]);
}
