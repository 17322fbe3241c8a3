/** Replies that must keep to rules: structure asked for, parsed, checked, repaired once, set aside. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askChecked, askJson, type OpenAiChat, objectIn, openChat, schemaCheck } from '../../../src/data/llm/index.js';
import { SetAside, type Usage } from '../../../src/data/types.js';
import { type Script, ScriptedEndpoint, type ScriptedOptions } from '../scripted-endpoint.js';

const SCHEMA = {
  name: 'verdict',
  schema: {
    type: 'object',
    properties: {
      score: { type: 'integer', minimum: 1, maximum: 5 },
      kind: { enum: ['speech', 'music'] },
      flaws: { type: 'array', items: { type: 'string' } },
    },
    required: ['score', 'kind'],
    additionalProperties: false,
  },
};
const GOOD = '{"score":4,"kind":"music"}';

let endpoint: ScriptedEndpoint;
let client: OpenAiChat;
let spent: Usage[];
const context = { signal: new AbortController().signal, spend: (usage: Usage) => spent.push(usage) };

beforeEach(() => {
  spent = [];
});
afterEach(async () => {
  await client.close();
  await endpoint.stop();
});

async function start(options: ScriptedOptions): Promise<void> {
  endpoint = await ScriptedEndpoint.start(options);
  client = await openChat({ endpoints: endpoint.address, model: 'scripted', retry: { wait: 0 } });
}

/** Says one after another, by how long the conversation is. */
const sayings =
  (...texts: (string | { text: string; finish: string })[]): Script =>
  ({ body }) =>
    texts[Math.min((body.messages.length - 1) / 2, texts.length - 1)];

const ask = (text = 'Judge this. Answer in JSON.') =>
  askJson(client, { messages: [{ role: 'user', content: text }], schema: SCHEMA, maxTokens: 64 }, context);

