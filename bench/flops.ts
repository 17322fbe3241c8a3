/** Counts a graph's matrix products exactly, from the shapes of the nodes that its outputs need. */
import type { Graph, GraphNode, Tensor } from '../src/graph/graph.js';

/** A kind of matrix product: [batch, m, k] x [batch, k, n], each side given transposed or not. */
export interface Product {
  batch: number;
  m: number;
  n: number;
  k: number;
  transA: boolean;
  transB: boolean;
  /** how many of these the graph holds */
  count: number;
}

/** Floating-point operations of one product: a multiplication and an addition a term. */
export const flopsOf = ({ batch, m, n, k }: Product): number => 2 * batch * m * n * k;

export const totalFlops = (products: readonly Product[]): number =>
  products.reduce((sum, product) => sum + product.count * flopsOf(product), 0);

/** The products of a graph with fixed sizes, equal ones together. */
export function products(graph: Graph): Product[] {
  const found = new Map<string, Product>();
  for (const node of needed(graph)) {
    if (node.op !== 'MatMul' && node.op !== 'FusedMatMul') continue;
    const product = productOf(node);
    const { count, ...kind } = product;
    const key = JSON.stringify(kind);
    const known = found.get(key);
    if (known) known.count += count;
    else found.set(key, product);
  }
  return [...found.values()];
}

function needed(graph: Graph): GraphNode[] {
  const used = new Set<Tensor>(graph.outputs.map(({ tensor }) => tensor));
  const nodes: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((t) => used.has(t))) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input) used.add(input);
  }
  return nodes;
}

function productOf({ inputs, outputs, attributes }: GraphNode): Product {
  const a = inputs[0]!;
  const y = outputs[0];
  const flag = (name: string): boolean => {
    const value = attributes[name];
    return value !== undefined && 'int' in value && value.int === 1;
  };
  const transA = flag('transA');
  const batch = y.shape.slice(0, -2).reduce<number>((n, _, i) => n * y.size(i), 1);
  const k = a.size(transA ? -2 : -1);
  return { batch, m: y.size(-2), n: y.size(-1), k, transA, transB: flag('transB'), count: 1 };
}
