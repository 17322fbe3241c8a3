/**
 * Element-wise, shape and reduction operations. Each takes and returns tensors of one graph, checks shapes at once, and
 * has a gradient rule under the same ONNX name in gradients.ts (but for comparisons and casts, which have none).
 */
import { type Attribute, type Dim, type DType, mustFit, type Shape, type Tensor } from './graph.js';

/** A tensor or a plain number. */
export type Operand = Tensor | number;

/** The shape that two shapes broadcast to, or undefined where they do not (numpy's rule; equal names count as equal sizes). */
export function broadcastShape(a: Shape, b: Shape): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out.push(x === 1 ? y : x);
  }
  return out;
}

function pair(op: string, a: Operand, b: Operand, dtype?: DType): Tensor {
  const graph = typeof a === 'number' ? (b as Tensor).graph : a.graph;
  const x = typeof a === 'number' ? graph.scalar(a) : a;
  const y = typeof b === 'number' ? graph.scalar(b) : b;
  const shape = broadcastShape(x.shape, y.shape);
  mustFit(shape !== undefined && x.dtype === y.dtype, op, x, y);
  return graph.add(op, [x, y], [{ dtype: dtype ?? x.dtype, shape: shape! }])[0];
}

function single(op: string, x: Tensor, attributes: Record<string, Attribute> = {}): Tensor {
  return x.graph.add(op, [x], [{ dtype: x.dtype, shape: x.shape }], attributes)[0];
}

export const add = (a: Operand, b: Operand): Tensor => pair('Add', a, b);
export const sub = (a: Operand, b: Operand): Tensor => pair('Sub', a, b);
export const mul = (a: Operand, b: Operand): Tensor => pair('Mul', a, b);
export const div = (a: Operand, b: Operand): Tensor => pair('Div', a, b);
export const maximum = (a: Tensor, b: number): Tensor => pair('Max', a, b);
export const neg = (x: Tensor): Tensor => single('Neg', x);
export const exp = (x: Tensor): Tensor => single('Exp', x);
export const log = (x: Tensor): Tensor => single('Log', x);
export const sqrt = (x: Tensor): Tensor => single('Sqrt', x);
export const abs = (x: Tensor): Tensor => single('Abs', x);
export const sin = (x: Tensor): Tensor => single('Sin', x);
export const cos = (x: Tensor): Tensor => single('Cos', x);
export const tanh = (x: Tensor): Tensor => single('Tanh', x);
export const erf = (x: Tensor): Tensor => single('Erf', x);
export const sigmoid = (x: Tensor): Tensor => single('Sigmoid', x);
/** x above 0, else exp(x) - 1. */
export const elu = (x: Tensor): Tensor => single('Elu', x);
export const square = (x: Tensor): Tensor => mul(x, x);

/** Boolean results; no gradient flows through them. */
export const equal = (a: Tensor, b: Operand): Tensor => pair('Equal', a, b, 'bool');
export const greater = (a: Tensor, b: Operand): Tensor => pair('Greater', a, b, 'bool');

export function cast(x: Tensor, dtype: DType): Tensor {
  return x.graph.add('Cast', [x], [{ dtype, shape: x.shape }], { to: { dtype } })[0];
}

