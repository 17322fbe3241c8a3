/**
 * Graphs as ONNX Runtime's WebGPU provider (1.30) wants them. What a provider has no kernel for runs on the CPU, right but with
 * a journey there and back, in every layer; and some kernels are wrong (docs/gpu.md).
 */
import { type GraphNode, Tensor } from '../graph/index.js';

/** Begins the names of nodes that the provider must leave to the CPU. */
const LEFT = 'cpu.';

/** The nodes to put in a node's place. */
export function forWebgpu(node: GraphNode, index: number): GraphNode[] {
  if (node.op === 'FusedMatMul') return product(node);
  if ((node.op === 'Conv' && !isRight(node)) || node.op === 'MultiHeadAttention')
    return [{ ...node, name: `${LEFT}${index}` }];
  return [node];
}

/** Names among `nodes` that are for the CPU. */
export function leftNames(nodes: readonly GraphNode[]): string[] {
  return nodes.flatMap(({ name }) => (name?.startsWith(LEFT) ? [name] : []));
}

/** There is no kernel for FusedMatMul: matrices become a Gemm, stacks of them are transposed first, which is free for weights. */
function product(node: GraphNode): GraphNode[] {
  const { inputs, outputs, attributes } = node;
  const [a, b] = inputs as [Tensor, Tensor];
  const { transA, transB, alpha } = attributes;
  if (a.rank === 2 && b.rank === 2) return [{ op: 'Gemm', domain: '', inputs, outputs, attributes }];
  const nodes: GraphNode[] = [];
  const turned = (x: Tensor, side: 'a' | 'b'): Tensor => {
    const perm = x.shape.map((_, i) => i);
    [perm[x.rank - 1], perm[x.rank - 2]] = [x.rank - 2, x.rank - 1];
    const out = new Tensor(
      x.graph,
      `${outputs[0].name}.${side}`,
      x.dtype,
      perm.map((i) => x.shape[i]),
    );
    nodes.push({ op: 'Transpose', domain: '', inputs: [x], outputs: [out], attributes: { perm: { ints: perm } } });
    return out;
  };
  const sides = [is(transA, 1) ? turned(a, 'a') : a, is(transB, 1) ? turned(b, 'b') : b];
  const factor = alpha && 'float' in alpha ? alpha.float : 1;
  if (factor === 1) return [...nodes, { op: 'MatMul', domain: '', inputs: sides, outputs, attributes: {} }];
  const plain = new Tensor(a.graph, `${outputs[0].name}.product`, outputs[0].dtype, outputs[0].shape);
  return [
    ...nodes,
    { op: 'MatMul', domain: '', inputs: sides, outputs: [plain], attributes: {} },
    { op: 'Mul', domain: '', inputs: [plain, a.graph.scalar(factor)], outputs, attributes: {} },
  ];
}

const is = (attribute: GraphNode['attributes'][string] | undefined, value: number): boolean =>
  attribute !== undefined && 'int' in attribute && attribute.int === value;

/**
 * The grouped convolution computes four channels at a time where their number can be divided by four, also where a group's
 * cannot: then the numbers are wrong. One channel a group has a kernel of its own.
 */
function isRight({ inputs, outputs, attributes: { group } }: GraphNode): boolean {
  const groups = group && 'int' in group ? group.int : 1;
  const channels = outputs[0].shape[1];
  if (groups === 1 || typeof channels !== 'number') return true;
  return channels % 4 !== 0 || (channels / groups) % 4 === 0 || (channels === groups && inputs[0]?.shape[1] === groups);
}
