/** Systems of equations whose matrix is symmetric and positive definite (Golub and Van Loan, "Matrix Computations", section 4.2). */

/**
 * The lower triangle L with L L' = matrix [n, n], of which only the lower triangle is read; null where the matrix is not positive
 * definite.
 *
 * @param least a pivot is never taken to be smaller; with a number above 0 there is always a result
 */
export function cholesky(matrix: Float64Array, n: number, least = 0): Float64Array | null {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= out[i * n + k] * out[j * n + k];
      if (i !== j) out[i * n + j] = sum / out[j * n + j];
      else if (Math.max(sum, least) > 0) out[i * n + i] = Math.sqrt(Math.max(sum, least));
      else return null;
    }
  }
  return out;
}

/** X with L X = B, for all columns of B [n, columns]. @param factor L, lower triangle [n, n] */
export function forwardSolve(factor: Float64Array, b: ArrayLike<number>, columns = 1): Float64Array {
  const n = b.length / columns;
  const x = Float64Array.from(b);
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < n; i++) {
      let sum = x[i * columns + c];
      for (let k = 0; k < i; k++) sum -= factor[i * n + k] * x[k * columns + c];
      x[i * columns + c] = sum / factor[i * n + i];
    }
  }
  return x;
}

/** X with L' X = B, for all columns of B [n, columns]. @param factor L, lower triangle [n, n] */
export function backSolve(factor: Float64Array, b: ArrayLike<number>, columns = 1): Float64Array {
  const n = b.length / columns;
  const x = Float64Array.from(b);
  for (let c = 0; c < columns; c++) {
    for (let i = n - 1; i >= 0; i--) {
      let sum = x[i * columns + c];
      for (let k = i + 1; k < n; k++) sum -= factor[k * n + i] * x[k * columns + c];
      x[i * columns + c] = sum / factor[i * n + i];
    }
  }
  return x;
}
