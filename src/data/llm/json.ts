/** JSON out of a model's reply, checked against a schema. */
import type { ErrorObject, ValidateFunction } from 'ajv';
import { isObject } from '../../json.js';
import type { JsonObject } from '../types.js';

/** Problems that are told to a model at once: more would not help it. */
const MOST_PROBLEMS = 8;

/**
 * The object in a reply: the whole reply, else what follows a model's thinking, else the text from the first `{` to the last `}`.
 *
 * @returns undefined where there is none
 */
export function objectIn(reply: string): JsonObject | undefined {
  const answer = reply.slice(reply.lastIndexOf('</think>') + 1).replace(/^\/think>/, '');
  for (const text of new Set([reply, answer, braced(answer), braced(reply)])) {
    try {
      const value = JSON.parse(text) as unknown;
      if (isObject(value)) return value;
    } catch {
      // The next one.
    }
  }
  return undefined;
}

function braced(text: string): string {
  return text.slice(Math.max(0, text.indexOf('{')), text.lastIndexOf('}') + 1);
}

/** @returns what is wrong with a value, a sentence each; none: it fits */
export type SchemaCheck = (value: JsonObject) => string[];

const checks = new WeakMap<JsonObject, Promise<SchemaCheck>>();

/** A schema (draft 7 or 2019-09) as a check. Compiled once for each schema object. */
export function schemaCheck(schema: JsonObject): Promise<SchemaCheck> {
  let check = checks.get(schema);
  if (!check) {
    check = compile(schema);
    checks.set(schema, check);
  }
  return check;
}

async function compile(schema: JsonObject): Promise<SchemaCheck> {
  const { Ajv2019 } = await import('ajv/dist/2019.js');
  const validate: ValidateFunction = new Ajv2019({ allErrors: true, strict: false, validateFormats: false }).compile(
    schema,
  );
  return (value) => (validate(value) ? [] : (validate.errors ?? []).slice(0, MOST_PROBLEMS).map(sentence));
}

function sentence({ instancePath, keyword, params, message = 'is wrong' }: ErrorObject): string {
  const where = instancePath === '' ? 'The object' : `"${instancePath.slice(1).replaceAll('/', '.')}"`;
  if (keyword === 'additionalProperties') return `${where} has the unknown field "${params.additionalProperty}".`;
  if (keyword === 'required') return `${where} lacks the field "${params.missingProperty}".`;
  if (keyword === 'enum') return `${where} is none of ${(params.allowedValues as unknown[]).join(', ')}.`;
  return `${where} ${message}.`;
}
