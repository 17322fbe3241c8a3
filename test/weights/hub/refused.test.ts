/** What the hub refuses, as sentences; and that the token goes to the hub alone and is never shown. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BagpiperError, ServerError } from '../../../src/errors.js';
import { type PullOptions, pullModel } from '../../../src/weights/hub/index.js';
import { COMMIT, published, StubHub } from './stub-hub.js';

const MODEL = 'espnet/bagpiper-sft';
const PACE = { attempts: 2, backoff: 2, silence: 5000, chunk: 65_536 };
const SECRET = 'hf_verysecret';
let home: string;
let hub: StubHub;
let env: Record<string, string>;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'bagpiper-refused-'));
  hub = await StubHub.start(published(20_000));
  env = { HOME: home, HF_ENDPOINT: hub.endpoint };
});
afterEach(async () => {
  await hub.stop();
  rmSync(home, { recursive: true, force: true });
});

const pull = (options: PullOptions = {}, name = MODEL) =>
  pullModel(name, { env, pace: PACE, tokenizer: false, ...options });
const host = (): string => new URL(hub.endpoint).host;

async function refusal(options: PullOptions = {}, name = MODEL): Promise<string> {
  const error = await pull(options, name).then(
    () => expect.unreachable('it was pulled'),
    (reason: unknown) => reason as Error,
  );
  expect(error).toBeInstanceOf(BagpiperError);
  expect(`${error.message} ${error.stack}`).not.toContain(SECRET);
  return error.message;
}

describe('what the hub refuses', () => {
  it('a repository that is not there, or private', async () => {
    expect(await refusal({}, 'espnet/nothing')).toBe(
      `${host()} knows no repository espnet/nothing, or it is private: check the name, or set HF_TOKEN to a token that may read it (${hub.endpoint}/settings/tokens).`,
    );
    env.HF_TOKEN = SECRET;
    expect(await refusal({}, 'espnet/nothing')).toBe(
      `${host()} knows no repository espnet/nothing, or the account of the token in HF_TOKEN may not see it; check both.`,
    );
  });

  it('a repository whose conditions nobody accepted', async () => {
    hub.repos[MODEL].gated = 'hf_other';
    expect(await refusal()).toMatch(/accept them at .*\/espnet\/bagpiper-sft, then set HF_TOKEN/);
    env.HF_TOKEN = SECRET;
    expect(await refusal()).toMatch(/account of the token in HF_TOKEN is not among them: accept them at/);
  });

  it('a revision that is not there', async () => {
    expect(await refusal({ revision: 'v9' })).toContain(`${MODEL} has no revision "v9"; name a branch`);
  });

  it('a token', async () => {
    env.HF_TOKEN = SECRET;
    hub.fault = () => ({ status: 401 });
    expect(await refusal()).toMatch(/does not accept the token in HF_TOKEN: it is wrong or has expired/);
    hub.fault = () => ({ status: 403, headers: { 'x-error-message': 'Enable access to gated repositories' } });
    expect(await refusal()).toMatch(/token in HF_TOKEN may not read .* \("Enable access to gated repositories"\)/);
  });

  it('a file that it lists', async () => {
    hub.fault = ({ path }) => (path.endsWith('/model.pt') ? { status: 404 } : undefined);
    expect(await refusal()).toMatch(/lists model\.pt, but .* does not have it \(404\)/);
  });

  it('everything, being ill or no hub', async () => {
    hub.fault = () => ({ status: 502 });
    expect(await refusal()).toMatch(/error of its own \(502\); try later/);
    hub.fault = () => ({ status: 200 });
    expect(await refusal()).toMatch(/does not answer as a hub does .*HF_ENDPOINT/);
    hub.fault = () => ({ status: 302, headers: { location: hub.endpoint } });
    expect(await refusal()).toMatch(/without end/);
    hub.fault = () => ({ status: 302, headers: { location: 'file:///etc/passwd' } });
    expect(await refusal()).toMatch(/not safe to follow/);
  });

  it('a connection', async () => {
    const endpoint = hub.endpoint;
    await hub.stop();
    const error = await pull().then(undefined, (reason: unknown) => reason);
    hub = await StubHub.start({});
    expect(error).toBeInstanceOf(ServerError);
    expect((error as Error).message).toBe(
      `${new URL(endpoint).host} cannot be reached, or the connection keeps breaking (ECONNREFUSED); check the network, HTTPS_PROXY and HF_ENDPOINT, then give the same command again, and it goes on where it stopped.`,
    );
  });
});

describe('the token', () => {
  const sent = (server: 'hub' | 'storage'): unknown[] => [
    ...new Set(hub.asked.filter((one) => one.server === server).map(({ headers }) => headers.authorization)),
  ];

  it('opens private and gated repositories, and goes to the hub alone', async () => {
    Object.assign(hub.repos[MODEL], { private: SECRET, gated: SECRET });
    env.HF_TOKEN = SECRET;
    await expect(pull()).resolves.toMatchObject({ commit: COMMIT });
    expect(sent('hub')).toEqual([`Bearer ${SECRET}`]);
    expect(sent('storage')).toEqual([undefined]);
  });

  it('comes from HF_TOKEN, HF_TOKEN_PATH or the file of the hub tools', async () => {
    const file = join(home, '.cache/huggingface/token');
    mkdirSync(join(home, '.cache/huggingface'), { recursive: true });
    writeFileSync(file, 'hf_file\n');
    writeFileSync(join(home, 'mine'), ' hf_mine ');
    const cases: [Record<string, string>, string | undefined][] = [
      [{}, 'Bearer hf_file'],
      [{ HF_TOKEN_PATH: '~/mine' }, 'Bearer hf_mine'],
      [{ HF_TOKEN: 'hf_env', HF_TOKEN_PATH: '~/mine' }, 'Bearer hf_env'],
      [{ HF_TOKEN: 'hf_env', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }, undefined],
      [{ HF_HOME: join(home, 'empty') }, undefined],
    ];
    for (const [more, expected] of cases) {
      hub.asked.length = 0;
      await pull({ env: { ...env, ...more }, include: ['README.md'] });
      expect(sent('hub')).toEqual([expected]);
    }
  });

  it('is checked before anything is asked, and not shown', async () => {
    const message = await refusal({ env: { ...env, HF_TOKEN: `${SECRET}\nx-evil: 1` } });
    expect(message).toContain('What HF_TOKEN holds is no token');
    expect(hub.asked).toEqual([]);
  });

  it('does not follow a listing to another host', async () => {
    env.HF_TOKEN = SECRET;
    const seen: unknown[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('[]');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    // A mirror that passes on the hub's own link: the next page is asked from the mirror.
    hub.pageSize = 3;
    Object.defineProperty(hub, 'endpoint', { get: () => elsewhere });
    await pull({ include: ['conf/*'] });
    // A redirect leads away, but the token stays.
    hub.fault = () => ({ status: 302, headers: { location: `${elsewhere}/api` } });
    await expect(pull()).rejects.toThrow();
    other.close();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((token) => token === undefined)).toBe(true);
  });
});

describe('what the user wrote', () => {
  it.each([
    ['bagpiper sft', 'names no repository'],
    ['https://huggingface.co/espnet/bagpiper-sft', 'write owner and name'],
    ['../x', 'names no repository'],
    ['a/b/c', 'names no repository'],
    ['espnet/bagpiper--sft', 'names no repository'],
    ['espnet/bagpiper@../x', 'The revision is "../x"'],
  ])('%s', async (name, message) => {
    expect(await refusal({}, name)).toContain(message);
    expect(hub.asked).toEqual([]);
  });

  it('options without sense', async () => {
    expect(await refusal({ jobs: 0 })).toContain('--jobs is 0');
    expect(await refusal({ jobs: 1.5 })).toContain('--jobs is 1.5');
    expect(await refusal({ env: { ...env, HF_ENDPOINT: 'hub' } })).toContain('HF_ENDPOINT is no address');
    expect(await refusal({ tokenizer: 'espnet/none' })).toContain('espnet/none');
    writeFileSync(join(home, 'file'), '');
    expect(await refusal({ out: join(home, 'file') })).toContain('is a file');
  });

  it('two processes at the same model', async () => {
    let release = (): void => {};
    hub.fault = ({ server }) => (server === 'storage' ? { stall: 0 } : undefined);
    const controller = new AbortController();
    const started = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = pull({ signal: controller.signal, onEvent: (event) => event.type === 'listed' && release() });
    await started;
    expect(await refusal()).toMatch(/is being pulled by another process already; wait/);
    controller.abort(new Error('stop'));
    await expect(first).rejects.toThrow('stop');
    hub.fault = () => undefined;
    await expect(pull()).resolves.toMatchObject({ commit: COMMIT });
  });
});
