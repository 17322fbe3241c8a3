/** What a server can do wrong, over real sockets: each ends in one sentence that names the address, or in a new try. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bagpiper, BagpiperError, type LoadOptions, loadBagpiper, ServerError } from '../../../src/index.js';
import {
  completion,
  hang,
  json,
  type Mischief,
  PLANNED,
  raw,
  refuse,
  SOUND,
  StubServer,
  slam,
  stopAfter,
  UNDERSTOOD,
  wavOf,
} from './stub-server.js';

const QUICK: LoadOptions = { retry: { wait: 0.001, times: 2 }, timeouts: { firstByte: 60, answer: 60, idle: 60 } };
const second = new Float32Array(16000);
let server: StubServer;
const open: Bagpiper[] = [];

beforeEach(async () => {
  server = await StubServer.start();
});
afterEach(async () => {
  for (const bagpiper of open.splice(0)) await bagpiper.close();
  await server.stop();
});

async function load(options: LoadOptions = {}, source = server.address): Promise<Bagpiper> {
  const bagpiper = await loadBagpiper(source, { ...QUICK, ...options });
  open.push(bagpiper);
  return bagpiper;
}

/** The error of a promise. */
async function errorOf(work: PromiseLike<unknown>): Promise<BagpiperError> {
  const error = await Promise.resolve(work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BagpiperError);
  return error as BagpiperError;
}

/** One sentence about this server. */
function sentence(error: BagpiperError, address = server.address): void {
  expect(error.message).toContain(address);
  expect(error.message).not.toContain('\n');
  expect(error.message).toMatch(/[.)?]$/);
}

const wav = wavOf(SOUND);
const sound = (data: string): object => completion(PLANNED, data);

describe('an answer to a request for text', () => {
  const cases: [string, Mischief, string, 'user' | 'server', number][] = [
    ['400', refuse(400, 'This model is deaf.'), 'refuses the request (400, saying "This model is deaf.")', 'user', 1],
    ['a message at the top', raw('{"message":"too long"}', 'application/json', 400), 'saying "too long"', 'user', 1],
    ['plain text', raw('no room', 'text/plain', 413), '(413, saying "no room")', 'user', 1],
    ['401', refuse(401, 'Unauthorized'), 'put the right one into BAGPIPER_API_KEY', 'user', 1],
    ['404 of a model', refuse(404, 'The model `x` does not exist.'), 'does not have the model', 'user', 1],
    ['404 of a path', raw('{"detail":"Not Found"}', 'application/json', 404), 'most addresses end in /v1', 'user', 1],
    ['a redirection', raw('', 'text/plain', 302), 'redirects (302)', 'user', 1],
    ['a web page', raw('<!doctype html><p>Hi', 'text/html'), 'a web page instead of JSON', 'user', 1],
    ['no credit', raw('{"error":{"code":"insufficient_quota"}}', 'application/json', 429), 'no credit left', 'user', 1],
    ['429', refuse(429, 'slow down'), 'takes no more requests now (429, saying "slow down")', 'server', 3],
    ['500', refuse(500, 'CUDA error'), 'the server failed (500, saying "CUDA error")', 'server', 3],
    ['503 with a page', raw('<html>Bad gateway', 'text/html', 503), 'the server failed (503)', 'server', 3],
    ['half a JSON', raw('{"choices":[{"mess'), 'no whole JSON', 'server', 3],
    ['nothing', raw(''), 'the answer is empty', 'server', 3],
    ['a closed connection', slam, 'closed the connection without an answer', 'server', 3],
    ['no choices', json({ choices: [] }), 'no choices', 'server', 1],
    ['another JSON', json([1]), 'no JSON object', 'server', 1],
    ['a stream that ends early', stopAfter(1, 'end'), 'broke off before its end', 'server', 3],
    ['a stream that is cut early', stopAfter(1, 'cut'), 'broke off in the middle', 'server', 3],
    [
      'an error in the stream',
      stopAfter(1, 'end', 'data: {"error":{"message":"boom","code":500}}\n\n'),
      'saying "boom"',
      'server',
      3,
    ],
    ['nonsense in the stream', stopAfter(1, 'end', 'data: {"choi\n\n'), 'no whole JSON', 'server', 3],
  ];

  it.each(cases)('%s', async (_name, mischief, message, who, tries) => {
    const bagpiper = await load();
    server.mischief.push(mischief, mischief, mischief);
    const error = await errorOf(bagpiper.ask(second, 'What?'));
    sentence(error);
    expect(error.message).toContain(message);
    expect(error instanceof ServerError).toBe(who === 'server');
    expect(server.asked).toHaveLength(tries);
  });

  it.each(cases.filter(([, , , , tries]) => tries === 3))('%s, then a right one', async (_name, mischief) => {
    const bagpiper = await load();
    server.mischief.push(mischief);
    expect(await bagpiper.ask(second, 'What?')).toMatchObject({ ...UNDERSTOOD, warnings: [] });
    expect(server.asked).toHaveLength(2);
  });

  it.each(['end', 'cut'] as const)('is not asked for again once text went out (%s)', async (how) => {
    const bagpiper = await load();
    server.mischief.push(stopAfter(3, how));
    const texts: string[] = [];
    const reply = bagpiper.ask(second, 'What?');
    const loop = (async () => {
      for await (const event of reply) if (event.type === 'text') texts.push(event.delta);
    })();
    const error = await errorOf(loop);
    sentence(error);
    expect(error.message).toContain('broke off');
    expect(texts.join('')).toMatch(/^A bell rings/);
    expect(server.asked).toHaveLength(1);
  });

  it('never repeats our key', async () => {
    const bagpiper = await load({ apiKey: 'sk-secret' });
    server.mischief.push(
      refuse(401, 'Wrong key: sk-secret'),
      stopAfter(1, 'end', 'data: {"error":{"message":"sk-secret","code":400}}\n\n'),
    );
    for (let i = 0; i < 2; i++) {
      const { message, stack } = await errorOf(bagpiper.ask(second, 'What?'));
      expect(message).toContain('***');
      expect(message + stack).not.toContain('sk-secret');
    }
  });
});

