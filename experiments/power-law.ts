/**
 * Loss against compute as a power law with a floor, L(C) = E + A (C / C0)^-a (Hestness et al. 2017; Kaplan et al. 2020;
 * Hoffmann et al. 2022), fitted to the best loss that any size reached with that compute or less.
 */
import type { Interval } from '../src/evaluate/index.js';
import { mean } from '../src/evaluate/metrics/statistics.js';
import { Random } from '../src/random.js';

export interface Point {
  /** floating-point operations */
  compute: number;
  loss: number;
}

export interface PowerLaw {
  /** E, the loss that no compute goes below; at least 0 */
  floor: number;
  /** A, what is above the floor at compute `unit` */
  scale: number;
  /** a, at least 0 */
  exponent: number;
  /** C0: geometric mean of the fitted points' compute */
  unit: number;
}

/** Fewest points for three unknowns and something left to judge them by. */
export const FEWEST_POINTS = 4;
const [LOW_EXPONENT, HIGH_EXPONENT] = [0.005, 3];
const GRID = 200;
const DRAWS = 500;

/** Points that no other one beats with as little compute, in order of compute: each has a lower loss than all before it. */
export function frontier(points: readonly Point[]): Point[] {
  let best = Number.POSITIVE_INFINITY;
  return [...points]
    .sort((a, b) => a.compute - b.compute || a.loss - b.loss)
    .filter(({ loss }) => {
      if (loss >= best) return false;
      best = loss;
      return true;
    });
}

/**
 * Least squares: a grid over exponents and a golden section around its best, with floor and scale in closed form.
 *
 * @returns undefined with fewer than {@link FEWEST_POINTS} points
 */
export function fitPowerLaw(points: readonly Point[]): PowerLaw | undefined {
  if (points.length < FEWEST_POINTS) return undefined;
  const unit = Math.exp(mean(points.map(({ compute }) => Math.log(compute))));
  const error = (logExponent: number): number => linearFit(points, unit, Math.exp(logExponent)).error;
  const [low, high] = [Math.log(LOW_EXPONENT), Math.log(HIGH_EXPONENT)];
  const step = (high - low) / GRID;
  const grid = Array.from({ length: GRID + 1 }, (_, i) => low + i * step);
  const best = grid.reduce((a, b) => (error(b) < error(a) ? b : a));
  const exponent = Math.exp(goldenSection(error, Math.max(low, best - step), Math.min(high, best + step)));
  const { floor, scale } = linearFit(points, unit, exponent);
  return { floor, scale, exponent, unit };
}

/** Floor and scale for an exponent, neither below 0. */
function linearFit(points: readonly Point[], unit: number, exponent: number) {
  const x = points.map(({ compute }) => (compute / unit) ** -exponent);
  const y = points.map(({ loss }) => loss);
  const [mx, my] = [mean(x), mean(y)];
  const sxx = x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
  const sxy = x.reduce((sum, v, i) => sum + (v - mx) * (y[i] - my), 0);
  let scale = Math.max(0, sxx > 0 ? sxy / sxx : 0);
  let floor = my - scale * mx;
  if (floor < 0) {
    floor = 0;
    scale = x.reduce((sum, v, i) => sum + v * y[i], 0) / x.reduce((sum, v) => sum + v * v, 0);
  }
  const error = x.reduce((sum, v, i) => sum + (y[i] - floor - scale * v) ** 2, 0);
  return { floor, scale, error };
}

function goldenSection(f: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [from, to];
  for (let i = 0; i < 60; i++) {
    const [c, d] = [b - ratio * (b - a), a + ratio * (b - a)];
    if (f(c) < f(d)) b = d;
    else a = c;
  }
  return (a + b) / 2;
}

export const lossAt = ({ floor, scale, exponent, unit }: PowerLaw, compute: number): number =>
  floor + scale * (compute / unit) ** -exponent;

/** Compute that a loss takes by the fit; infinite at the floor and below. */
export function computeFor({ floor, scale, exponent, unit }: PowerLaw, loss: number): number {
  return loss > floor ? unit * ((loss - floor) / scale) ** (-1 / exponent) : Number.POSITIVE_INFINITY;
}

/** Fits to points with the residuals dealt out anew (Efron 1979), widened for the three fitted numbers: how sure a fit is. */
export function bootstrapFits(points: readonly Point[], fit: PowerLaw, draws = DRAWS): PowerLaw[] {
  const random = new Random('power law');
  const wider = Math.sqrt(points.length / Math.max(1, points.length - 3));
  const residuals = points.map(({ compute, loss }) => (loss - lossAt(fit, compute)) * wider);
  return Array.from({ length: draws }, () => {
    const drawn = points.map(({ compute }) => ({ compute, loss: lossAt(fit, compute) + random.pick(residuals) }));
    return fitPowerLaw(drawn)!;
  });
}

/** 95 % percentile interval of something that every fit says. */
export function intervalOf(fits: readonly PowerLaw[], say: (fit: PowerLaw) => number): Interval {
  const values = fits.map(say).sort((a, b) => (a === b ? 0 : a - b));
  const at = (q: number): number => values[Math.min(values.length - 1, Math.floor(q * values.length))];
  return [at(0.025), at(0.975)];
}
