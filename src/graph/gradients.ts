/**
 * Reverse-mode differentiation: walks a graph backwards from a scalar and appends the gradient computation to the same
 * graph, so that one run yields the loss and every gradient. Sizes must be fixed where a rule needs them.
 * Each rule is checked against finite differences in test/graph/gradients.test.ts.
 */
import { conv, convTranspose, matmul } from './fused.js';
import type { Attribute, Graph, GraphNode, Tensor } from './graph.js';
import * as ops from './ops.js';
import { add, div, exp, mean, mul, neg, reshape, sub, sum } from './ops.js';

/** The gradients of a node's inputs, given those of its outputs (undefined: that output is not used by the loss). */
type Rule = (node: GraphNode, grads: (Tensor | undefined)[]) => (Tensor | undefined)[];

/**
 * The gradient of `loss` (shape []) for each of `targets`, in order. A target that the loss does not depend on is an
 * error: in training it would silently stay as it is.
 */
export function gradients(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  const graph = loss.graph;
  if (loss.rank !== 0) throw new Error(`the loss must be a scalar, not ${loss}`);
  const wanted = dependants(graph, targets);
  const grads = new Map<Tensor, Tensor>([[loss, graph.scalar(1)]]);
  const nodes = [...graph.nodes];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    const upstream = node.outputs.map((t) => grads.get(t));
    if (!upstream.some(Boolean) || !node.inputs.some((t) => t && wanted.has(t))) continue;
    const rule = rules[node.op];
    if (!rule) throw new Error(`no gradient rule for ${node.op}`);
    rule(node, upstream).forEach((grad, k) => {
      const input = node.inputs[k];
      if (!grad || !input || !wanted.has(input)) return;
      if (grad.shape.join() !== input.shape.join()) throw new Error(`${node.op}: gradient ${grad} for ${input}`);
      const before = grads.get(input);
      grads.set(input, before ? add(before, grad) : grad);
    });
  }
  return targets.map((target) => {
    const grad = grads.get(target);
    if (!grad) throw new Error(`the loss does not depend on ${target}`);
    return grad;
  });
}

/** Every tensor that is computed from the targets, and the targets. */
function dependants(graph: Graph, targets: readonly Tensor[]): Set<Tensor> {
  const set = new Set<Tensor>(targets);
  for (const node of graph.nodes) {
    if (node.inputs.some((t) => t && set.has(t))) for (const t of node.outputs) set.add(t);
  }
  return set;
}

/** Sums a gradient over the axes that broadcasting had repeated. */
function sumTo(grad: Tensor, shape: readonly (number | string)[]): Tensor {
  if (grad.shape.join() === shape.join()) return grad;
  const lead = grad.rank - shape.length;
  const axes = grad.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  return reshape(sum(grad, axes), shape);
}

function binary(rule: (a: Tensor, b: Tensor, dy: Tensor, y: Tensor) => [Tensor | undefined, Tensor | undefined]): Rule {
  return (node, [dy]) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    const [da, db] = rule(a, b, dy!, node.outputs[0]);
    return [da && sumTo(da, a.shape), db && sumTo(db, b.shape)];
  };
}

function unary(rule: (x: Tensor, y: Tensor, dy: Tensor) => Tensor): Rule {
  return (node, [dy]) => [rule(node.inputs[0]!, node.outputs[0], dy!)];
}

const ints = (a: Attribute | undefined): readonly number[] => (a && 'ints' in a ? a.ints : []);
const int = (a: Attribute | undefined): number => (a && 'int' in a ? a.int : 0);
const float = (a: Attribute | undefined, otherwise: number): number => (a && 'float' in a ? a.float : otherwise);

/** The whole numbers that an operation took as a constant input (axes, starts, pads). */
function numbers(node: GraphNode, k: number): number[] {
  const found = node.inputs[k]!.graph.constants.find((c) => c.tensor === node.inputs[k]);
  if (!found || !('data' in found.source)) throw new Error(`${node.op}: input ${k} is not a constant`);
  return Array.from(found.source.data as BigInt64Array, Number);
}

const fixed = (x: Tensor): number[] => x.shape.map((_, i) => x.size(i));

