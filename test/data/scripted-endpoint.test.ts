/** The stub itself: what it takes, says, and does wrong. */
import { afterEach, describe, expect, it } from 'vitest';
import { faultsOf, randomFaults, ScriptedEndpoint, type ScriptedOptions } from './scripted-endpoint.js';

let endpoint: ScriptedEndpoint;
afterEach(() => endpoint.stop());

async function ask(options: ScriptedOptions, body: object) {
  endpoint = await ScriptedEndpoint.start(options);
  return again(body);
}

const again = (body: object): Promise<Response> =>
  fetch(`${endpoint.address}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'scripted', messages: [{ role: 'user', content: 'A dog?' }], ...body }),
  });

const sound = (format: string, data: string): object => ({
  messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { format, data } }] }],
});

describe('the scripted endpoint', () => {
  it('answers what the script says of text and sound', async () => {
    const script: ScriptedOptions['script'] = ({ text, sounds }) => `${text}${sounds.length}${sounds[0]?.bytes[1]}`;
    const response = await ask({ script }, sound('wav', Buffer.from([1, 2, 3]).toString('base64')));
    expect(await response.json()).toMatchObject({
      model: 'scripted',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: '12' } }],
      usage: { prompt_tokens: 11, completion_tokens: 1, total_tokens: 12 },
    });
  });

  it.each<[string, object, number, string]>([
    ['another model', { model: 'x' }, 404, 'does not exist'],
    ['a field that it does not know', { top_k: 3 }, 400, 'top_k'],
    ['a budget of 0', { max_tokens: 0 }, 400, 'max_tokens'],
    ['no messages', { messages: [] }, 400, 'messages'],
    ['an unknown kind of sound', sound('wma', 'AAAA'), 400, 'wma'],
    ['cut base64', sound('wav', 'AAA'), 400, 'base64'],
    ['a schema without a name', { response_format: { type: 'json_schema', json_schema: {} } }, 400, 'name'],
    ['a wish for JSON that the words do not tell', { response_format: { type: 'json_object' } }, 400, "word 'json'"],
  ])('refuses %s', async (_name, body, status, message) => {
    const response = await ask({}, body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: { message: string } }).error.message).toContain(message);
  });

  it('fails by the request and its time, not by the order', async () => {
    await ask({ faults: faultsOf({ status: /dog/ }) }, {});
    expect((await again({ seed: 2 })).status).toBe(200);
    endpoint.faults = randomFaults(1, [[0.5, { kind: 'status', status: 503 }]], 1);
    const statuses = async (names: number[]): Promise<string[]> =>
      Promise.all(
        names.map(
          async (name) => `${name} ${(await again({ messages: [{ role: 'user', content: `${name}` }] })).status}`,
        ),
      );
    const names = Array.from({ length: 30 }, (_, i) => i);
    const forward = await statuses(names);
    const failed = forward.filter((line) => line.endsWith('503'));
    expect(failed.length).toBeGreaterThan(5);
    expect(failed.length).toBeLessThan(25);
    expect(await statuses(names.reverse())).toEqual(names.map((name) => `${name} 200`));
  });

  it('counts those who leave', async () => {
    endpoint = await ScriptedEndpoint.start({ faults: () => ({ kind: 'hang' }) });
    const stop = new AbortController();
    const body = JSON.stringify({ model: 'scripted', messages: [{ role: 'user', content: 'x' }] });
    const asked = fetch(`${endpoint.address}/chat/completions`, { method: 'POST', body, signal: stop.signal });
    await endpoint.until(({ running }) => running === 1);
    stop.abort();
    await expect(asked).rejects.toThrow();
    await endpoint.until(({ left }) => left === 1);
    expect(endpoint).toMatchObject({ running: 0, mostRunning: 1, answered: 0 });
  });
});
