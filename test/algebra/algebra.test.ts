import { describe, expect, it } from 'vitest';
import { backSolve, cholesky, forwardSolve, symmetricEigen } from '../../src/algebra/index.js';
import { Random } from '../../src/random.js';

const N = 7;
const random = new Random('algebra');
const factor = Float64Array.from({ length: N * N }, (_, i) => {
  const [row, column] = [Math.floor(i / N), i % N];
  return column > row ? 0 : column === row ? 1 + random.next() : random.normal();
});

/** A [n, m] times B [m, columns]. */
function product(a: Float64Array, b: Float64Array, m: number): Float64Array {
  const [rows, columns] = [a.length / m, b.length / m];
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const [r, c] = [Math.floor(i / columns), i % columns];
    return Array.from({ length: m }, (_, k) => a[r * m + k] * b[k * columns + c]).reduce((x, y) => x + y, 0);
  });
}
const transposed = (a: Float64Array): Float64Array => a.map((_, i) => a[(i % N) * N + Math.floor(i / N)]);
const near = (a: Float64Array, b: ArrayLike<number>): void => {
  expect(a).toHaveLength(b.length);
  for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i], 9);
};

describe('cholesky', () => {
  const square = product(factor, transposed(factor), N);

  it('finds the triangle that the matrix was made of, whatever stands above the diagonal', () => {
    near(cholesky(square, N)!, factor);
    const lower = square.map((x, i) => (i % N > Math.floor(i / N) ? Number.NaN : x));
    near(cholesky(lower, N)!, factor);
  });

  it('solves equations with one column and with several', () => {
    for (const columns of [1, 3]) {
      const x = Float64Array.from({ length: N * columns }, () => random.normal());
      near(backSolve(factor, forwardSolve(factor, product(square, x, N), columns), columns), x);
    }
  });

  it('gives none of a matrix that is not positive definite, but with a least pivot', () => {
    const flat = Float64Array.of(4, 2, 2, 1);
    expect(cholesky(flat, 2)).toBe(null);
    expect(cholesky(Float64Array.of(Number.NaN), 1)).toBe(null);
    near(cholesky(flat, 2, 0.25)!, [2, 0, 1, 0.5]);
  });
});

describe('symmetricEigen', () => {
  it('finds known values: the second differences of a string of n beads', () => {
    const n = 12;
    const matrix = Float64Array.from({ length: n * n }, (_, at) => {
      const apart = Math.abs(Math.floor(at / n) - (at % n));
      return apart === 0 ? 2 : apart === 1 ? -1 : 0;
    });
    const { values, vectors } = symmetricEigen(matrix, n);
    values.forEach((value, k) => {
      expect(value).toBeCloseTo(2 + 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)), 10);
    });
    for (let k = 0; k < n; k++) {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += matrix[i * n + j] * vectors[k * n + j];
        expect(sum).toBeCloseTo(values[k] * vectors[k * n + i], 10);
      }
    }
  });

  it('leaves a diagonal matrix alone but for the order', () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(1, 0, 0, 0, 3, 0, 0, 0, 2), 3);
    expect([...values]).toEqual([3, 2, 1]);
    expect([...vectors]).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0]);
  });
});
