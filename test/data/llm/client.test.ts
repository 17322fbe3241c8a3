/** The client over real sockets: what is sent, what comes back, what goes wrong. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ChatExtras,
  type ChatRequest,
  type ChatSettings,
  type OpenAiChat,
  openChat,
} from '../../../src/data/llm/index.js';
import { RecordError } from '../../../src/data/types.js';
import { BagpiperError, ServerError } from '../../../src/errors.js';
import { TestClock } from '../clock.js';
import { type Fault, faultsOf, randomFaults, ScriptedEndpoint, type ScriptedOptions } from '../scripted-endpoint.js';

const never = new AbortController().signal;
const endpoints: ScriptedEndpoint[] = [];
const clients: OpenAiChat[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const endpoint of endpoints.splice(0)) await endpoint.stop();
});

async function start(options: ScriptedOptions = {}): Promise<ScriptedEndpoint> {
  const endpoint = await ScriptedEndpoint.start(options);
  endpoints.push(endpoint);
  return endpoint;
}

/** A client of all endpoints; time passes while nothing is at work that will ever be answered. */
async function open(settings: Partial<ChatSettings> = {}, extras: ChatExtras = {}): Promise<OpenAiChat> {
  const addresses = endpoints.map(({ address }) => address).join(',');
  const clock = new TestClock(() => false);
  const client = await openChat({ endpoints: addresses, model: 'scripted', ...settings }, { around: clock, ...extras });
  clock.idle = () => client.state.running === endpoints.reduce((sum, { hung }) => sum + hung, 0);
  clients.push(client);
  return client;
}

const say = (text: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  messages: [{ role: 'user', content: text }],
  ...more,
});
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

describe('a request', () => {
  it('is sent as the schema has it, sounds included', async () => {
    const endpoint = await start({ script: ({ sounds }) => `${sounds.map(({ bytes }) => bytes.length)}` });
    const client = await open({}, { apiKey: 'sk-1' });
    const sound = Buffer.from(Uint8Array.from({ length: 200_001 }, (_, i) => i % 251));
    let made = 0;
    const request: ChatRequest = {
      messages: [
        { role: 'system', content: 'Hör zu 🔔.' },
        {
          role: 'user',
          content: [
            { type: 'input_audio', input_audio: { data: sound.toString('base64'), format: 'wav' } },
            {
              type: 'input_audio',
              input_audio: {
                data: async () => {
                  made++;
                  return sound.subarray(0, 9).toString('base64');
                },
                format: 'flac',
              },
            },
            { type: 'text', text: 'What is "that"?' },
          ],
        },
      ],
      temperature: 0.7,
      maxTokens: 100,
      seed: 5,
    };
    expect(await client.chat(request, never)).toEqual({
      text: '200001,9',
      finishReason: 'stop',
      usage: { prompt_tokens: 110, completion_tokens: 2, total_tokens: 112 },
      model: 'scripted',
    });
    const [{ body, headers, sounds }] = endpoint.asked;
    expect(headers).toMatchObject({ authorization: 'Bearer sk-1', 'content-type': 'application/json' });
    expect(body.messages[0]).toEqual({ role: 'system', content: 'Hör zu 🔔.' });
    expect({ ...body, messages: [] }).toEqual({
      model: 'scripted',
      messages: [],
      temperature: 0.7,
      max_tokens: 100,
      seed: 5,
    });
    expect(sounds[0].bytes.equals(sound)).toBe(true);
    expect(made).toBe(1);
  });

  it('carries letters that are cut nowhere, however long it is', async () => {
    const endpoint = await start();
    const text = `x${'🔔ö'.repeat(100_000)}`;
    await (await open()).chat(say(text), never);
    expect(endpoint.asked[0].text === text).toBe(true);
  });

  it('asks for the only model that is listed', async () => {
    await start({ models: ['omni'] });
    expect((await open({ model: undefined })).model).toBe('omni');
    endpoints.length = 0;
    const two = await start({ models: ['one', 'two'] });
    await expect(open({ model: undefined })).rejects.toThrow(
      `${two.address}: it has several models (one, two); name one`,
    );
  });

  it.each<[string, Fault['kind'] | number]>([
    ['500', 500],
    ['503', 503],
    ['429', 429],
    ['a cut answer', 'cut'],
    ['half a JSON', 'half'],
    ['a closed connection', 'reset'],
    ['another JSON', 'odd'],
  ])('is made again after %s', async (_name, kind) => {
    const fault = typeof kind === 'number' ? { kind: 'status', status: kind } : { kind };
    const endpoint = await start({ faults: ({ time }) => (time < 2 ? (fault as Fault) : undefined) });
    const client = await open();
    expect((await client.chat(say('A dog.'), never)).text).toBe('Heard: A dog.');
    expect(endpoint.asked).toHaveLength(3);
    expect(client.state).toMatchObject({ answered: 1, again: 2, running: 0, waiting: 0 });
  });

  it.each(['hang', 'stall'] as const)('is made again where the server falls silent (%s)', async (kind) => {
    const endpoint = await start({ faults: faultsOf({ [kind]: /dog/ }) });
    const client = await open();
    expect((await client.chat(say('A dog.'), never)).text).toBe('Heard: A dog.');
    expect(endpoint.asked).toHaveLength(2);
  });
});