/** `a` where the condition holds, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const x = typeof a === 'number' ? condition.graph.scalar(a) : a;
  const y = typeof b === 'number' ? condition.graph.scalar(b) : b;
  const inner = broadcastShape(x.shape, y.shape);
  const shape = inner && broadcastShape(condition.shape, inner);
  mustFit(shape !== undefined, 'Where', condition, x, y);
  return condition.graph.add('Where', [condition, x, y], [{ dtype: x.dtype, shape: shape! }])[0];
}

/** At most one size may be a name that the input does not settle; it is then inferred when the graph runs. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const names = shape.filter((d) => typeof d === 'string');
  const known = (s: Shape): number => s.reduce<number>((n, d) => (typeof d === 'number' ? n * d : n), 1);
  const mine = x.shape.filter((d) => typeof d === 'string');
  mustFit(
    mine.length > 0 || names.length > 0 || known(shape) === known(x.shape),
    `reshape to [${shape.join(', ')}]`,
    x,
  );
  // 0 copies the input's size at the same place, -1 is inferred: with these two every case in this house is expressible.
  let inferred = 0;
  const target = shape.map((d, i) => {
    if (typeof d === 'number') return d;
    if (x.shape[i] === d) return 0;
    inferred++;
    return -1;
  });
  mustFit(inferred <= 1, `reshape to [${shape.join(', ')}]`, x);
  return x.graph.add('Reshape', [x, x.graph.integers(target)], [{ dtype: x.dtype, shape }])[0];
}

export function transpose(x: Tensor, order: readonly number[]): Tensor {
  mustFit(order.length === x.rank, `transpose by [${order.join(', ')}]`, x);
  return x.graph.add('Transpose', [x], [{ dtype: x.dtype, shape: order.map((i) => x.shape[i]) }], {
    perm: { ints: order },
  })[0];
}

export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  const at = axis < 0 ? axis + first.rank : axis;
  const agrees = (t: Tensor) => t.rank === first.rank && t.shape.every((d, i) => i === at || d === first.shape[i]);
  mustFit(parts.every(agrees), 'concat', ...parts);
  const sizes = parts.map((t) => t.shape[at]);
  const total = sizes.every((d) => typeof d === 'number')
    ? (sizes as number[]).reduce((a, b) => a + b, 0)
    : sizes.join('+');
  const shape = first.shape.map((d, i) => (i === at ? total : d));
  return first.graph.add('Concat', [...parts], [{ dtype: first.dtype, shape }], { axis: { int: at } })[0];
}

/** Elements [start, end) of an axis of fixed size. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  const at = axis < 0 ? axis + x.rank : axis;
  const size = x.size(at);
  mustFit(start >= 0 && end > start && end <= size, `slice [${start}, ${end}) of axis ${at}`, x);
  if (start === 0 && end === size) return x;
  const shape = x.shape.map((d, i) => (i === at ? end - start : d));
  const g = x.graph;
  return g.add('Slice', [x, g.integers([start]), g.integers([end]), g.integers([at])], [{ dtype: x.dtype, shape }])[0];
}

/** Cuts an axis of fixed size into parts of the given sizes. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const at = axis < 0 ? axis + x.rank : axis;
  mustFit(sizes.reduce((a, b) => a + b, 0) === x.size(at), `split into [${sizes.join(', ')}]`, x);
  if (sizes.length === 1) return [x];
  const outputs = sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.map((d, i) => (i === at ? size : d)) }));
  return x.graph.add('Split', [x, x.graph.integers(sizes)], outputs, { axis: { int: at } });
}

/** The size of an axis as an int64 tensor [1], for sizes that are known only when the graph runs. */
export function dimension(x: Tensor, axis: number): Tensor {
  return x.graph.add('Shape', [x], [{ dtype: 'int64', shape: [1] }], {
    start: { int: axis },
    end: { int: axis + 1 },
  })[0];
}

/** Cuts an axis in two at a place that is known only when the graph runs (int64 [1]); `sizes` names the two parts' sizes. */
export function splitAt(x: Tensor, axis: number, place: Tensor, sizes: readonly [Dim, Dim]): [Tensor, Tensor] {
  const at = axis < 0 ? axis + x.rank : axis;
  const g = x.graph;
  const part = (start: Tensor, end: Tensor, size: Dim): Tensor => {
    const shape = x.shape.map((d, i) => (i === at ? size : d));
    return g.add('Slice', [x, start, end, g.integers([at])], [{ dtype: x.dtype, shape }])[0];
  };
  return [part(g.integers([0]), place, sizes[0]), part(place, g.integers([2 ** 31 - 1]), sizes[1])];
}

/** Zeros before and after along one axis of fixed size. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  if (before === 0 && after === 0) return x;
  const at = axis < 0 ? axis + x.rank : axis;
  const shape = x.shape.map((d, i) => (i === at ? x.size(at) + before + after : d));
  const amounts = new Array<number>(2 * x.rank).fill(0);
  amounts[at] = before;
  amounts[at + x.rank] = after;
  return x.graph.add('Pad', [x, x.graph.integers(amounts)], [{ dtype: x.dtype, shape }])[0];
}

/** Rows of `table` [n, ...] picked by an int64 tensor of any shape: [...indices, ...]. */
export function gather(table: Tensor, indices: Tensor): Tensor {
  mustFit(indices.dtype === 'int64', 'gather', table, indices);
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return table.graph.add('Gather', [table, indices], [{ dtype: table.dtype, shape }], { axis: { int: 0 } })[0];
}

function reduce(op: 'ReduceSum' | 'ReduceMean', x: Tensor, axes: readonly number[], keep: boolean): Tensor {
  const at = axes.map((a) => (a < 0 ? a + x.rank : a));
  const kept = x.shape.map((d, i) => (at.includes(i) ? 1 : d));
  const shape = keep ? kept : x.shape.filter((_, i) => !at.includes(i));
  return x.graph.add(op, [x, x.graph.integers(at)], [{ dtype: x.dtype, shape }], {
    keepdims: { int: keep ? 1 : 0 },
  })[0];
}

export const sum = (x: Tensor, axes: readonly number[], keep = false): Tensor => reduce('ReduceSum', x, axes, keep);
export const mean = (x: Tensor, axes: readonly number[], keep = false): Tensor => reduce('ReduceMean', x, axes, keep);
export const sumAll = (x: Tensor): Tensor =>
  sum(
    x,
    x.shape.map((_, i) => i),
  );
export const meanAll = (x: Tensor): Tensor =>
  mean(
    x,
    x.shape.map((_, i) => i),
  );

/** Repeats along axes of size 1 until the shape is reached. */
export function expand(x: Tensor, shape: readonly number[]): Tensor {
  mustFit(broadcastShape(x.shape, shape)?.join() === shape.join(), `expand to [${shape.join(', ')}]`, x);
  if (x.shape.join() === shape.join()) return x;
  return x.graph.add('Expand', [x, x.graph.integers(shape)], [{ dtype: x.dtype, shape }])[0];
}
