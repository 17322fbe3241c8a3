/** The scaling experiment's numbers: losses of each size and length, the fitted power law, and what a target loss would take. */
import { mean } from '../src/evaluate/metrics/statistics.js';
import { spreadText } from './comparisons.js';
import { REFERENCE } from './plan.js';
import {
  bootstrapFits,
  computeFor,
  FEWEST_POINTS,
  fitPowerLaw,
  frontier,
  intervalOf,
  lossAt,
  type Point,
  type PowerLaw,
} from './power-law.js';
import type { Result } from './results.js';
import type { SizeName } from './sizes.js';

/** All seeds of one size and length. */
export interface Cell {
  size: SizeName;
  steps: number;
  flops: number;
  /** by seed, in order */
  caption: number[];
  sound: number[];
  /** mean of both, by seed */
  both: number[];
}

export type LossName = 'caption' | 'sound' | 'both';

export const LOSS_TITLES: Readonly<Record<LossName, string>> = {
  caption: 'held-out captions, nats a token',
  sound: 'held-out codes, nats a code',
  both: 'mean of both',
};

/** Percent below the best measured loss, for the question what it would take. */
const LOWER = [5, 10, 20] as const;

export function scalingCells(results: ReadonlyMap<string, Result>): Cell[] {
  const cells = new Map<string, Cell>();
  for (const { id, compute, measures } of results.values()) {
    const found = /^scaling-(small|middle|large)-(\d+)steps-/.exec(id);
    const [caption, sound] = [measures['held-out loss: caption'], measures['held-out loss: sound']];
    if (!found || !compute || typeof caption !== 'number' || typeof sound !== 'number') continue;
    const key = `${found[1]}/${found[2]}`;
    const [size, steps] = [found[1] as SizeName, Number(found[2])];
    const cell = cells.get(key) ?? { size, steps, flops: compute.flops, caption: [], sound: [], both: [] };
    cells.set(key, cell);
    cell.caption.push(caption);
    cell.sound.push(sound);
    cell.both.push((caption + sound) / 2);
  }
  const order: readonly SizeName[] = ['small', 'middle', 'large'];
  return [...cells.values()].sort((a, b) => order.indexOf(a.size) - order.indexOf(b.size) || a.steps - b.steps);
}

export function cellPoints(cells: readonly Cell[], name: LossName): Point[] {
  return cells.map((cell) => ({ compute: cell.flops, loss: mean(cell[name]) }));
}

/** 3.2e+14 as "3.2e14". */
export const power = (x: number): string =>
  Number.isFinite(x) ? x.toExponential(1).replace('e+', 'e') : 'no compute suffices';

export interface Scaling {
  markdown: string;
  cells: Cell[];
  /** of the mean of both losses */
  fit: PowerLaw | undefined;
}

/** Undefined where no run is there. */
export function scalingReport(results: ReadonlyMap<string, Result>): Scaling | undefined {
  const cells = scalingCells(results);
  if (cells.length === 0) return undefined;
  const table = cells.map(({ size, steps, flops, ...losses }) => {
    const texts = (['caption', 'sound', 'both'] as const).map((name) => spreadText(losses[name]));
    return `| ${[size, steps, power(flops), ...texts, losses.both.length].join(' | ')} |`;
  });
  const fits = (['caption', 'sound', 'both'] as const).map((name) => fitLines(name, cells, results.get(REFERENCE)));
  const markdown = [
    '| size | steps | FLOPs | captions | codes | mean of both | seeds |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...table,
    '',
    ...fits,
  ].join('\n');
  return { markdown, cells, fit: fitPowerLaw(frontier(cellPoints(cells, 'both'))) };
}

function fitLines(name: LossName, cells: readonly Cell[], reference: Result | undefined): string {
  const best = frontier(cellPoints(cells, name));
  const title = `**${LOSS_TITLES[name]}:** `;
  const fit = fitPowerLaw(best);
  if (!fit) {
    return `${title}${best.length} lengths are best with their compute; a fit takes at least ${FEWEST_POINTS}.\n`;
  }
  const fits = bootstrapFits(best, fit);
  const between = (say: (fit: PowerLaw) => number, text: (x: number) => string): string => {
    const [low, high] = intervalOf(fits, say);
    return `${text(say(fit))} (95 %: ${text(low)} to ${text(high)})`;
  };
  const three = (x: number): string => x.toFixed(3);
  const { unit } = fit;
  const lowest = best[best.length - 1];
  const targets = LOWER.map((less) => ({
    what: `${less} % below the best measured`,
    loss: (1 - less / 100) * lowest.loss,
  }));
  const shipped = shippedLoss(name, reference);
  if (shipped !== undefined) targets.push({ what: 'of the shipped language model', loss: shipped });
  return [
    `${title}L(C) = E + A (C / ${power(unit)})^-a over ${best.length} points, E ${between((f) => f.floor, three)}, A ${between((f) => lossAt(f, unit) - f.floor, three)}, a ${between((f) => f.exponent, three)}.`,
    '',
    '| target | loss | FLOPs by the fit |',
    '| --- | ---: | --- |',
    ...targets.map(({ what, loss }) => `| ${what} | ${three(loss)} | ${between((f) => computeFor(f, loss), power)} |`),
    '',
  ].join('\n');
}

function shippedLoss(name: LossName, reference: Result | undefined): number | undefined {
  const of = (kind: string): number => reference?.measures[`held-out loss: ${kind}`] ?? Number.NaN;
  const loss = name === 'both' ? (of('caption') + of('sound')) / 2 : of(name);
  return Number.isFinite(loss) ? loss : undefined;
}
