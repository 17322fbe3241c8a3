/**
 * What a pickle of weights can consist of. All of it is inert: names of Python objects stay names, and calls become
 * descriptions of tensors.
 */
import type { DType } from '../dtype.js';
import type { Place } from './zip.js';

/** A value on the unpickler's stack. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyTuple
  | PyList
  | PyDict
  | PyName
  | PyStorage
  | PyTensor;

/** A tuple; also a `torch.Size`, which is one. */
export class PyTuple {
  constructor(readonly items: readonly Value[]) {}
}

/** A list or a set: nothing here depends on which. */
export class PyList {
  readonly items: Value[] = [];
}

/** A dict, ordered or not, in the order of its keys. Keys that are no plain values go by identity. */
export class PyDict {
  private map: Map<Value, Value> | undefined;

  set(key: Value, value: Value): void {
    this.map ??= new Map(); // later: most dicts of a state dict are empty hooks
    this.map.set(key, value);
  }

  get entries(): ReadonlyMap<Value, Value> {
    return this.map ?? EMPTY;
  }
}

const EMPTY: ReadonlyMap<Value, Value> = new Map();

/** The name of an allowed Python object, such as `collections.OrderedDict`. */
export class PyName {
  constructor(readonly name: string) {}
}

/** Numbers that tensors look at: one entry of the archive. */
export class PyStorage {
  constructor(
    readonly key: string,
    /** Undefined for a storage of bytes, whose tensors say what they are. */
    readonly dtype: DType | undefined,
    readonly place: Place,
  ) {}
}

/** A tensor as its storage and the way through it; strides and offset count numbers, not bytes. Not checked yet. */
export class PyTensor {
  constructor(
    readonly storage: PyStorage,
    /** A name that is no {@link DType} where we have no such format. */
    readonly dtype: string,
    readonly offset: Value,
    readonly shape: readonly Value[],
    readonly strides: readonly Value[],
  ) {}
}
