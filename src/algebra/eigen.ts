/** Eigenvectors of small symmetric matrices. */

export interface Eigen {
  /** descending */
  values: Float64Array;
  /** row k [n] belongs to value k; rows are orthonormal */
  vectors: Float64Array;
}

/** Sweeps after which Jacobi's method has long converged; sizes of some hundred need about ten. */
const MOST_SWEEPS = 40;

/**
 * All eigenvalues and eigenvectors by Jacobi's rotations (Golub and Van Loan, "Matrix Computations", section 8.5), which are
 * slow and exact.
 *
 * @param matrix [n, n], symmetric
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  const trace = a.reduce((sum, x, i) => (i % (n + 1) === 0 ? sum + Math.abs(x) : sum), 0);
  const negligible = 1e-14 * (trace / n);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let turned = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p * n + q]) <= negligible) continue;
        turned = true;
        rotate(a, v, n, p, q);
      }
    }
    if (!turned) break;
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const vectors = new Float64Array(n * n);
  order.forEach((from, k) => {
    vectors.set(v.subarray(from * n, (from + 1) * n), k * n);
  });
  return { values: Float64Array.from(order, (i) => a[i * n + i]), vectors };
}

/** Turns rows and columns p and q so that a[p, q] vanishes; rows of v turn along. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const slope = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
  const t = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.sqrt(slope * slope + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i * n + p], a[i * n + q]];
    a[i * n + p] = c * x - s * y;
    a[i * n + q] = s * x + c * y;
  }
  turnRows(a, n, p, q, c, s);
  turnRows(v, n, p, q, c, s);
}

function turnRows(m: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  const [row, other] = [p * n, q * n];
  for (let i = 0; i < n; i++) {
    const [x, y] = [m[row + i], m[other + i]];
    m[row + i] = c * x - s * y;
    m[other + i] = s * x + c * y;
  }
}
