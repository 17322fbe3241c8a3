import { describe, expect, it } from 'vitest';
import {
  bootstrapFits,
  computeFor,
  fitPowerLaw,
  frontier,
  intervalOf,
  lossAt,
  type Point,
} from '../../experiments/power-law.js';
import { Random } from '../../src/random.js';

const computes = [1e12, 3e12, 1e13, 3e13, 1e14, 3e14, 1e15];
const law = (floor: number, exponent: number): Point[] =>
  computes.map((compute) => ({ compute, loss: floor + 2 * (compute / 1e12) ** -exponent }));

describe('fitPowerLaw', () => {
  it.each([
    [0.5, 0.3],
    [0, 0.05],
    [1.2, 0.8],
  ])('finds the law that points lie on: floor %d, exponent %d', (floor, exponent) => {
    const fit = fitPowerLaw(law(floor, exponent))!;
    expect(fit.floor).toBeCloseTo(floor, 3);
    expect(fit.exponent).toBeCloseTo(exponent, 3);
    expect(lossAt(fit, 1e12)).toBeCloseTo(floor + 2, 3);
    // L(C) = E + 2 (C / 1e12)^-a, solved for C at a loss of E + 0.1.
    const wanted = 1e12 * (2 / 0.1) ** (1 / exponent);
    expect(Math.log10(computeFor(fit, floor + 0.1))).toBeCloseTo(Math.log10(wanted), 1);
  });

  it('takes no compute for what lies at the floor or below, and no three points for a fit', () => {
    const fit = fitPowerLaw(law(0.5, 0.3))!;
    expect(computeFor(fit, 0.4)).toBe(Number.POSITIVE_INFINITY);
    expect(fitPowerLaw(law(0.5, 0.3).slice(0, 3))).toBeUndefined();
  });

  it('never puts the floor below 0 or the line upwards', () => {
    const falling = computes.map((compute) => ({ compute, loss: 20 - Math.log10(compute) }));
    expect(fitPowerLaw(falling)!.floor).toBeGreaterThanOrEqual(0);
    const rising = computes.map((compute) => ({ compute, loss: Math.log10(compute) }));
    expect(fitPowerLaw(rising)!.scale).toBe(0);
  });

  it('holds the true exponent in its interval, which noise widens', () => {
    const random = new Random('noise');
    const noisy = (size: number): Point[] =>
      law(0.5, 0.3).map(({ compute, loss }) => ({ compute, loss: loss + size * random.normal() }));
    const width = (points: Point[]): [number, number] => {
      const fits = bootstrapFits(points, fitPowerLaw(points)!, 100);
      const [low, high] = intervalOf(fits, (fit) => fit.exponent);
      return [low, high];
    };
    const [wide, narrow] = [width(noisy(0.02)), width(noisy(0.002))];
    expect(wide[0]).toBeLessThan(0.3);
    expect(wide[1]).toBeGreaterThan(0.3);
    expect(wide[1] - wide[0]).toBeGreaterThan(narrow[1] - narrow[0]);
  });
});

describe('frontier', () => {
  it('keeps what nothing beats with as little compute', () => {
    const at = (compute: number, loss: number): Point => ({ compute, loss });
    expect(frontier([at(3, 1), at(1, 2), at(2, 2.5), at(4, 1), at(1, 3)])).toEqual([at(1, 2), at(3, 1)]);
  });
});