describe('a structured reply', () => {
  it('is asked for by its schema', async () => {
    await start({ script: () => GOOD });
    expect((await ask()).value).toEqual({ score: 4, kind: 'music' });
    expect(endpoint.asked[0].body.response_format).toEqual({ type: 'json_schema', json_schema: SCHEMA });
    expect(spent).toHaveLength(1);
  });

  it.each<[('json_schema' | 'json_object')[], string | undefined]>([
    [['json_object'], 'json_object'],
    [[], undefined],
  ])('is asked for in other ways where the server knows %j only, and that is remembered', async (formats, format) => {
    await start({ script: () => GOOD, formats });
    const questions = Array.from({ length: 20 }, (_, i) => ask(`Judge number ${i}.`));
    for (const { value } of await Promise.all(questions)) expect(value).toEqual({ score: 4, kind: 'music' });
    await ask('Once more.');
    const { body, text } = endpoint.asked.at(-1)!;
    expect(body.response_format?.type).toBe(format);
    expect(text).toContain(`Once more.\n\nAnswer with one JSON object`);
    expect(text).toContain(JSON.stringify(SCHEMA.schema));
    expect(endpoint.answered).toBe(21);
    expect(client.state.again).toBe(0);
  });

  it('is repaired once, by what is wrong', async () => {
    await start({ script: sayings('{"score":9,"kind":"noise","mood":"x"}', GOOD) });
    expect((await ask()).value).toEqual({ score: 4, kind: 'music' });
    const [, { body }] = endpoint.asked;
    expect(body.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(body.messages[1].content).toBe('{"score":9,"kind":"noise","mood":"x"}');
    const told = String(body.messages[2].content);
    expect(told).toContain('- The object has the unknown field "mood".');
    expect(told).toContain('- "score" must be <= 5.');
    expect(told).toContain('- "kind" is none of speech, music.');
    expect(body.response_format?.type).toBe('json_schema');
    expect(spent).toHaveLength(2);
  });

  it.each<[string, string, string]>([
    ['no JSON', 'Four, I think.', 'It is no JSON object.'],
    ['a list', '[1]', 'It is no JSON object.'],
    ['a field that is missing', '{"score":4}', 'The object lacks the field "kind".'],
    ['a wrong type', '{"score":"4","kind":"music"}', '"score" must be integer.'],
    ['JSON that is cut off', '{"score":4,"ki', 'It is no JSON object.'],
    ['nothing', '', 'It is no JSON object.'],
  ])('is set aside when it stays %s', async (_name, text, message) => {
    await start({ script: () => text });
    const error = await ask().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SetAside);
    expect((error as SetAside).reason).toEqual({ kind: 'malformed', message });
    expect(spent).toHaveLength(2);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('is malformed when it was cut off, even where it can be read', async () => {
    await start({ script: sayings({ text: GOOD, finish: 'length' }, GOOD) });
    await ask();
    expect(String(endpoint.asked[1].body.messages[2].content)).toContain('cut off at 64 tokens; it must be shorter');
  });

  it('can have rules that a schema cannot tell', async () => {
    await start({ script: sayings('{"score":1,"kind":"speech"}', GOOD) });
    const request = { messages: [{ role: 'user' as const, content: 'Judge. JSON.' }], schema: SCHEMA };
    const more = ({ score }: { score: number }): string[] => (score < 3 ? ['The score is too harsh.'] : []);
    expect((await askJson(client, request, context, more)).value).toEqual({ score: 4, kind: 'music' });
  });
});

describe('a plain reply', () => {
  it('is checked, repaired once, then set aside', async () => {
    const request = { messages: [{ role: 'user' as const, content: 'Say it in two words.' }] };
    const two = ({ text }: { text: string }): string[] => {
      const words = text.split(' ').length;
      return words === 2 ? [] : [`It has ${words} words instead of 2.`];
    };
    await start({ script: sayings('A dog barks', 'Dog barks') });
    expect((await askChecked(client, request, two, context)).text).toBe('Dog barks');
    expect(String(endpoint.asked[1].body.messages[2].content)).toContain('- It has 3 words instead of 2.');
    endpoint.script = () => 'A dog barks';
    await expect(askChecked(client, request, two, context)).rejects.toMatchObject({
      reason: { kind: 'malformed', message: 'It has 3 words instead of 2.' },
    });
  });
});

describe('other dialects', () => {
  it('the limit of tokens goes by its newer name where the older one is refused', async () => {
    await start({
      faults: ({ body }) =>
        body.max_tokens === undefined
          ? undefined
          : { kind: 'status', status: 400, message: "Use 'max_completion_tokens' instead of 'max_tokens'." },
    });
    const request = { messages: [{ role: 'user' as const, content: 'A dog.' }], maxTokens: 9 };
    await client.chat(request, context.signal);
    await client.chat(request, context.signal);
    expect(endpoint.asked.map(({ body }) => body.max_tokens)).toEqual([9, undefined, undefined]);
    expect((endpoint.asked[2].body as { max_completion_tokens?: number }).max_completion_tokens).toBe(9);
  });
});

describe('the object in a reply', () => {
  beforeEach(() => start({}));

  it.each<[string, object | undefined]>([
    [' {"a":1} ', { a: 1 }],
    ['```json\n{"a":{"b":2}}\n```', { a: { b: 2 } }],
    ['Here it is: {"a":1}. Good?', { a: 1 }],
    ['<think>{"no":0} or so?</think>\n{"a":1}', { a: 1 }],
    ['<think>{"no":0}</think> So: {"a":1}!', { a: 1 }],
    ['{"a":1', undefined],
    ['}{', undefined],
    ['[1,2]', undefined],
    ['null', undefined],
  ])('%s', (reply, object) => {
    expect(objectIn(reply)).toEqual(object);
  });

  it('is told only so many problems', async () => {
    const check = await schemaCheck({ type: 'object', required: Array.from({ length: 20 }, (_, i) => `f${i}`) });
    expect(check({})).toHaveLength(8);
  });
});
