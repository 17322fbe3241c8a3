/** Finds the weights in what a torch file holds: a state dict, or a training checkpoint around one. */
import { BagpiperError } from '../../errors.js';
import { RESAVE } from './python.js';
import { PyDict, PyList, PyName, PyTensor, PyTuple, type Value } from './values.js';
import { quote } from './zip.js';

/** Weights by name, and what lies beside them. */
export interface StateDict {
  tensors: ReadonlyMap<string, PyTensor>;
  /** Plain values beside the weights, such as counts of steps. */
  metadata: ReadonlyMap<string, string>;
  /** Keys of everything else that is not read. */
  skipped: readonly string[];
}

/** Keys under which training frameworks keep the weights: DeepSpeed, Lightning, fairseq and others. */
const WRAPPERS = ['module', 'state_dict', 'model', 'model_state_dict'];

/**
 * The tensors of a plain dict, or of the dict under one of the usual keys.
 *
 * @throws BagpiperError where there are none, where it is not clear which are meant, or where some are nested deeper.
 */
export function findStateDict(value: Value, file: string): StateDict {
  if (!(value instanceof PyDict)) throw new BagpiperError(`${file} holds no dict of tensors by name; ${RESAVE}.`);
  const top = value.entries;
  const metadata = new Map<string, string>();
  const skipped: string[] = [];
  if ([...top.values()].some((entry) => entry instanceof PyTensor)) {
    return { tensors: tensorsOf(value, '', file, metadata, skipped), metadata, skipped };
  }
  const keys = WRAPPERS.filter((key) => top.get(key) instanceof PyDict);
  if (keys.length > 1) {
    throw new BagpiperError(`${file} may have its weights under each of ${listed(keys)}; ${RESAVE}.`);
  }
  if (keys.length === 0) {
    const found = listed([...top.keys()].map(nameOf));
    throw new BagpiperError(
      `${file} has no weights at its top nor under ${listed(WRAPPERS)}, only ${found}; ${RESAVE}.`,
    );
  }
  for (const [key, entry] of top) if (key !== keys[0]) note(nameOf(key), entry, metadata, skipped);
  const tensors = tensorsOf(top.get(keys[0]) as PyDict, `${keys[0]}.`, file, new Map(), skipped);
  if (tensors.size === 0) throw new BagpiperError(`${file} has no tensor under ${quote(keys[0])}; ${RESAVE}.`);
  return { tensors, metadata, skipped };
}

/** @param prefix is put before the keys that are noted as skipped, and before those in messages */
function tensorsOf(
  dict: PyDict,
  prefix: string,
  file: string,
  metadata: Map<string, string>,
  skipped: string[],
): Map<string, PyTensor> {
  const tensors = new Map<string, PyTensor>();
  const seen = new Set<Value>();
  for (const [key, value] of dict.entries) {
    const name = nameOf(key);
    if (!(value instanceof PyTensor)) {
      if (holdsTensors(value, seen)) {
        throw new BagpiperError(`${file} holds tensors nested under ${quote(prefix + name)}; ${RESAVE}.`);
      }
      note(prefix + name, value, metadata, skipped);
    } else if (typeof key !== 'string') {
      throw new BagpiperError(`${file} holds a tensor under ${quote(prefix + name)}, which is no name; ${RESAVE}.`);
    } else tensors.set(key, value);
  }
  return tensors;
}

function note(name: string, value: Value, metadata: Map<string, string>, skipped: string[]): void {
  if (value === null) return; // DeepSpeed writes None for what it does not use
  if (value instanceof PyName) metadata.set(name, value.name);
  else if (typeof value === 'object') skipped.push(name);
  else metadata.set(name, String(value));
}

/**
 * Whether there is a tensor anywhere inside. Values may contain themselves and each other, so each is looked at once.
 *
 * @param seen values that are known to hold none.
 */
function holdsTensors(value: Value, seen: Set<Value>): boolean {
  const waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next instanceof PyTensor) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    const inside = next instanceof PyDict ? next.entries.values() : contentOf(next);
    for (const inner of inside)
      if (typeof inner === 'object' && inner !== null && !seen.has(inner)) waiting.push(inner);
  }
  return false;
}

function contentOf(value: Value): Iterable<Value> {
  return value instanceof PyList || value instanceof PyTuple ? value.items : [];
}

function nameOf(key: Value): string {
  return typeof key === 'object' && key !== null ? `a ${key.constructor.name}` : String(key);
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const shown = names.slice(0, 8).map(quote).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