/** Zeros of a fixed shape, spread from one number so that the graph file stays small. */
function zeros(graph: Graph, shape: readonly number[]): Tensor {
  return ops.expand(
    reshape(
      graph.scalar(0),
      shape.map(() => 1),
    ),
    shape,
  );
}

const matmulRule: Rule = (node, [dy]) => {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const tA = int(node.attributes.transA) === 1;
  const tB = int(node.attributes.transB) === 1;
  const alpha = float(node.attributes.alpha, 1);
  const da = tA
    ? matmul(b, dy!, { transA: tB, transB: true, alpha })
    : matmul(dy!, b, { transA: false, transB: !tB, alpha });
  if (tB && !tA && alpha === 1 && worthTransposing(dy!, a)) return [da, weightGradient(a, dy!)];
  const db = tB
    ? matmul(dy!, a, { transA: true, transB: tA, alpha })
    : matmul(a, dy!, { transA: !tA, transB: false, alpha });
  return [da, db];
};

/** Whether a product of columns is large enough that turning one side first pays. */
function worthTransposing(a: Tensor, b: Tensor): boolean {
  return a.rank === 2 && a.size(0) >= 512 && Math.max(a.size(1), b.size(1)) >= 512;
}

/**
 * dy^T x, the gradient of a linear layer's weight: x [rows, in], dy [rows, out]. ONNX Runtime's kernel for a transposed left
 * side is a fifth slower than the plain one, so the narrower of the two is turned first.
 */
function weightGradient(x: Tensor, dy: Tensor): Tensor {
  return dy.size(1) < x.size(1) ? matmul(turned(dy), x) : turned(matmul(turned(x), dy));
}

/** The transpose of a matrix, by way of three axes: ONNX Runtime would take a plain one back into the product. */
function turned(x: Tensor): Tensor {
  const [rows, columns] = fixed(x);
  return reshape(ops.transpose(reshape(x, [rows, columns, 1]), [1, 0, 2]), [columns, rows]);
}

/** Spatial options of a convolution node. */
function convOptions(node: GraphNode) {
  const n = node.inputs[1]!.rank - 2;
  if (int(node.attributes.group) !== 1) throw new Error(`${node.op}: gradients of grouped convolutions are not built`);
  const pads = ints(node.attributes.pads);
  const padding = pads.slice(0, n);
  if (padding.join() !== pads.slice(n).join()) throw new Error(`${node.op}: gradients need equal padding at both ends`);
  return {
    stride: ints(node.attributes.strides),
    padding,
    dilation: ints(node.attributes.dilations),
  };
}

const swap01 = (x: Tensor): Tensor => ops.transpose(x, [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)]);
const spatialAxes = (x: Tensor): number[] => x.shape.slice(2).map((_, i) => i + 2);

/**
 * The gradient for a convolution's kernel is itself a convolution: batch and channels trade places, and stride and
 * dilation trade places. Positions that a stride left over at the end are cut off.
 */
function kernelGradient(x: Tensor, dy: Tensor, kernel: Tensor, o: ReturnType<typeof convOptions>): Tensor {
  let grad = swap01(conv(swap01(x), swap01(dy), null, { stride: o.dilation, padding: o.padding, dilation: o.stride }));
  for (const axis of spatialAxes(kernel)) grad = ops.slice(grad, axis, 0, kernel.size(axis));
  return grad;
}

const convRule: Rule = (node, [dy]) => {
  const [x, w, b] = node.inputs as [Tensor, Tensor, Tensor | undefined];
  const o = convOptions(node);
  const outputPadding = spatialAxes(x).map((axis, i) => {
    const reach = o.dilation[i] * (w.size(axis) - 1) + 1;
    return (x.size(axis) + 2 * o.padding[i] - reach) % o.stride[i];
  });
  const dx = convTranspose(dy!, w, null, { ...o, outputPadding });
  return [dx, kernelGradient(x, dy!, w, o), b && sum(dy!, [0, ...spatialAxes(x)])];
};

