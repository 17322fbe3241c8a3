/** Residual vector quantization: codebooks take turns, each at what the ones before left over. */
import { gather, matmul, mul, reshape, square, sub, type Tensor } from '../graph/index.js';

/** The index of the largest value of each row: [n, k] -> int64 [n]. The first of equals. */
function argmax(x: Tensor): Tensor {
  return x.graph.add('ArgMax', [x], [{ dtype: 'int64', shape: [x.shape[0]] }], {
    axis: { int: 1 },
    keepdims: { int: 0 },
  })[0];
}

/** The row of `book` [size, dims] nearest to each row of `x` [n, dims]: int64 [n]. */
export function nearest(x: Tensor, book: Tensor): Tensor {
  const ones = x.graph.constant(new Float32Array(book.size(1)).fill(1), [book.size(1), 1]);
  const half = mul(reshape(matmul(square(book), ones), [1, book.size(0)]), 0.5);
  return argmax(sub(matmul(x, book, { transB: true }), half));
}

/** Codes of each row of `x` [n, dims], an int64 [n] for each of `books` [size, dims] in turn. */
export function residualCodes(x: Tensor, books: readonly Tensor[]): Tensor[] {
  let rest = x;
  return books.map((book, i) => {
    const code = nearest(rest, book);
    if (i + 1 < books.length) rest = sub(rest, gather(book, code));
    return code;
  });
}
