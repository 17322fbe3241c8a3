import { BagpiperError } from '../errors.js';
import type { BlockMatrix } from './blocks.js';

/** Element types that graphs use; names as in ONNX Runtime's JavaScript API. */
export type DType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8' | 'bool';

/** A fixed size, or the name of one that is only known when the graph runs ("rows", "capacity"). */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** Attribute values of a node: whole numbers are `bigint` or integer arrays marked by the serializer's `ints`. */
export type Attribute =
  | { int: number }
  | { float: number }
  | { ints: readonly number[] }
  | { string: string }
  | { dtype: DType };

/** Where the values of a parameter come from when a graph is serialized for inference. */
export type ParameterSource =
  | { data: Float32Array | BigInt64Array | Uint8Array | Int32Array }
  | { file: string; offset: number; length: number };

/** One operation with its inputs in order; `null` leaves out an optional input. */
export interface GraphNode {
  op: string;
  domain: '' | 'com.microsoft';
  inputs: (Tensor | null)[];
  outputs: Tensor[];
  attributes: Record<string, Attribute>;
  /** where something outside must find it */
  name?: string;
}

/** A value in a graph. Created by {@link Graph.input}, {@link Graph.parameter}, {@link Graph.constant} and the operations. */
export class Tensor {
  constructor(
    readonly graph: Graph,
    readonly name: string,
    readonly dtype: DType,
    readonly shape: Shape,
    /** the node that makes it, absent for inputs, parameters and constants */
    readonly node?: GraphNode,
  ) {}

  get rank(): number {
    return this.shape.length;
  }

  /** The size of an axis that must be known while building (negative counts from the end). */
  size(axis: number): number {
    const dim = this.shape[axis < 0 ? axis + this.rank : axis];
    if (typeof dim !== 'number') throw new Error(`${this} has no fixed size on axis ${axis}`);
    return dim;
  }

  toString(): string {
    return `${this.name}[${this.shape.join(', ')}] ${this.dtype}`;
  }
}

/** A value that is known while building, in memory or in a file. */
export interface Constant {
  tensor: Tensor;
  source: ParameterSource;
}

/** How weights are stored, where that changes the operations on them. */
export interface GraphOptions {
  /** the matrix of that name where it is stored in blocks of few bits; undefined where it is a plain tensor */
  blocks?: (name: string) => BlockMatrix | undefined;
}

/**
 * A computation under construction: a list of nodes in an order in which they can run. Operations (ops.ts, layers.ts)
 * append to it and check shapes at once, so a mistake points at the line that made it.
 */
export class Graph {
  readonly inputs: Tensor[] = [];
  readonly nodes: GraphNode[] = [];
  readonly constants: Constant[] = [];
  readonly parameters = new Map<string, Tensor>();
  readonly outputs: { name: string; tensor: Tensor }[] = [];
  private counter = 0;
  private readonly scalars = new Map<string, Tensor>();

  constructor(private readonly options: GraphOptions = {}) {}

  /** The matrix of that name where weights are stored in blocks of few bits; see `linearNamed`. */
  blocks(name: string): BlockMatrix | undefined {
    return this.options.blocks?.(name);
  }

  input(name: string, dtype: DType, shape: Shape): Tensor {
    this.refuseTaken(name);
    const tensor = new Tensor(this, name, dtype, shape);
    this.inputs.push(tensor);
    return tensor;
  }

  /** A trainable or loaded tensor. Asking again for the same name gives the same tensor, and checks that the shape agrees. */
  parameter(name: string, shape: readonly number[], dtype: DType = 'float32'): Tensor {
    const known = this.parameters.get(name);
    if (known) {
      if (known.shape.join() !== shape.join()) throw new Error(`parameter ${known} asked for as [${shape.join(', ')}]`);
      return known;
    }
    this.refuseTaken(name);
    const tensor = new Tensor(this, name, dtype, shape);
    this.parameters.set(name, tensor);
    return tensor;
  }

  constant(data: Float32Array | BigInt64Array | Uint8Array | Int32Array, shape: readonly number[]): Tensor {
    const size = shape.reduce((a, b) => a * b, 1);
    if (data.length !== size) throw new Error(`${data.length} values for a constant of shape [${shape.join(', ')}]`);
    const dtype: DType =
      data instanceof Float32Array
        ? 'float32'
        : data instanceof BigInt64Array
          ? 'int64'
          : data instanceof Int32Array
            ? 'int32'
            : 'uint8';
    return this.stored({ data }, dtype, shape);
  }

  /** A value that may also lie in a file, which is then mapped and not copied. */
  stored(source: ParameterSource, dtype: DType, shape: readonly number[]): Tensor {
    const tensor = new Tensor(this, this.fresh('const'), dtype, shape);
    this.constants.push({ tensor, source });
    return tensor;
  }

  /** A number as a tensor of shape [] that broadcasts; equal numbers share one. */
  scalar(value: number): Tensor {
    const key = String(value);
    let tensor = this.scalars.get(key);
    if (!tensor) {
      tensor = this.constant(Float32Array.of(value), []);
      this.scalars.set(key, tensor);
    }
    return tensor;
  }

  /** A list of whole numbers as an int64 tensor of rank 1; equal lists share one. */
  integers(values: readonly number[]): Tensor {
    const key = `i${values.join()}`;
    let tensor = this.scalars.get(key);
    if (!tensor) {
      tensor = this.constant(BigInt64Array.from(values, BigInt), [values.length]);
      this.scalars.set(key, tensor);
    }
    return tensor;
  }

  /** Appends a node; `outputs` gives dtype and shape of each result. */
  add(
    op: string,
    inputs: (Tensor | null)[],
    outputs: readonly { dtype: DType; shape: Shape }[],
    attributes: Record<string, Attribute> = {},
    domain: '' | 'com.microsoft' = '',
  ): Tensor[] {
    for (const input of inputs) if (input && input.graph !== this) throw new Error(`${input} belongs to another graph`);
    const node: GraphNode = { op, domain, inputs, outputs: [], attributes };
    node.outputs = outputs.map(({ dtype, shape }) => new Tensor(this, this.fresh(op), dtype, shape, node));
    this.nodes.push(node);
    return [...node.outputs];
  }

  /** Marks a result to be returned under a name. */
  output(name: string, tensor: Tensor): void {
    if (this.outputs.some((o) => o.name === name)) throw new Error(`two outputs named ${name}`);
    this.outputs.push({ name, tensor });
  }

  private fresh(stem: string): string {
    return `${stem}_${this.counter++}`;
  }

  private refuseTaken(name: string): void {
    if (this.parameters.has(name) || this.inputs.some((t) => t.name === name)) throw new Error(`"${name}" is taken`);
  }
}

/** Refuses, naming the operation, when shapes do not fit. These are mistakes of a network's author, or of a model folder's sizes. */
export function mustFit(fits: boolean, op: string, ...tensors: Tensor[]): void {
  if (!fits)
    throw new BagpiperError(
      `${op}: shapes do not fit: ${tensors.map((t) => `[${t.shape.join(', ')}]`).join(' and ')}.`,
    );
}