describe('what fails for good', () => {
  it.each<[string, Fault, string, string]>([
    ['400', { kind: 'status', status: 400, message: 'too long' }, 'refused_400', 'saying "too long"'],
    ['500', { kind: 'status', status: 500 }, 'status_500', 'the server failed (500'],
    ['a cut answer', { kind: 'cut' }, 'broken', 'broke off in the middle'],
    ['half a JSON', { kind: 'half' }, 'bad_answer', 'no whole JSON'],
    ['another JSON', { kind: 'odd' }, 'bad_answer', 'no choices'],
    ['a closed connection', { kind: 'reset' }, 'connection', 'closed the connection'],
  ])('with one request is its error: %s', async (_name, fault, kind, message) => {
    const endpoint = await start({ faults: ({ text }) => (text.includes('dog') ? fault : undefined) });
    const client = await open({ retry: { times: 2 } });
    const error = await failureOf(client.chat(say('A dog.'), never));
    expect(error).toBeInstanceOf(RecordError);
    expect((error as RecordError).reason.kind).toBe(kind);
    expect((error as RecordError).reason.message).toContain(message);
    expect((error as RecordError).reason.message).toContain(endpoint.address);
    expect((await client.chat(say('A cat.'), never)).text).toBe('Heard: A cat.');
  });

  it('with all requests ends them: key, model, credit, address', async () => {
    const endpoint = await start({ apiKey: 'sk-right' });
    const wrong = async (settings: Partial<ChatSettings>, extras: ChatExtras, message: RegExp): Promise<void> => {
      const error = await failureOf((await open(settings, extras)).chat(say('A dog.'), never));
      expect(error).toBeInstanceOf(BagpiperError);
      expect(error).not.toBeInstanceOf(ServerError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toContain('sk-wrong');
    };
    await wrong({}, { apiKey: 'sk-wrong' }, /does not accept the API key \(401.*BAGPIPER_API_KEY/);
    const extras = { apiKey: 'sk-right' };
    await wrong({ model: 'x' }, extras, /does not have the model \(404/);
    await wrong({ endpoints: endpoint.address.replace('/v1', '/v2') }, extras, /path does not exist/);
    endpoint.faults = () => ({ kind: 'status', status: 402, message: 'Pay.' });
    await wrong({}, extras, /no credit left \(402, saying "Pay\."\)/);
    endpoint.faults = () => ({ kind: 'page' });
    await wrong({}, extras, /a web page instead of JSON/);
  });

  it('with a key that is revoked on the way, too, but not with a page that passes', async () => {
    const endpoint = await start();
    const client = await open();
    await client.chat(say('A dog.'), never);
    endpoint.faults = faultsOf({ page: /cat/ });
    expect((await client.chat(say('A cat.'), never)).text).toBe('Heard: A cat.');
    endpoint.faults = () => ({ kind: 'status', status: 403 });
    await expect(client.chat(say('A cow.'), never)).rejects.toThrow(/API key \(403/);
  });

  it('after close', async () => {
    const endpoint = await start();
    endpoint.hold();
    const client = await open();
    const failed = failureOf(client.chat(say('A dog.'), never));
    await endpoint.until(({ running }) => running === 1);
    await client.close();
    expect(String(await failed)).toContain('is closed; open it again');
    expect(String(await failureOf(client.chat(say('A dog.'), never)))).toContain('is closed; open it again');
    await endpoint.until(({ running }) => running === 0);
  });
});

describe('many requests', () => {
  const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => `Sound ${i}.`);

  it('256 are at work at once, and all are cancelled at once', async () => {
    const endpoint = await start();
    endpoint.hold();
    const client = await open();
    const stop = new AbortController();
    const results = Promise.allSettled(texts(300).map((text) => client.chat(say(text), stop.signal)));
    await endpoint.until(({ running }) => running === 256);
    expect(client.state).toMatchObject({ running: 256, waiting: 44 });
    const reason = new Error('enough');
    stop.abort(reason);
    for (const result of await results) expect(result).toEqual({ status: 'rejected', reason });
    await endpoint.until(({ running }) => running === 0);
    expect(endpoint.mostRunning).toBe(256);
    expect(client.state).toMatchObject({ running: 0, waiting: 0 });
  });

  it('are all answered rightly through every fault there is', async () => {
    const shares = [
      [0.05, { kind: 'status', status: 500 }],
      [0.05, { kind: 'status', status: 429, headers: { 'retry-after': '3' } }],
      [0.05, { kind: 'status', status: 503 }],
      [0.05, { kind: 'cut' }],
      [0.05, { kind: 'half' }],
      [0.05, { kind: 'reset' }],
      [0.05, { kind: 'odd' }],
      [0.05, { kind: 'hang' }],
      [0.05, { kind: 'stall' }],
    ] as const;
    await start({ faults: randomFaults(1, shares) });
    await start({ faults: randomFaults(2, shares) });
    const client = await open({ retry: { times: 5 } });
    const replies = await Promise.all(texts(400).map((text) => client.chat(say(text), never)));
    expect(replies.map(({ text }) => text)).toEqual(texts(400).map((text) => `Heard: ${text}`));
    for (const { answered } of endpoints) expect(answered).toBeGreaterThan(100);
    expect(client.state.answered).toBe(400);
  });

  it('read their sounds late, few at once, and let them go', async () => {
    const endpoint = await start({ faults: ({ time }) => (time === 0 ? { kind: 'status', status: 500 } : undefined) });
    const client = await open();
    let reading = 0;
    let most = 0;
    let reads = 0;
    const data = async (): Promise<string> => {
      most = Math.max(most, ++reading);
      reads++;
      await new Promise((resolve) => setImmediate(resolve));
      reading--;
      return Buffer.from([1, 2, 3]).toString('base64');
    };
    const sound = { type: 'input_audio' as const, input_audio: { data, format: 'wav' } };
    const ask = (text: string) =>
      client.chat({ messages: [{ role: 'user', content: [sound, { type: 'text', text }] }] }, never);
    await Promise.all(texts(100).map(ask));
    expect(most).toBeLessThanOrEqual(16);
    expect(reads).toBe(200);
    expect(endpoint.answered).toBe(100);
    // One that cannot be read is its record's error, and holds up nobody.
    const missing = { ...sound, input_audio: { format: 'wav', data: () => Promise.reject(new Error('no such file')) } };
    for (let i = 0; i < 20; i++) {
      await expect(client.chat({ messages: [{ role: 'user', content: [missing] }] }, never)).rejects.toThrow('no such');
    }
    await ask('And one more.');
  });

  it('outlast a storm in which each is refused three times', async () => {
    const endpoint = await start({ faults: ({ time }) => (time < 3 ? { kind: 'status', status: 429 } : undefined) });
    const client = await open();
    const replies = await Promise.all(texts(256).map((text) => client.chat(say(text), never)));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(256);
    expect(endpoint.answered).toBe(256);
  });

  it('wait when headers say that nothing is left', async () => {
    let left = 10;
    await start({
      headers: () => ({
        'x-ratelimit-limit-requests': '10',
        'x-ratelimit-remaining-requests': String(--left),
        'x-ratelimit-reset-requests': '20s',
      }),
    });
    const clock = new TestClock();
    const client = await open({}, { around: clock });
    clock.idle = () => client.state.running === 0;
    for (const text of texts(10)) await client.chat(say(text), never);
    expect(clock.seconds).toBe(0);
    await client.chat(say('More.'), never);
    // 10 come back in 20 s.
    expect(clock.seconds).toBe(2);
  });

  it('go where fewer are waiting, by what vLLM says', async () => {
    const [busy, free] = [await start(), await start()];
    busy.metrics = { running: 200, waiting: 50 };
    free.metrics = { running: 0, waiting: 0 };
    const client = await open({ metricsEvery: 1 }, { around: undefined });
    while (client.state.endpoints[0].others === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all(texts(40).map((text) => client.chat(say(text), never)));
    expect([busy.answered, free.answered]).toEqual([0, 40]);
  });
});

describe('a budget', () => {
  const prices = { input: 1, output: 10 };
  const script = (): { text: string; usage: { prompt: number; completion: number } } => ({
    text: 'Yes.',
    usage: { prompt: 100, completion: 50 },
  });
  // 100 tokens in and 50 out: 0.0006 each.
  const ask = (client: OpenAiChat, count: number): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled(
      Array.from({ length: count }, (_, i) => client.chat(say(`${i} `.padEnd(400, '.'), { maxTokens: 50 }), never)),
    );

  it('is kept, and what was under way is finished', async () => {
    const endpoint = await start({ script });
    const client = await open({ prices, budget: 0.006 });
    const results = await ask(client, 40);
    const [done, failed] = ['fulfilled', 'rejected'].map((kind) => results.filter(({ status }) => status === kind));
    expect(done).toHaveLength(10);
    for (const { reason } of failed as PromiseRejectedResult[]) {
      expect(reason).toBeInstanceOf(BagpiperError);
      expect((reason as Error).message).toBe('The budget of 0.006 is used up (0.01 spent); raise --budget to go on.');
    }
    expect(endpoint.asked).toHaveLength(10);
    expect(client.state.cost).toBeCloseTo(0.006, 9);
    expect(client.state.usage).toEqual({ prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 });
  });

  it('counts what was spent before', async () => {
    await start({ script });
    const spent = { prompt_tokens: 800, completion_tokens: 400, total_tokens: 1200 };
    const client = await open({ prices, budget: 0.006 }, { spent });
    const results = await ask(client, 10);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  });

  it('is overrun by no more than what was guessed too low', async () => {
    // Each answer takes ten times what the request allows for.
    await start({ script: () => ({ text: 'Yes.', usage: { prompt: 100, completion: 500 } }) });
    const client = await open({ prices, budget: 0.006 });
    const results = await ask(client, 40);
    const done = results.filter(({ status }) => status === 'fulfilled').length;
    expect(done).toBeLessThanOrEqual(10);
  });

  it('lets those go who are cancelled while they wait for it', async () => {
    const endpoint = await start({ script });
    endpoint.hold();
    const client = await open({ prices, budget: 0.0001 });
    const stop = new AbortController();
    const first = client.chat(say('a'), never);
    const second = failureOf(client.chat(say('b'), stop.signal));
    stop.abort(new Error('enough'));
    expect(String(await second)).toBe('Error: enough');
    endpoint.release();
    await first;
  });
});

describe('settings', () => {
  it.each<[Partial<ChatSettings>, string]>([
    [{ endpoints: 'nowhere' }, '"nowhere" is no address'],
    [{ model: ' ' }, 'name is empty'],
    [{ concurrency: 0 }, 'requests at once is 0'],
    [{ requestsPerMinute: 0 }, 'requests a minute is 0'],
    [{ tokensPerMinute: Number.NaN }, 'tokens a minute is NaN'],
    [{ timeout: 0 }, '"timeout" is 0'],
    [{ budget: 5 }, 'A budget needs prices'],
    [{ budget: -1, prices: { input: 1, output: 1 } }, 'budget is -1'],
    [{ prices: { input: -1, output: 1 } }, 'price of input tokens is -1'],
    [{ retry: { times: -1 } }, 'new tries is -1'],
  ])('%j are refused', async (settings, message) => {
    await expect(openChat({ endpoints: 'http://localhost:1/v1', model: 'm', ...settings })).rejects.toThrow(message);
  });
});
