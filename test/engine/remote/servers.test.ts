/** Several servers in turn, over sockets, and what may be set. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remoteSettings } from '../../../src/engine/remote/options.js';
import { loadBagpiper, ServerError } from '../../../src/index.js';
import { type Mischief, raw, refuse, rightAnswer, StubServer, slam, UNDERSTOOD } from './stub-server.js';

const second = new Float32Array(16000);

describe('settings', () => {
  it('refuse what makes no sense, without showing the key', () => {
    expect(() => remoteSettings({ apiKey: 'two words' })).toThrow(/^The API key holds blanks[^"]*$/);
    expect(() => remoteSettings({ timeouts: { idle: 0 } })).toThrow('"idle" is 0');
    expect(() => remoteSettings({ retry: { times: 1.5 } })).toThrow('tries is 1.5');
    expect(() => remoteSettings({ soundTries: 0 })).toThrow('tries for sound is 0');
    expect(() => remoteSettings({ serverModel: ' ' })).toThrow('name at the server is empty');
  });
});

describe('two servers over sockets', () => {
  let servers: StubServer[];
  beforeEach(async () => {
    servers = [await StubServer.start(), await StubServer.start()];
  });
  afterEach(async () => {
    for (const server of servers) await server.stop();
  });
  const load = (source = servers.map(({ address }) => address).join(',')) =>
    loadBagpiper(source, { retry: { wait: 0.001 } });
  const counts = (): number[] => servers.map(({ asked }) => asked.length);

  it('share the work', async () => {
    const bagpiper = await load();
    expect(bagpiper.info.source).toBe(servers.map(({ address }) => address).join(','));
    await Promise.all(Array.from({ length: 6 }, () => bagpiper.ask(second, 'What?')));
    expect(counts()).toEqual([3, 3]);
    await bagpiper.close();
  });

  it('stand in for each other', async () => {
    const [a, b] = servers;
    a.models = refuse(503, 'loading');
    const bagpiper = await load();
    a.models = [{ id: 'bagpiper' }];
    for (const mischief of [slam, refuse(500, 'oops'), raw('<html>', 'text/html'), refuse(401, 'no')]) {
      for (const { asked } of servers) asked.length = 0;
      // Whoever is asked first fails; the other one answers.
      let first = true;
      const once: Mischief = (response, asked) => {
        (first ? mischief : rightAnswer)(response, asked);
        first = false;
      };
      for (const server of servers) server.mischief.splice(0, 1, once);
      expect(await bagpiper.ask(second, 'What?')).toMatchObject(UNDERSTOOD);
      expect(counts()).toEqual([1, 1]);
    }
    b.mischief.length = 0;
    await bagpiper.close();
  });

  it('are both left alone when both ask for it', async () => {
    const bagpiper = await load();
    for (const { mischief } of servers) mischief.push(refuse(429, 'full', { 'retry-after': '3000' }));
    await expect(Promise.resolve(bagpiper.ask(second, 'What?'))).rejects.toThrow(/429.*429.* left alone for \d+ s/);
    await expect(Promise.resolve(bagpiper.ask(second, 'What?'))).rejects.toThrow(ServerError);
    expect(counts()).toEqual([1, 1]);
    await bagpiper.close();
  });

  it('must run the same model', async () => {
    servers[1].models = [{ id: 'other' }];
    await expect(load()).rejects.toThrow(/runs bagpiper, .* runs other; name one model/);
  });

  it('need not all be there', async () => {
    const [a, b] = servers;
    await b.stop();
    const bagpiper = await load();
    for (let i = 0; i < 3; i++) await bagpiper.ask(second, 'What?');
    expect(a.asked).toHaveLength(3);
    await bagpiper.close();
    await a.stop();
    await expect(load()).rejects.toThrow(/None of 2 servers answered: .*refused.*; .*refused/);
    servers = [];
  });
});
