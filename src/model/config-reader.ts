/** Reads single fields of a parsed JSON object, each with its range check and one readable error. */
import { BagpiperError } from '../errors.js';
import { isObject } from '../json.js';

/** A JSON object: what {@link FieldReader} reads from. */
export type JsonObject = Record<string, unknown>;

/** The fields of one JSON object; `where` names the file (and block) in every error. */
export class FieldReader {
  private readonly fields: JsonObject;

  /** @throws BagpiperError where `json` is not an object. */
  constructor(
    json: unknown,
    readonly where: string,
  ) {
    if (!isObject(json)) throw new BagpiperError(`${where}: expected a JSON object, found ${describe(json)}.`);
    this.fields = json;
  }

  /** Throws the error of one field: "WHERE: FIELD PROBLEM." */
  fail(field: string, problem: string): never {
    throw new BagpiperError(`${this.where}: ${field} ${problem}.`);
  }

  /** A whole number in [min, max]. */
  count(field: string, preset: number, min = 1, max = 2 ** 31 - 1): number {
    const value = this.get(field) ?? preset;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.fail(field, `is ${describe(value)}; accepted are whole numbers from ${min} to ${max}`);
  }

  /** A finite number in [min, max]. */
  number(field: string, preset: number, min: number, max: number): number {
    const value = this.get(field) ?? preset;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    this.fail(field, `is ${describe(value)}; accepted are numbers from ${min} to ${max}`);
  }

  /** True or false. */
  flag(field: string, preset: boolean): boolean {
    const value = this.get(field) ?? preset;
    if (typeof value === 'boolean') return value;
    this.fail(field, `is ${describe(value)}; accepted are true and false`);
  }

  /** A string. */
  text(field: string, preset: string): string {
    const value = this.get(field) ?? preset;
    if (typeof value === 'string') return value;
    this.fail(field, `is ${describe(value)}; a string is expected`);
  }

  /** One of a few strings; without a preset the field must be there. */
  choice<T extends string>(field: string, accepted: readonly T[], preset?: T): T {
    const value = this.get(field) ?? preset;
    const found = accepted.find((entry) => entry === value);
    if (found !== undefined) return found;
    this.fail(field, `is ${describe(value)}; accepted: ${accepted.map((entry) => JSON.stringify(entry)).join(', ')}`);
  }

  /** A list of anything. */
  list(field: string, preset: unknown[]): unknown[] {
    const value = this.get(field) ?? preset;
    if (Array.isArray(value)) return value;
    this.fail(field, `is ${describe(value)}; a list is expected`);
  }

  /** A list of `length` finite numbers, none below 0. */
  numbers(field: string, preset: number[], length: number): number[] {
    const value = this.list(field, preset);
    const numbers = value.filter(
      (entry): entry is number => typeof entry === 'number' && entry >= 0 && entry < Infinity,
    );
    if (numbers.length === value.length && numbers.length === length) return numbers;
    this.fail(field, `must be a list of ${length} numbers, none below 0`);
  }

  /** A nested object, or null where the field is absent. */
  object(field: string): JsonObject | null {
    const value = this.get(field);
    if (value === undefined) return null;
    if (isObject(value)) return value;
    this.fail(field, `is ${describe(value)}; an object is expected`);
  }

  private get(field: string): unknown {
    const value = Object.hasOwn(this.fields, field) ? this.fields[field] : undefined;
    return value === null ? undefined : value;
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'absent';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
