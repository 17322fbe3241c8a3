/** What the network and servers do to a download, and that it comes out whole all the same. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BagpiperError, ServerError } from '../../../src/errors.js';
import { type PullEvent, type PullOptions, pullModel } from '../../../src/weights/hub/index.js';
import { type Asked, type Fault, published, StubHub, sha256 } from './stub-hub.js';

const MODEL = 'espnet/bagpiper-sft';
const SIZE = 200_000;
const CHUNK = 32_768;
const PACE = { attempts: 4, backoff: 2, silence: 1000, chunk: CHUNK };
let home: string;
let hub: StubHub;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'bagpiper-broken-'));
  hub = await StubHub.start(published(SIZE));
});
afterEach(async () => {
  await hub.stop();
  rmSync(home, { recursive: true, force: true });
});

const pull = (options: PullOptions = {}) =>
  pullModel(MODEL, { env: { HOME: home, HF_ENDPOINT: hub.endpoint }, pace: PACE, tokenizer: false, ...options });
const model = (): Buffer => Buffer.from(hub.repos[MODEL].files['model.pt'].content);
const blobs = (...steps: string[]): string =>
  join(home, '.cache/huggingface/hub/models--espnet--bagpiper-sft/blobs', ...steps);
const incomplete = (): string => blobs(`${sha256(model())}.incomplete`);

/** The model arrived as it is. */
async function arrives(options: PullOptions = {}): Promise<void> {
  const { folder } = await pull(options);
  expect(readFileSync(join(folder, 'model.pt')).equals(model()), 'content').toBe(true);
  expect(readdirSync(blobs()).filter((name) => name.endsWith('.incomplete'))).toEqual([]);
}

/** What goes wrong with requests for contents, counted from 0. */
function faults(server: Asked['server'], choose: (count: number, asked: Asked) => Fault | undefined): void {
  let count = 0;
  hub.fault = (asked) => {
    if (asked.server !== server || asked.path.startsWith('/api/')) return undefined;
    return choose(count++, asked);
  };
}

/** Puts the beginning of the model where a download broke off. */
function leaveBehind(bytes: Uint8Array): void {
  mkdirSync(dirname(incomplete()), { recursive: true });
  writeFileSync(incomplete(), bytes);
}