const convTransposeRule: Rule = (node, [dy]) => {
  const [x, w, b] = node.inputs as [Tensor, Tensor, Tensor | undefined];
  const o = convOptions(node);
  const dx = conv(dy!, w, null, o);
  return [dx, kernelGradient(dy!, x, w, o), b && sum(dy!, [0, ...spatialAxes(x)])];
};

/**
 * With n numbers a row and r = 1 / rms: dx = r w dy - x r^3 sum(x w dy) / n. The sums along rows and columns are matrix
 * products with one column or row: fewer passes over memory than multiplying first and adding up then.
 */
const rmsNormRule: Rule = (node, [dy]) => {
  const [x, w] = node.inputs as [Tensor, Tensor];
  const n = w.size(0);
  const rows = fixed(x).reduce((a, b) => a * b, 1) / n;
  const flat = (t: Tensor): Tensor => reshape(t, [rows, n]);
  const r = reshape(node.outputs[1], [rows, 1]);
  const product = mul(flat(x), flat(dy!));
  const along = mul(matmul(product, reshape(w, [n, 1]), { alpha: 1 / n }), mul(r, mul(r, r)));
  const dx = sub(mul(mul(flat(dy!), w), r), mul(flat(x), along));
  return [reshape(dx, x.shape), reshape(matmul(r, product, { transA: true }), [n])];
};

const layerNormRule: Rule = (node, [dy]) => {
  const [x, w, b] = node.inputs as [Tensor, Tensor, Tensor];
  const [, centre, r] = node.outputs;
  const unit = mul(sub(x, centre), r);
  const g = mul(dy!, w);
  const dx = mul(r, sub(sub(g, mean(g, [-1], true)), mul(unit, mean(mul(g, unit), [-1], true))));
  return [dx, sumTo(mul(dy!, unit), w.shape), sumTo(dy!, b.shape)];
};

const gatherRule: Rule = (node, [dy]) => {
  const [table, indices] = node.inputs as [Tensor, Tensor];
  const count = fixed(indices).reduce((a, b) => a * b, 1);
  const rows = reshape(dy!, [count, ...fixed(table).slice(1)]);
  const at = reshape(indices, [count, 1]);
  const graph = table.graph;
  const [grad] = graph.add('ScatterND', [zeros(graph, fixed(table)), at, rows], [table], {
    reduction: { string: 'add' },
  });
  return [grad];
};

const pickRule: Rule = (node, [dy]) => {
  const [x, column] = node.inputs as [Tensor, Tensor];
  const graph = x.graph;
  const [grad] = graph.add('ScatterElements', [zeros(graph, fixed(x)), column, dy!], [x], { axis: { int: 1 } });
  return [grad];
};

/**
 * Where one element a row was picked, what comes from above is zero elsewhere: its sum is that element, and only there is
 * it added.
 */
const logSoftmaxRule: Rule = (node, [dy]) => {
  const y = node.outputs[0];
  const above = dy!.node;
  if (above?.op !== 'ScatterElements' || above.attributes.reduction)
    return [sub(dy!, mul(exp(y), sum(dy!, [-1], true)))];
  const [, column, values] = above.inputs as [Tensor, Tensor, Tensor];
  const attributes = { axis: { int: 1 }, reduction: { string: 'add' } };
  return y.graph.add('ScatterElements', [mul(exp(y), neg(values)), column, values], [y], attributes);
};

const rotaryRule: Rule = (node, [dy]) => {
  const [, places, cos, sin] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
  // the same turn backwards
  return dy!.graph.add('RotaryEmbedding', [dy!, places, cos, neg(sin)], [dy!], node.attributes, node.domain);
};

const splitRule: Rule = (node, grads) => {
  const graph = node.inputs[0]!.graph;
  const parts = node.outputs.map((part, i) => grads[i] ?? zeros(graph, fixed(part)));
  return [ops.concat(parts, int(node.attributes.axis))];
};

const reduceRule =
  (average: boolean): Rule =>
  (node, [dy]) => {
    const x = node.inputs[0]!;
    const axes = numbers(node, 1);
    const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
    const share = average ? axes.reduce((n, a) => n / x.size(a), 1) : 1;
    const spread = ops.expand(reshape(dy!, kept), fixed(x));
    return [share === 1 ? spread : mul(spread, share)];
  };

