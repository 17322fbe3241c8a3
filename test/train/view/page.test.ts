import { appendFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Page, servePage } from '../../../src/train/view/index.js';
import { bagpiper, Recorder } from '../../cli/terminal.js';
import { addAudition, jsonl, logLines, madeRun, tone } from './made-run.js';

const HOSTILE = `</p><script>alert(1)</script><img src=x onerror='a()'>`;

let folder: string;
let run: string;
let page: Page;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-page-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  run = mkdtempSync(join(folder, 'run-'));
  madeRun(run, HOSTILE);
  page = await servePage({ folder: run, port: 0 });
});
afterEach(() => page.close());

/** Asks with the path as it is: fetch would tidy it. */
function ask(path: string, options: { host?: string; method?: string; range?: string } = {}) {
  const { host, method = 'GET', range } = options;
  const { hostname, port } = new URL(page.url);
  const headers = { ...(host !== undefined && { host }), ...(range !== undefined && { range }) };
  return new Promise<{ code: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>((done, fail) => {
    const asked = request({ hostname, port, path, method, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        done({ code: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
      );
    });
    asked.on('error', fail).end();
  });
}

describe('the page', () => {
  it('shows stages, numbers, curves, settings and what was heard, newest first', async () => {
    const { code, headers, body } = await ask('/');
    const text = body.toString();
    expect(code).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    for (const words of ['learn, stage 2 of 3', '10 of 40', 'to come', 'held-out loss, step 10', 'seed', 'seven']) {
      expect(text).toContain(words);
    }
    expect(text.match(/<svg class="chart"/g)?.length).toBe(2);
    const cards = [...text.matchAll(/<article class="card audition" id="([^"]+)"/g)].map(([, id]) => id);
    expect(cards).toEqual(['heard-learn-000010', 'heard-warm-000000']);
    expect(text).toContain('gone.wav cannot be read');
  });

  it('loads nothing from elsewhere, and escapes what the model says', async () => {
    const { headers, body } = await ask('/');
    const text = body.toString();
    expect(text).not.toContain('<script>alert');
    expect(text).toContain('&#60;script&#62;alert(1)');
    const links = [...text.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, link]) => link);
    expect(links.filter((link) => /^(?:[a-z]+:)?\/\//i.test(link))).toEqual([]);
    expect([...text.matchAll(/<script\b[^>]*>/g)].map(([tag]) => tag)).toEqual(['<script src="page.js" defer>']);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'/);
    expect((await ask('/page.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
  });

  it('plays sounds, in parts too, and draws them', async () => {
    const links = [...(await ask('/')).body.toString().matchAll(/ src="((?:sound|picture)\/[^"]+)"/g)];
    expect(links.length).toBe(6);
    const sound = await ask('/sound/learn-000010/render-1.wav');
    expect(sound.headers['content-type']).toBe('audio/wav');
    expect(sound.body.equals(Buffer.from(tone()))).toBe(true);
    const part = await ask('/sound/learn-000010/render-1.wav', { range: 'bytes=4-7' });
    expect([part.code, part.headers['content-range'], part.body.equals(sound.body.subarray(4, 8))]).toEqual([
      206,
      `bytes 4-7/${sound.body.length}`,
      true,
    ]);
    const last = await ask('/sound/learn-000010/render-1.wav', { range: 'bytes=-2' });
    expect(last.body.equals(sound.body.subarray(-2))).toBe(true);
    expect((await ask('/sound/learn-000010/render-1.wav', { range: 'bytes=9999999-' })).code).toBe(416);
    const picture = await ask('/picture/sounds/low-1.wav');
    expect(picture.headers['content-type']).toBe('image/png');
    expect(picture.body.subarray(1, 4).toString()).toBe('PNG');
  });

  it('gives nothing from outside the samples of the run', async () => {
    writeFileSync(join(folder, 'secret.wav'), tone());
    writeFileSync(join(run, 'own.wav'), tone());
    symlinkSync(join(folder, 'secret.wav'), join(run, 'samples', 'sounds', 'link.wav'));
    symlinkSync(folder, join(run, 'samples', 'out'));
    const outside = [
      '/sound/../own.wav',
      '/sound/sounds/../../own.wav',
      '/sound/..%2fown.wav/x',
      '/sound/sounds/..%2f..%2fown.wav',
      '/sound/../../../../../../etc/passwd',
      '/sound/sounds/link.wav',
      '/picture/sounds/link.wav',
      '/sound/out/secret.wav',
      '/sound/sounds/low-1.wav%00',
      '/sound/sounds//etc/passwd',
      '/sound/learn-000010/samples.json',
      '/run.json',
      '/learn/log.jsonl',
      '//etc/passwd',
    ];
    for (const path of outside) expect([path, (await ask(path)).code]).toEqual([path, 404]);
  });

  it('is to be looked at alone, and under a name of this machine', async () => {
    expect((await ask('/', { method: 'POST' })).code).toBe(405);
    expect((await ask('/', { method: 'HEAD' })).body.length).toBe(0);
    expect((await ask('/', { host: 'attacker.example:80' })).code).toBe(421);
    for (const host of ['localhost:8321', '127.0.0.1', '[::1]:1']) expect((await ask('/', { host })).code).toBe(200);
  });

  it('is served to this machine alone', () => {
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  });
});

/** Messages of a feed, one after the other; undefined at its end. */
async function* feedOf(
  response: Response,
): AsyncGenerator<{ parts: Record<string, string>; auditions: { id: string }[] }> {
  let text = '';
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(piece).toString();
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const message = text.slice(0, end);
      text = text.slice(end + 2);
      if (message.startsWith('data: ')) yield JSON.parse(message.slice(6));
    }
  }
}

describe('the feed', () => {
  it('sends everything, then what is new, and ends with the page', async () => {
    const response = await fetch(`${page.url}events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const feed = feedOf(response);
    const whole = (await feed.next()).value;
    expect(Object.keys(whole.parts)).toEqual(['now', 'curves', 'more', 'settings']);
    expect(whole.auditions.length).toBe(2);
    appendFileSync(join(run, 'learn', 'log.jsonl'), jsonl(logLines(40).slice(10, 12)));
    const step = (await feed.next()).value;
    expect(step.parts.now).toContain('12 of 40');
    expect([step.parts.settings, step.auditions]).toEqual([undefined, []]);
    addAudition(run, 'learn', 12, [{ title: 'describe low.wav', text: 'A hum.' }]);
    const heard = (await feed.next()).value;
    expect(heard.auditions.map(({ id }: { id: string }) => id)).toEqual(['heard-learn-000012']);
    await page.close();
    await expect(feed.next()).resolves.toMatchObject({ done: true });
  });
});

describe('bagpiper curves', () => {
  it('prints where the page is, and ends at Ctrl-C', async () => {
    const stop = new AbortController();
    const { code, out } = await withStop(['curves', run, '--port', '0'], stop, async (url) => {
      expect(await (await fetch(url)).text()).toContain('learn, stage 2 of 3');
    });
    expect(code).toBe(0);
    await expect(fetch(out.trim())).rejects.toThrow();
  });

  it('ends in one sentence where the port is taken', async () => {
    const { port } = new URL(page.url);
    const { code, complaints } = await bagpiper(['curves', run, '--port', port]);
    expect(code).toBe(2);
    expect(complaints).toEqual([
      `bagpiper: Port ${port} is in use already; name another one, or 0 for any that is free.`,
    ]);
  });

  it.each([
    [['curves', '/nowhere'], '/nowhere is no folder'],
    [['curves', '.', '--port', '70000'], '--port is "70000"; a port from 0'],
    [['curves', '.', '--port', 'a b:1'], '--port is "a b:1"; a port from 0'],
    [['train', '-c', 'package.json', '--page', 'x'], 'package.json: name is not known'],
  ])('complains: %j', async (argv, words) => {
    const { code, err } = await bagpiper(argv);
    expect([code, err.split('\n').length]).toEqual([2, 2]);
    expect(err).toContain(words);
  });

  it('says which addresses there are', async () => {
    const { err } = await bagpiper(['curves', run, '--port', '203.0.113.9:0']);
    expect(err).toContain('203.0.113.9 is no address of this machine');
  });
});

/** Types a command, does something once it has printed an address, and stops it. */
async function withStop(argv: string[], stop: AbortController, work: (url: string) => Promise<void>) {
  const { run: start } = await import('../../../src/cli/main.js');
  const [stdout, stderr] = [new Recorder(), new Recorder()];
  const stdin = process.stdin;
  const printed = new Promise<string>((done) => {
    const write = stdout._write.bind(stdout);
    stdout._write = (piece: Uint8Array, encoding, after) => {
      write(piece, encoding, after);
      done(stdout.text.trim());
    };
  });
  const ended = start(argv, { stdin, stdout, stderr, env: {} }, stop.signal);
  try {
    await work(await printed);
  } finally {
    stop.abort();
  }
  return { code: await ended, out: stdout.text };
}

describe('connections', () => {
  it('that say nothing do not hold the page', async () => {
    const { hostname, port } = new URL(page.url);
    const socket = connect(Number(port), hostname);
    await new Promise((done) => socket.once('connect', done));
    const gone = new Promise((done) => socket.once('close', done));
    await page.close();
    await gone;
  });
});