describe('connections that break', () => {
  it('before, in the middle of and between answers', async () => {
    // Counted a chunk, so that the order in which connections take their turns decides nothing.
    const tries = new Map<number, number>();
    faults('storage', (_, { headers }) => {
      const chunk = Math.floor(Number(/\d+/.exec(headers.range ?? '')?.[0]) / CHUNK);
      const count = tries.get(chunk) ?? 0;
      tries.set(chunk, count + 1);
      return count === 0 || count === 2 ? 'reset' : count === 1 ? { cut: 10_000 } : undefined;
    });
    await arrives();
    // The last chunk is shorter than the cut.
    expect([...tries.keys()].map((chunk) => tries.get(chunk) === ((chunk + 1) * CHUNK > SIZE ? 2 : 4))).toEqual(
      new Array(Math.ceil(SIZE / CHUNK)).fill(true),
    );
  });

  it('again and again, as long as something comes', async () => {
    faults('storage', () => ({ cut: 5000 }));
    await arrives({ jobs: 2 });
    const starts = hub.downloads('storage').map(({ headers }) => Number(/\d+/.exec(headers.range ?? '')?.[0]));
    expect(new Set(starts).size).toBe(starts.length);
  });

  it('by falling silent', async () => {
    faults('storage', (count) => (count === 0 ? { stall: 5000 } : undefined));
    await arrives();
  });

  it('for good: what came is kept, and the next time goes on', async () => {
    faults('storage', (count) => (count >= 3 ? 'reset' : undefined));
    const error = await pull({ jobs: 1 }).then(undefined, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServerError);
    expect((error as Error).message).toMatch(/keeps breaking \(.*same command again/);
    expect(readFileSync(incomplete()).equals(model().subarray(0, 3 * CHUNK))).toBe(true);
    hub.fault = () => undefined;
    hub.asked.length = 0;
    await arrives({ jobs: 1 });
    expect(hub.downloads('storage')[0].headers.range).toBe(`bytes=${3 * CHUNK}-${4 * CHUNK - 1}`);
  });

  it('while the repository is listed', async () => {
    let count = 0;
    hub.fault = ({ path }) => (path.startsWith('/api/') && count++ % 2 === 0 ? 'reset' : undefined);
    await arrives();
  });
});

describe('servers with a bad day', () => {
  it('500, 503 and 429 that pass', async () => {
    const answers: Fault[] = [
      { status: 500 },
      { status: 503, headers: { 'retry-after': '0' } },
      { status: 429, headers: { 'retry-after': '0' } },
    ];
    faults('hub', (count) => answers[count]);
    await arrives({ jobs: 1 });
  });

  it('429 that asks for an hour is said at once', async () => {
    faults('hub', () => ({ status: 429, headers: { 'retry-after': '3600' } }));
    const error = await pull().then(undefined, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServerError);
    expect((error as Error).message).toMatch(/asked too often \(429\): wait 3600 s, set HF_TOKEN/);
  });

  it('signed addresses that expire', async () => {
    hub.uses = 2;
    await arrives({ jobs: 1 });
    expect(hub.downloads('hub').filter(({ path }) => path.endsWith('model.pt'))).toHaveLength(4);
  });

  it('asks the hub once and the storage server for the rest', async () => {
    await arrives({ jobs: 1 });
    expect(hub.downloads('hub').filter(({ path }) => path.endsWith('model.pt'))).toHaveLength(1);
    const ranges = hub.downloads('storage').map(({ headers }) => [headers.range, headers['if-range']]);
    expect(ranges).toHaveLength(Math.ceil(SIZE / CHUNK));
    expect(ranges[0]).toEqual([`bytes=0-${CHUNK - 1}`, undefined]);
    expect(ranges[1]).toEqual([`bytes=${CHUNK}-${2 * CHUNK - 1}`, '"storage-0123"']);
  });

  it('servers that know no ranges', async () => {
    faults('storage', () => 'no ranges');
    await arrives();
  });

  it('servers that know no ranges and break off', async () => {
    leaveBehind(model().subarray(0, 70_000));
    faults('storage', (count) => (count < 3 ? { cut: 50_000, whole: true } : 'no ranges'));
    await arrives();
    rmSync(blobs(), { recursive: true });
    faults('storage', () => ({ cut: 50_000, whole: true }));
    await expect(pull()).rejects.toThrow(/breaks off model\.pt and cannot go on in the middle/);
  });
});

describe('contents that are not right', () => {
  it('a wrong byte: fetched again', async () => {
    const warnings: string[] = [];
    const onEvent = (event: PullEvent): void => {
      if (event.type === 'warning') warnings.push(event.text);
    };
    faults('storage', (count) => (count === 2 ? 'corrupt' : undefined));
    await arrives({ onEvent });
    expect(warnings).toEqual(['model.pt came damaged (its checksum is wrong); it is fetched again.']);
  });

  it.each(['storage', 'hub'] as const)('wrong every time (%s): refused, and nothing of it stays', async (server) => {
    faults(server, () => 'corrupt');
    const error = await pull({ jobs: 1 }).then(undefined, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServerError);
    const [file, name] = server === 'hub' ? ['README.md', 'git blob SHA-1'] : ['model.pt', 'SHA-256'];
    expect((error as Error).message).toContain(`${file} of ${MODEL} came damaged twice: its ${name} should be`);
    expect(existsSync(blobs(sha256(model())))).toBe(false);
  });

  it('a damaged beginning that was left behind', async () => {
    const beginning = Buffer.from(model().subarray(0, 70_000));
    beginning[100] ^= 1;
    leaveBehind(beginning);
    await arrives();
  });

  it('a beginning that is longer than the whole', async () => {
    leaveBehind(new Uint8Array(SIZE + 1));
    await arrives();
  });

  it('a beginning that is the whole', async () => {
    leaveBehind(model());
    await arrives();
    expect(hub.downloads('storage')).toEqual([]);
  });

  it('a file that became shorter on the server (416)', async () => {
    leaveBehind(model().subarray(0, 70_000));
    faults('storage', () => ({ status: 416 }));
    await expect(pull()).rejects.toThrow(/contradicts itself about model\.pt.*fewer bytes than the 200000 it lists/);
  });

  it.each([
    ['x-repo-commit', 'd'.repeat(40), 'gives commit dddd'],
    ['x-linked-size', '5', 'says it has 5 bytes'],
    ['x-linked-etag', `"${'e'.repeat(64)}"`, 'says it has SHA-256 eeee'],
  ])('%s other than listed', async (header, value, message) => {
    faults('hub', (_, { path }) => (path.endsWith('model.pt') ? { headers: { [header]: value } } : undefined));
    await expect(pull()).rejects.toThrow(message);
    expect(hub.downloads('storage')).toEqual([]);
  });

  it('names that lead out of the folder', async () => {
    for (const name of ['../evil.pt', '/etc/evil.pt', 'a/../../evil.pt', 'C:evil.pt', 'a\\..\\evil.pt', 'a//b.pt']) {
      const repo = hub.repos[MODEL];
      hub.repos['org/evil'] = { ...repo, files: { ...repo.files, [name]: repo.files['README.md'] } };
      const evil = pullModel('org/evil', { env: { HOME: home, HF_ENDPOINT: hub.endpoint }, pace: PACE });
      await expect(evil).rejects.toThrow(/no safe name/);
    }
    expect(hub.downloads('hub')).toEqual([]);
  });
});

describe('the disk', () => {
  it.runIf(process.platform === 'linux' && existsSync('/dev/full'))('full in the middle', async () => {
    mkdirSync(blobs(), { recursive: true });
    const { symlinkSync } = await import('node:fs');
    symlinkSync('/dev/full', incomplete());
    const error = await pull().then(undefined, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(BagpiperError);
    expect((error as Error).message).toMatch(/disk of .* is full/);
  });
});
