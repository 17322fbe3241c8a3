/**
 * graph/: tensor expressions, built in TypeScript and serialized to ONNX. A network is a function from tensors to tensors
 * of one `Graph`; shapes are checked while it is built; `gradients` appends the backward pass to the same graph.
 * Nothing here computes: runtime/ runs what `toOnnx` writes.
 */
export {
  type Bits,
  type BlockMatrix,
  blockRows,
  codeBytes,
  linearNamed,
  matmulBlocks,
  rowScales,
  stackedBlocks,
} from './blocks.js';
export {
  attention,
  type ConvOptions,
  conv,
  convTranspose,
  gelu,
  layerNorm,
  linear,
  logSoftmax,
  type MatmulOptions,
  matmul,
  pick,
  rmsNorm,
  rotary,
  silu,
  softmax,
} from './fused.js';
export { differentiable, gradients } from './gradients.js';
export { type Dim, type DType, Graph, type GraphOptions, type ParameterSource, type Shape, Tensor } from './graph.js';
export { type OnnxOptions, toOnnx } from './onnx.js';
export {
  abs,
  add,
  cast,
  concat,
  cos,
  dimension,
  div,
  elu,
  equal,
  erf,
  exp,
  expand,
  gather,
  greater,
  log,
  maximum,
  mean,
  meanAll,
  mul,
  neg,
  type Operand,
  pad,
  reshape,
  sigmoid,
  sin,
  slice,
  split,
  splitAt,
  sqrt,
  square,
  sub,
  sum,
  sumAll,
  tanh,
  transpose,
  where,
} from './ops.js';
