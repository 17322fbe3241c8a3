/** The lines of a parity report, and reading the reference files that it is made from. */
import { BagpiperError, messageOf } from '../errors.js';
import { isObject } from '../json.js';
import { readJsonFile } from '../weights/json.js';
import type { Safetensors, Tensor } from '../weights/safetensors.js';

/** One line of a parity report. */
export interface ParityLine {
  name: string;
  /** Largest absolute error (for ids: how many entries differ), or what went wrong. */
  error: number | string;
  tolerance: number;
  ok: boolean;
  /** False for reference oddities that are reported but need not be matched. */
  required: boolean;
}

/** Cases of that name show an oddity of the reference: reported, not required. */
export function isRequired(caseName: string): boolean {
  return !caseName.endsWith('_quirk');
}

/** Collects lines; all of one case are required or not. */
export class ParityReport {
  readonly lines: ParityLine[] = [];

  constructor(
    private readonly prefix: string,
    private readonly required = true,
  ) {}

  /** Numbers that may differ by up to `tolerance`. NaN on one side only, or another length, never passes. */
  numbers(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
    if (actual.length !== expected.length) {
      this.put(name, `${actual.length} numbers, ${expected.length} expected`, tolerance, false);
      return;
    }
    const error = maxError(actual, expected);
    this.put(name, error, tolerance, error <= tolerance);
  }

  /** Ids, masks and positions, which must match exactly; the error counts the entries that differ. */
  exact(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
    const error = differences(actual, expected);
    this.put(name, error, 0, error === 0);
  }

  /** One word that must match. */
  word(name: string, actual: string, expected: string): void {
    this.put(name, actual === expected ? 0 : `${actual}, ${expected} expected`, 0, actual === expected);
  }

  private put(name: string, error: number | string, tolerance: number, ok: boolean): void {
    this.lines.push({ name: `${this.prefix}${name}`, error, tolerance, ok, required: this.required });
  }
}

/** The largest absolute difference of two lists of equal length; NaN where only one side is NaN. */
export function maxError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i])) continue;
    const error = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(error)) return Number.NaN;
    if (error > worst) worst = error;
  }
  return worst;
}

/** Entries that differ; a missing entry counts as one. */
export function differences(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let count = Math.abs(actual.length - expected.length);
  for (let i = 0; i < Math.min(actual.length, expected.length); i++) if (actual[i] !== expected[i]) count++;
  return count;
}

/** A tensor of a reference file. @throws BagpiperError where it is missing or of another shape */
export function referenceTensor(file: Safetensors, name: string, shape?: readonly number[]): Tensor {
  const tensor = file.tensor(name);
  if (shape !== undefined && shape.join() !== tensor.shape.join()) {
    throw new BagpiperError(
      `${file.file} holds "${name}" as [${tensor.shape.join(', ')}]; [${shape.join(', ')}] is expected.`,
    );
  }
  return tensor;
}

/** The object that a reference file holds. @throws BagpiperError where it is missing or something else */
export function referenceJson(path: string): Record<string, unknown> {
  const json = readJsonFile(path);
  if (isObject(json)) return json;
  throw new BagpiperError(`${path} is no reference file: a JSON object is expected.`);
}

/**
 * Runs the check of one case. What goes wrong inside comes from a reference file that is not laid out as it should be, so
 * it is told as such.
 */
export async function readingCase<T>(path: string, name: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof BagpiperError) throw error;
    throw new BagpiperError(`${path}: the case "${name}" cannot be checked: ${messageOf(error)}.`);
  }
}
