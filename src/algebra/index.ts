/** algebra/: small dense matrices in plain TypeScript, row-major in `Float64Array`. Large products are ONNX Runtime's work. */
export { backSolve, cholesky, forwardSolve } from './cholesky.js';
export { type Eigen, symmetricEigen } from './eigen.js';