describe('an answer with sound', () => {
  const base64 = wav.toString('base64');
  const cut = Buffer.from(wav.subarray(0, 1000)).toString('base64');
  const floats = Buffer.from(wav);
  floats.writeUInt16LE(17, 20);
  const cases: [string, string, string][] = [
    ['cut base64', base64.slice(0, -3), 'cut off or no base64'],
    ['no base64', '!!!!', 'cut off or no base64'],
    ['no WAV', Buffer.from('ID3 some other file here').toString('base64'), 'no WAV file'],
    ['a WAV that is cut', cut, 'is damaged'],
    ['a WAV of an odd kind', floats.toString('base64'), 'is damaged'],
    ['a WAV without samples', wavOf(new Int16Array(0)).toString('base64'), 'is damaged'],
  ];

  it.each(cases)('%s', async (_name, data, message) => {
    const bagpiper = await load();
    server.mischief.push(json(sound(data)));
    const error = await errorOf(bagpiper.render('A bell.'));
    sentence(error);
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(ServerError);
  });

  it('is asked for again when it breaks off, since nothing went out yet', async () => {
    const bagpiper = await load();
    const whole = JSON.stringify(sound(base64));
    server.mischief.push(raw(whole.slice(0, 900)), slam, refuse(502, 'bad gateway'));
    await expect(Promise.resolve(bagpiper.render('A bell.'))).rejects.toThrow(/\(502/);
    server.mischief.push(raw(whole.slice(0, 900)), slam);
    expect((await bagpiper.render('A bell.')).audio?.samples).toHaveLength(SOUND.length);
  });
});

describe('time-outs', () => {
  it.each([
    ['without a first byte of a stream', hang, { firstByte: 0.2 }, 'no answer came within 0.2 s'],
    ['between two pieces', stopAfter(3, 'hang'), { idle: 0.2 }, 'nothing more came for 0.2 s'],
  ])('end a request %s', async (_name, mischief, timeouts, message) => {
    const bagpiper = await load({ timeouts });
    server.mischief.push(mischief);
    const error = await errorOf(bagpiper.ask(second, 'What?'));
    sentence(error);
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(ServerError);
  });

  it('end a request for sound that is not answered', async () => {
    const bagpiper = await load({ timeouts: { answer: 0.2 } });
    server.mischief.push(hang);
    expect((await errorOf(bagpiper.render('A bell.'))).message).toContain('no answer came within 0.2 s');
  });

  it('end the opening of a server that takes connections and says nothing', async () => {
    const sockets: Socket[] = [];
    const mute: Server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    const timeouts = { opening: 0.2 };
    try {
      const plain = await errorOf(load({ timeouts, retry: { times: 0 } }, `http://127.0.0.1:${port}/v1`));
      expect(plain.message).toContain('no answer came within 0.2 s');
      const tls = await errorOf(
        load({ timeouts: { connect: 0.2 }, retry: { times: 0 } }, `https://127.0.0.1:${port}/v1`),
      );
      expect(tls.message).toContain('could not be made in time');
    } finally {
      for (const socket of sockets) socket.destroy();
      mute.close();
    }
  });
});

describe('a server that cannot be spoken to', () => {
  const refused = async (source: string, message: string | RegExp): Promise<void> => {
    const error = await errorOf(load({ retry: { times: 1, wait: 0.001 } }, source));
    expect(error).toBeInstanceOf(ServerError);
    sentence(error, source);
    expect(error.message).toMatch(message);
  };

  it('is not there', async () => {
    const gone = await StubServer.start();
    await gone.stop();
    await refused(gone.address, /connection was refused; start the server/);
  });

  it('has a name that nobody knows', async () => {
    await refused('http://no-such-host.invalid/v1', /no-such-host\.invalid/);
  });

  it('speaks no TLS, or no HTTP', async () => {
    await refused(server.address.replace('http:', 'https:'), /does not speak TLS .* http:\/\//);
    const odd = createServer((socket) => socket.on('error', () => {}).end('220 mail.example.org ESMTP\r\n'));
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
    await refused(`http://127.0.0.1:${(odd.address() as { port: number }).port}/v1`, /does not speak HTTP/);
    odd.close();
  });

  it('is no server of models', async () => {
    server.models = raw('<html>', 'text/html');
    expect((await errorOf(load())).message).toContain('web page instead of JSON');
    server.models = json({ hello: 1 });
    expect((await errorOf(load())).message).toContain('does not list its models');
    server.models = [];
    expect((await errorOf(load())).message).toContain('lists no model');
  });

  it('keeps no list, but has the model that is named', async () => {
    server.models = raw('{"detail":"Not Found"}', 'application/json', 404);
    expect((await errorOf(load())).message).toContain('most addresses end in /v1');
    const bagpiper = await load({ serverModel: 'bagpiper' });
    expect((await bagpiper.render('A bell.')).audio?.samples).toHaveLength(SOUND.length);
  });
});

describe('stopping', () => {
  /** Resolves when the server has seen the client leave. */
  async function seen(): Promise<void> {
    while (server.left === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  it('ends the HTTP request of a rendering', async () => {
    const bagpiper = await load();
    const stop = new AbortController();
    const reason = new Error('enough');
    server.mischief.push(() => stop.abort(reason));
    await expect(Promise.resolve(bagpiper.render('A bell.', { signal: stop.signal }))).rejects.toBe(reason);
    await seen();
    expect(server.asked).toHaveLength(1);
  });

  it('ends the HTTP request of a stream, by signal and by leaving the loop', async () => {
    const bagpiper = await load();
    const stop = new AbortController();
    server.mischief.push(stopAfter(3, 'hang'), stopAfter(3, 'hang'));
    const reply = bagpiper.ask(second, 'What?', { signal: stop.signal });
    await expect(
      (async () => {
        for await (const event of reply) if (event.type === 'text') stop.abort(new Error('enough'));
      })(),
    ).rejects.toThrow('enough');
    await seen();
    server.left = 0;
    for await (const event of bagpiper.ask(second, 'What?')) if (event.type === 'text') break;
    await seen();
  });

  it('ends a wait before a new try', async () => {
    const bagpiper = await load({ retry: { wait: 1000, longest: 1000 } });
    const stop = new AbortController();
    server.mischief.push((response, asked) => {
      response.on('close', () => stop.abort(new Error('enough')));
      slam(response, asked);
    });
    await expect(Promise.resolve(bagpiper.ask(second, 'What?', { signal: stop.signal }))).rejects.toThrow('enough');
    expect(server.asked).toHaveLength(1);
  });

  it('ends the opening', async () => {
    const stop = new AbortController();
    server.models = () => stop.abort(new Error('enough'));
    await expect(load({ signal: stop.signal })).rejects.toThrow('enough');
  });

  it('ends running requests when the model is closed, and refuses new ones', async () => {
    const bagpiper = await loadBagpiper(server.address, QUICK);
    server.mischief.push(hang);
    const reply = bagpiper.ask(second, 'What?');
    const failed = expect(Promise.resolve(reply)).rejects.toThrow(/closed while a request was running/);
    while (server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await bagpiper.close();
    await failed;
    await expect(Promise.resolve(bagpiper.ask(second, 'What?'))).rejects.toThrow(/is closed; open it again/);
  });
});
