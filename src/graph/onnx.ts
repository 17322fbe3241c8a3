/** Graphs as ONNX files: ModelProto bytes that any ONNX runtime with Microsoft's contributed operators loads. */
import type { onnx as OnnxProto } from 'onnx-proto';
import type { Attribute, DType, Graph, GraphNode, ParameterSource, Tensor } from './graph.js';

const DTYPES: Record<DType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 };
const EXTERNAL = 1;
const IR_VERSION = 10;
const OPSET = 18;

export interface OnnxOptions {
  /**
   * Gives the values of each parameter, which then become constants of the file (or references into another file that
   * lies beside it). Left out, parameters are inputs of the graph: that is what training wants.
   */
  parameters?: (name: string) => ParameterSource;
  /** Gives the nodes to write in a node's place; without it nodes are written as they are. */
  rewrite?: (node: GraphNode, index: number) => GraphNode[];
}

/** Serializes a graph. Nodes that no output needs are left out. */
export async function toOnnx(graph: Graph, options: OnnxOptions = {}): Promise<Uint8Array> {
  const { onnx } = (await import('onnx-proto')).default;
  const { rewrite } = options;
  const { nodes, used } = reachable(graph, rewrite ? graph.nodes.flatMap(rewrite) : graph.nodes);
  const initializer = graph.constants
    .filter(({ tensor }) => used.has(tensor))
    .map(({ tensor, source }) => tensorProto(tensor, source));
  const inputs = graph.inputs.filter((tensor) => used.has(tensor));
  for (const tensor of graph.parameters.values()) {
    if (!used.has(tensor)) continue;
    if (options.parameters) initializer.push(tensorProto(tensor, options.parameters(tensor.name)));
    else inputs.push(tensor);
  }
  const named = graph.outputs.map(({ name, tensor }) => ({ op: 'Identity', input: [tensor.name], output: [name] }));
  const model = {
    irVersion: IR_VERSION,
    producerName: 'bagpiper',
    opsetImport: [
      { domain: '', version: OPSET },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'bagpiper',
      node: [
        ...nodes.map((node) => ({
          opType: node.op,
          ...(node.name === undefined ? {} : { name: node.name }),
          domain: node.domain,
          input: node.inputs.map((t) => t?.name ?? ''),
          output: node.outputs.map((t) => t.name),
          attribute: Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value)),
        })),
        ...named.map(({ op, input, output }) => ({ opType: op, input, output })),
      ],
      initializer,
      input: inputs.map((t) => valueInfo(t.name, t)),
      output: graph.outputs.map(({ name, tensor }) => valueInfo(name, tensor)),
    },
  };
  return onnx.ModelProto.encode(model as unknown as OnnxProto.IModelProto).finish();
}

function reachable(graph: Graph, all: readonly GraphNode[]): { nodes: Graph['nodes']; used: Set<Tensor> } {
  const used = new Set(graph.outputs.map((o) => o.tensor));
  const nodes: Graph['nodes'] = [];
  for (let i = all.length - 1; i >= 0; i--) {
    const node = all[i];
    if (!node.outputs.some((t) => used.has(t))) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input) used.add(input);
  }
  return { nodes: nodes.reverse(), used };
}

function tensorProto(tensor: Tensor, source: ParameterSource): object {
  const base = { name: tensor.name, dataType: DTYPES[tensor.dtype], dims: tensor.shape };
  if ('data' in source) {
    const { buffer, byteOffset, byteLength } = source.data;
    return { ...base, rawData: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength) };
  }
  const entries = { location: fileName(source.file), offset: String(source.offset), length: String(source.length) };
  return {
    ...base,
    dataLocation: EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}

/** ONNX Runtime takes names of files beside the graph only; runtime/ tells it the folder. */
const fileName = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

function valueInfo(name: string, tensor: Tensor): object {
  const dim = tensor.shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
  return { name, type: { tensorType: { elemType: DTYPES[tensor.dtype], shape: { dim } } } };
}

/** AttributeProto.AttributeType */
const KIND = { float: 1, int: 2, string: 3, ints: 7 } as const;

function attributeProto(name: string, value: Attribute): object {
  if ('dtype' in value) return { name, type: KIND.int, i: DTYPES[value.dtype] };
  if ('int' in value) return { name, type: KIND.int, i: value.int };
  if ('float' in value) return { name, type: KIND.float, f: value.float };
  if ('ints' in value) return { name, type: KIND.ints, ints: value.ints };
  return { name, type: KIND.string, s: new TextEncoder().encode(value.string) };
}
