/**
 * The Python objects that state dicts refer to: a list of names, each with a meaning of ours. Any other name is refused, as
 * it could be anything that a Python process can run.
 */
import { BagpiperError } from '../../errors.js';
import { bytesOf, type DType } from '../dtype.js';
import type { Python } from './machine.js';
import { PyDict, PyList, PyName, PyStorage, PyTensor, PyTuple, type Value } from './values.js';
import { type Fail, type Place, quote } from './zip.js';

/** Finds a storage's bytes in the archive by its key. @throws BagpiperError where they are missing or misplaced */
export type FindStorage = (key: string) => Place;

/** What refused files are told: how to save what can be read. */
export const RESAVE = 'save the weights alone in Python: torch.save(model.state_dict(), "weights.pt")';

const STORAGES: ReadonlyMap<string, DType> = new Map([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
]);

/** Storages of bytes: the tensor, rebuilt by `_rebuild_tensor_v3`, says what they hold. */
const UNTYPED = new Set(['torch.storage.UntypedStorage', 'torch.UntypedStorage']);

const DTYPES: ReadonlyMap<string, DType> = new Map([
  ['torch.float64', 'F64'],
  ['torch.float32', 'F32'],
  ['torch.float16', 'F16'],
  ['torch.bfloat16', 'BF16'],
  ['torch.int64', 'I64'],
  ['torch.int32', 'I32'],
  ['torch.int16', 'I16'],
  ['torch.int8', 'I8'],
  ['torch.uint8', 'U8'],
  ['torch.bool', 'BOOL'],
]);

/** Number formats as values, those included that no tensor read here may have. */
const ANY_DTYPE = /^torch\.(bool|(float|bfloat|u?int|complex|q?u?int)\d+\w*)$/;

const SIZES = 'torch.Size';
const DEVICE = 'torch.device';
const NEW_CONTAINERS = new Set(['collections.OrderedDict', 'builtins.set', '__builtin__.set']);
const TENSOR = 'torch._utils._rebuild_tensor_v2';
const TENSOR_OF_BYTES = 'torch._utils._rebuild_tensor_v3';
const PARAMETERS = new Set(['torch._utils._rebuild_parameter', 'torch._utils._rebuild_parameter_with_state']);
const OTHERS = new Set([SIZES, DEVICE, TENSOR, TENSOR_OF_BYTES, ...NEW_CONTAINERS, ...PARAMETERS, ...UNTYPED]);

/** The allow-list for one file. */
export class WeightsPython implements Python {
  private readonly names = new Map<string, PyName>();
  private readonly storages = new Map<string, PyStorage>();

  constructor(
    private readonly file: string,
    private readonly find: FindStorage,
    private readonly fail: Fail,
  ) {}

  name(full: string): PyName {
    if (!OTHERS.has(full) && !STORAGES.has(full) && !ANY_DTYPE.test(full)) {
      throw new BagpiperError(
        `${this.file} is refused: it needs the Python object ${quote(full)}, but only tensors in dicts are read (and nothing in a file is ever run); ${RESAVE}.`,
      );
    }
    const known = this.names.get(full) ?? new PyName(full);
    this.names.set(full, known);
    return known;
  }

  call(callee: Value, args: readonly Value[]): Value {
    if (callee instanceof PyName) {
      const made = this.make(callee.name, args);
      if (made !== undefined) return made;
      throw this.fail(`its data.pkl calls ${callee.name} with arguments that do not fit`);
    }
    throw this.fail('its data.pkl calls what is no function');
  }

  /** `('storage', type, key, device, count)`, count in numbers of the type. */
  persistent(id: Value): PyStorage {
    const [tag, type, key, , count] = id instanceof PyTuple && id.items.length === 5 ? id.items : [];
    if (tag !== 'storage' || !(type instanceof PyName) || typeof key !== 'string' || key.length > 64) {
      throw this.fail('its data.pkl refers to something outside of it that is no storage');
    }
    const dtype = STORAGES.get(type.name);
    if (dtype === undefined && !UNTYPED.has(type.name)) {
      throw this.fail(`its storage ${quote(key)} has the type ${type.name}, which is none`);
    }
    const known = this.storages.get(key) ?? new PyStorage(key, dtype, this.find(key));
    this.storages.set(key, known);
    const bytes = typeof count === 'number' ? count * (dtype === undefined ? 1 : bytesOf(dtype)) : -1;
    if (known.dtype !== dtype) throw this.fail(`its storage ${quote(key)} has two types`);
    if (known.place.length !== bytes) {
      throw this.fail(
        `its storage ${quote(key)} has ${known.place.length} bytes where ${typeof count === 'number' ? `${count} numbers of ${type.name}` : 'no count'} are declared`,
      );
    }
    return known;
  }

  /** The result of calling an allowed object, or undefined where the arguments do not fit it. */
  private make(name: string, args: readonly Value[]): Value | undefined {
    const [first] = args;
    if (name === TENSOR) return this.tensor(args, args[6]);
    if (name === TENSOR_OF_BYTES) return this.tensor(args, args[7], args[6]);
    if (PARAMETERS.has(name)) return first instanceof PyTensor ? first : undefined;
    // A size, a set or a device is its argument; copying it would let short pickles build long work.
    if (name === SIZES) return first instanceof PyTuple && args.length === 1 ? first : undefined;
    if (name === DEVICE) return typeof first === 'string' ? first : undefined;
    if (!NEW_CONTAINERS.has(name)) return undefined;
    if (name.endsWith('.set')) return args.length === 0 ? new PyList() : first instanceof PyList ? first : undefined;
    return args.length === 0 ? new PyDict() : undefined;
  }

  /** `(storage, offset, size, stride, requires_grad, hooks)`, then the type and flags where there are any. */
  private tensor(args: readonly Value[], flags: Value | undefined, type?: Value): Value | undefined {
    const [storage, offset, shape, strides] = args;
    if (!(storage instanceof PyStorage) || args.length < 6) return undefined;
    if (!(shape instanceof PyTuple) || !(strides instanceof PyTuple)) return undefined;
    if (flags instanceof PyDict && flags.entries.size > 0) {
      throw this.fail('it has a tensor that is a conjugated or negated view; save its .clone() instead');
    }
    let dtype: string | undefined = storage.dtype;
    if (type instanceof PyName && ANY_DTYPE.test(type.name)) dtype = DTYPES.get(type.name) ?? type.name;
    return dtype === undefined ? undefined : new PyTensor(storage, dtype, offset, shape.items, strides.items);
  }
}
