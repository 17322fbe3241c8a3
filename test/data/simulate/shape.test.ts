import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaCheck } from '../../../src/data/llm/json.js';
import { ANNOTATION, ANNOTATION_RULES } from '../../../src/data/simulate/annotation.js';
import { brokenRules } from '../../../src/data/simulate/rules.js';
import {
  flag,
  integer,
  list,
  MalformedReply,
  maybe,
  number,
  object,
  oneOf,
  readAs,
  text,
} from '../../../src/data/simulate/shape.js';
import type { JsonObject } from '../../../src/data/types.js';
import { SCENES } from './scenes.js';

const SHAPE = object({
  name: text(),
  kind: oneOf(['a', 'b']),
  score: integer(1, 5),
  share: maybe(number()),
  sure: flag(),
  parts: list(object({ at: number() })),
});
const GOOD = { name: ' x ', kind: 'a', score: 3, share: null, sure: true, parts: [{ at: 1 }] };

describe('a shape', () => {
  it('reads what it asks for, also from between other words', () => {
    const said = `Here you are:\n\`\`\`json\n${JSON.stringify(GOOD)}\n\`\`\``;
    expect(readAs(SHAPE, said)).toEqual({ ...GOOD, name: 'x' });
    expect(readAs(SHAPE, JSON.stringify({ ...GOOD, more: 1 }))).toEqual({ ...GOOD, name: 'x' });
  });

  it.each([
    [{ name: 3 }, 'name must be a text, not number.'],
    [{ kind: 'c' }, 'kind must be one of a, b, not "c".'],
    [{ score: 6 }, 'score must be a whole number from 1 to 5, not 6.'],
    [{ score: '3' }, 'score must be a whole number from 1 to 5, not "3".'],
    [{ share: 'all' }, 'share must be a number, not string.'],
    [{ sure: null }, 'sure must be true or false, not null.'],
    [{ parts: {} }, 'parts must be a list, not object.'],
    [{ parts: [{ at: 1 }, {}] }, 'parts[1].at must be a number, not missing.'],
    [{ parts: [3] }, 'parts[0] must be an object with at, not number.'],
  ])('%j: %s', (change, message) => {
    expect(() => readAs(SHAPE, JSON.stringify({ ...GOOD, ...change }))).toThrow(new MalformedReply(message));
  });

  it('says that there is no JSON', () => {
    expect(() => readAs(SHAPE, 'I would rather not.')).toThrow('one JSON object');
  });

  it('has a schema that a validator of JSON schemas takes, and that agrees with the reader', async () => {
    const fits = await schemaCheck(ANNOTATION.schema);
    for (const { annotation } of SCENES) expect(fits(annotation as unknown as JsonObject)).toEqual([]);
    expect(fits({} as JsonObject).length).toBeGreaterThan(0);
    expect(() => ANNOTATION.read({}, 'reply')).toThrow(MalformedReply);
  });

  it('meets any JSON with a reading or a MalformedReply; rules then meet what was read', () => {
    const base = SCENES[1]!.annotation as unknown as JsonObject;
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(base)), fc.jsonValue({ maxDepth: 3 }), (key, value) => {
        try {
          const annotation = ANNOTATION.read({ ...base, [key]: value }, 'reply');
          brokenRules(ANNOTATION_RULES, { annotation, caption: SCENES[1]!.source.caption, seconds: 6 });
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedReply);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