const rules: Record<string, Rule> = {
  Add: binary((_a, _b, dy) => [dy, dy]),
  Sub: binary((_a, _b, dy) => [dy, neg(dy)]),
  Mul: binary((a, b, dy) => [mul(dy, b), mul(dy, a)]),
  Div: binary((_a, b, dy, y) => [div(dy, b), neg(div(mul(dy, y), b))]),
  Max: binary((a, b, dy) => [mul(dy, ops.cast(ops.greater(a, b), 'float32')), undefined]),
  Neg: unary((_x, _y, dy) => neg(dy)),
  Exp: unary((_x, y, dy) => mul(dy, y)),
  Log: unary((x, _y, dy) => div(dy, x)),
  Sqrt: unary((_x, y, dy) => div(mul(dy, 0.5), y)),
  Abs: unary((x, _y, dy) => mul(dy, x.graph.add('Sign', [x], [x])[0])),
  Sin: unary((x, _y, dy) => mul(dy, ops.cos(x))),
  Cos: unary((x, _y, dy) => neg(mul(dy, ops.sin(x)))),
  Tanh: unary((_x, y, dy) => mul(dy, sub(1, mul(y, y)))),
  Erf: unary((x, _y, dy) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  Elu: unary((_x, y, dy) => mul(dy, sub(1, ops.maximum(neg(y), 0)))),
  Sigmoid: unary((_x, y, dy) => mul(dy, mul(y, sub(1, y)))),
  Gelu: unary((x, _y, dy) => {
    const cdf = add(mul(ops.erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(dy, add(cdf, mul(x, density)));
  }),
  QuickGelu: unary((x, y, dy) => {
    const s = ops.sigmoid(x);
    return mul(dy, add(s, mul(y, sub(1, s))));
  }),
  Softmax: unary((_x, y, dy) => mul(y, sub(dy, sum(mul(dy, y), [-1], true)))),
  LogSoftmax: logSoftmaxRule,
  Where: (node, [dy]) => {
    const [condition, a, b] = node.inputs as [Tensor, Tensor, Tensor];
    return [undefined, sumTo(ops.where(condition, dy!, 0), a.shape), sumTo(ops.where(condition, 0, dy!), b.shape)];
  },
  Cast: (node, [dy]) => [node.inputs[0]!.dtype === 'float32' ? dy : undefined],
  Reshape: (node, [dy]) => [reshape(dy!, node.inputs[0]!.shape)],
  Expand: (node, [dy]) => [sumTo(dy!, node.inputs[0]!.shape)],
  Transpose: (node, [dy]) => {
    const order = ints(node.attributes.perm);
    return [
      ops.transpose(
        dy!,
        order.map((_, i) => order.indexOf(i)),
      ),
    ];
  },
  Concat: (node, [dy]) => {
    const axis = int(node.attributes.axis);
    let start = 0;
    return node.inputs.map((input) => {
      const size = input!.size(axis);
      start += size;
      return ops.slice(dy!, axis, start - size, start);
    });
  },
  Slice: (node, [dy]) => {
    const x = node.inputs[0]!;
    const [[start], [end], [axis]] = [1, 2, 3].map((k) => numbers(node, k));
    return [ops.pad(dy!, axis, start, x.size(axis) - end)];
  },
  Split: splitRule,
  Pad: (node, [dy]) => {
    const x = node.inputs[0]!;
    const amounts = numbers(node, 1);
    return [x.shape.reduce<Tensor>((t, _, i) => ops.slice(t, i, amounts[i], amounts[i] + x.size(i)), dy!)];
  },
  Gather: gatherRule,
  GatherElements: pickRule,
  ReduceSum: reduceRule(false),
  ReduceMean: reduceRule(true),
  MatMul: matmulRule,
  FusedMatMul: matmulRule,
  SimplifiedLayerNormalization: rmsNormRule,
  RotaryEmbedding: rotaryRule,
  LayerNormalization: layerNormRule,
  Conv: convRule,
  ConvTranspose: convTransposeRule,
};

/** The operations that have a rule, for the test that no rule stays unchecked. */
export const differentiable: readonly string[] = Object.keys(rules);
