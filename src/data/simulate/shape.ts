/**
 * Shapes of structured replies: each is at once the JSON schema that a server is asked to keep to and the reader that
 * checks what came back. Every field is required and no other is accepted, as strict structured outputs want it; what may be
 * missing is null.
 */
import { objectIn } from '../llm/json.js';
import type { JsonObject } from '../types.js';

/** A reply that is not what was asked for. */
export class MalformedReply extends Error {
  override readonly name = 'MalformedReply';
}

export interface Shape<T> {
  schema: JsonObject;
  /** @throws MalformedReply naming the path of what is wrong */
  read: (value: unknown, path: string) => T;
}

/** What a shape reads. */
export type Read<S> = S extends Shape<infer T> ? T : never;

export function text(description?: string): Shape<string> {
  return {
    schema: described({ type: 'string' }, description),
    read(value, path) {
      if (typeof value !== 'string') throw new MalformedReply(`${path} must be a text, not ${kindOf(value)}.`);
      return value.trim();
    },
  };
}

export function number(description?: string): Shape<number> {
  return {
    schema: described({ type: 'number' }, description),
    read(value, path) {
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        throw new MalformedReply(`${path} must be a number, not ${kindOf(value)}.`);
      }
      return value;
    },
  };
}

export function integer(low: number, high: number): Shape<number> {
  return {
    // No bounds in the schema: not every server's grammar knows them, and the reader has them anyway.
    schema: { type: 'integer' },
    read(value, path) {
      if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
        throw new MalformedReply(
          `${path} must be a whole number from ${low} to ${high}, not ${JSON.stringify(value)}.`,
        );
      }
      return value as number;
    },
  };
}

export function flag(): Shape<boolean> {
  return {
    schema: { type: 'boolean' },
    read(value, path) {
      if (typeof value !== 'boolean') throw new MalformedReply(`${path} must be true or false, not ${kindOf(value)}.`);
      return value;
    },
  };
}

export function oneOf<const W extends string>(words: readonly W[]): Shape<W> {
  return {
    schema: { type: 'string', enum: [...words] },
    read(value, path) {
      if (!words.includes(value as W)) {
        throw new MalformedReply(`${path} must be one of ${words.join(', ')}, not ${JSON.stringify(value)}.`);
      }
      return value as W;
    },
  };
}

export function list<T>(item: Shape<T>): Shape<T[]> {
  return {
    schema: { type: 'array', items: item.schema },
    read(value, path) {
      if (!Array.isArray(value)) throw new MalformedReply(`${path} must be a list, not ${kindOf(value)}.`);
      return value.map((entry, at) => item.read(entry, `${path}[${at}]`));
    },
  };
}

export function maybe<T>(shape: Shape<T>): Shape<T | null> {
  return {
    schema: { anyOf: [shape.schema, { type: 'null' }] },
    read: (value, path) => (value === null || value === undefined ? null : shape.read(value, path)),
  };
}

export function object<F extends Record<string, Shape<unknown>>>(fields: F): Shape<{ [K in keyof F]: Read<F[K]> }> {
  const names = Object.keys(fields);
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, fields[name]!.schema])),
      required: names,
      additionalProperties: false,
    },
    read(value, path) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new MalformedReply(`${path} must be an object with ${names.join(', ')}, not ${kindOf(value)}.`);
      }
      const given = value as Record<string, unknown>;
      const read = names.map((name) => [
        name,
        fields[name]!.read(given[name], path === 'reply' ? name : `${path}.${name}`),
      ]);
      return Object.fromEntries(read) as { [K in keyof F]: Read<F[K]> };
    },
  };
}

/** Reads a reply's JSON in a shape. @throws MalformedReply */
export function readAs<T>(shape: Shape<T>, reply: string): T {
  const found = objectIn(reply);
  if (!found) throw new MalformedReply('The reply must be one JSON object and nothing else.');
  return shape.read(found, 'reply');
}

function described(schema: JsonObject, description?: string): JsonObject {
  return description === undefined ? schema : { ...schema, description };
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value;
}
