import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeWav } from '../../src/audio/index.js';
import { progressLine } from '../../src/cli/pull.js';
import { SAID, writeTinyModel } from '../tiny-model.js';
import { COMMIT, published, StubHub, text } from '../weights/hub/stub-hub.js';
import { bagpiper } from './terminal.js';

const MODEL = 'espnet/bagpiper-sft';
let home: string;
let hub: StubHub;
let env: Record<string, string>;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'bagpiper-pull-'));
  hub = await StubHub.start(published(20_000));
  env = { HOME: home, HF_ENDPOINT: hub.endpoint, NO_COLOR: '1' };
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  rmSync(home, { recursive: true, force: true });
});

const snapshot = (): string => join(home, '.cache/huggingface/hub/models--espnet--bagpiper-sft/snapshots', COMMIT);

describe('bagpiper pull', () => {
  it('prints the folder, and nothing else into a pipe', async () => {
    expect(await bagpiper(['pull', MODEL], { env })).toMatchObject({ code: 0, out: `${snapshot()}\n`, err: '' });
  });

  it('tells onlookers what is done and what is left out', async () => {
    const { code, complaints } = await bagpiper(['pull', MODEL], { env, tty: true });
    expect(code).toBe(0);
    const lines = complaints.map((line) => line.split('\x1b[K').at(-1));
    expect(lines[0]).toBe('espnet/bagpiper-sft at c0ffee000000: 8 files, 90 kB.');
    expect(lines[1]).toBe(
      'Skipped 4 files (9.5 kB): 1 hidden, 1 training state, 1 log, 1 picture; --include "*" takes all.',
    );
    const q4 = join(home, `.cache/huggingface/bagpiper/models--espnet--bagpiper-sft/${COMMIT}-q4`);
    expect(lines.at(-1)).toBe(`As published. To run it here, once: bagpiper convert "${snapshot()}" "${q4}"`);
  });

  it('says everything as JSON', async () => {
    const { out } = await bagpiper(['pull', `${MODEL}@v1`, '--json', '--no-tokenizer'], { env });
    expect(JSON.parse(out)).toMatchObject({
      repo: MODEL,
      revision: 'v1',
      commit: COMMIT,
      folder: snapshot(),
      files: 4,
    });
  });

  it('takes its options', async () => {
    const folder = join(home, 'mine');
    const options = [
      '--revision',
      'v1',
      '--out',
      folder,
      '--include',
      '*.pt',
      'README.md',
      '--jobs',
      '2',
      '--tokenizer',
      'Qwen/Qwen3-8B-Base',
    ];
    expect(await bagpiper(['pull', MODEL, ...options], { env })).toMatchObject({ code: 0, out: `${folder}\n` });
    expect(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8')).toContain('Qwen2Tokenizer');
  });

  it.each([
    [['pull'], 2, /missing required argument 'repo'/],
    [['pull', 'nonsense!'], 2, /"nonsense!" names no repository/],
    [['pull', 'espnet/nothing'], 2, /knows no repository espnet\/nothing/],
    [['pull', MODEL, '--jobs', 'x'], 2, /--jobs is "x"/],
    [['pull', MODEL, '--revision', 'v9'], 2, /no revision "v9"/],
    [['pull', MODEL, '--include', '*.gguf'], 2, /fits --include "\*\.gguf"/],
  ])('%j is refused in one line', async (argv, code, message) => {
    const shown = await bagpiper(argv, { env });
    expect({ code: shown.code, out: shown.out, lines: shown.complaints.length }).toEqual({ code, out: '', lines: 1 });
    expect(shown.complaints[0]).toMatch(message);
  });

  it('ends with 3 where the hub fails', async () => {
    hub.fault = () => ({ status: 429, headers: { 'retry-after': '9999' } });
    const { code, complaints } = await bagpiper(['pull', MODEL], { env });
    expect({ code, lines: complaints.length }).toEqual({ code: 3, lines: 1 });
  });

  it('ends with 130 on Ctrl-C, and goes on', async () => {
    const controller = new AbortController();
    hub.onSent = (total) => total > 8000 && controller.abort(new Error('Ctrl-C'));
    hub.pieceDelay = 5;
    const stopped = await bagpiper(['pull', MODEL], { env, tty: true, signal: controller.signal });
    expect(stopped).toMatchObject({ code: 130, out: '' });
    expect(stopped.err).toContain('What has come is kept');
    hub.onSent = () => {};
    expect(await bagpiper(['pull', MODEL], { env })).toMatchObject({ code: 0, out: `${snapshot()}\n` });
  });
});

describe('bagpiper pull --quantize', () => {
  const checkpoint = fileURLToPath(new URL('../fixtures/checkpoint', import.meta.url));
  const converted = (format: string): string =>
    join(home, `.cache/huggingface/bagpiper/models--org--tiny/${'e'.repeat(40)}-${format}`);

  beforeEach(() => {
    const content = (name: string, lfs = false) => ({ content: readFileSync(join(checkpoint, name)), lfs });
    const files = {
      'config.json': content('config.json'),
      'tokenizer.json': content('tokenizer.json'),
      'model.pt': content('model.pt', true),
    };
    hub.repos['org/tiny'] = { commit: 'e'.repeat(40), files };
    for (const [name, value] of Object.entries({ HF_HOME: join(home, '.cache/huggingface'), HF_HUB_CACHE: '' })) {
      vi.stubEnv(name, value);
    }
  });

  it('converts what came and prints that folder alone; the model is then known by its name', async () => {
    const pull = ['pull', 'org/tiny', '--quantize', 'q4'];
    expect(await bagpiper(pull, { env })).toMatchObject({ code: 0, out: `${converted('q4')}\n`, err: '' });
    const wav = join(home, 'a.wav');
    writeFileSync(wav, encodeWav(new Float32Array(8000).fill(0.1), 16000));
    const said = await bagpiper(['describe', wav, '-m', 'org/tiny', '--json'], { env });
    expect(JSON.parse(said.out)).toMatchObject({ caption: SAID.caption });
    const again = await bagpiper([...pull, '--json'], { env });
    expect(JSON.parse(again.out)).toMatchObject({ folder: converted('q4'), received: 0 });
  });

  it('tells onlookers of both steps, and asks nobody to convert what is converted', async () => {
    const { complaints } = await bagpiper(['pull', 'org/tiny', '--quantize', 'q8'], { env, tty: true });
    const lines = complaints.map((line) => line.split('\x1b[K').at(-1));
    expect(lines[0]).toMatch(/^org\/tiny at eeeeeeeeeeee: 3 files/);
    expect(lines[1]).toMatch(/^Tensors: /);
    expect(lines[2]).toMatch(/^vocab_weight is left out/);
    expect(complaints.join()).not.toContain('To run it here');
  });

  it('puts the result where --out says, and nothing over a folder that is something else', async () => {
    const out = join(home, 'mine');
    const pull = ['pull', 'org/tiny', '--out', out, '--quantize'];
    expect(await bagpiper([...pull, 'q4'], { env })).toMatchObject({ code: 0, out: `${out}\n` });
    expect(await bagpiper([...pull, 'q4'], { env })).toMatchObject({ code: 0, out: `${out}\n` });
    const other = await bagpiper([...pull, 'q8'], { env });
    expect(other).toMatchObject({ code: 2, out: '' });
    expect(other.err).toMatch(/mine exists already; choose another folder/);
  });

  it('without it a checkpoint is looked at, and converted by its name, where it lies', async () => {
    await bagpiper(['pull', 'org/tiny'], { env });
    const about = await bagpiper(['info', 'org/tiny', '--json'], { env });
    expect(JSON.parse(about.out)).toMatchObject({ machine: expect.stringContaining('must be converted once') });
    const out = join(home, 'by-name');
    expect(await bagpiper(['convert', 'org/tiny', out], { env })).toMatchObject({ code: 0, out: `${out}\n` });
  });

  it.each([
    [['--quantize', 'none'], /--quantize is "none"; q4 and q8 are accepted/],
    [['--quantize', 'q4', '--no-tokenizer'], /--quantize needs a tokenizer/],
  ])('%j is refused', async (more, message) => {
    const shown = await bagpiper(['pull', 'org/tiny', ...more], { env });
    expect({ code: shown.code, out: shown.out, lines: shown.complaints.length }).toEqual({
      code: 2,
      out: '',
      lines: 1,
    });
    expect(shown.complaints[0]).toMatch(message);
  });
});

describe('a pulled model', () => {
  it('is found by its name, by the verbs and by info', async () => {
    const folder = await writeTinyModel(join(home, 'tiny'));
    const content = (name: string) => ({
      content: readFileSync(join(folder, name)),
      lfs: name.endsWith('.safetensors'),
    });
    const names = ['config.json', 'tokenizer.json', 'model.safetensors'];
    const files = { ...Object.fromEntries(names.map((name) => [name, content(name)])), 'README.md': text('tiny') };
    hub.repos['org/tiny'] = { commit: 'd'.repeat(40), files };
    const wav = join(home, 'a.wav');
    writeFileSync(wav, encodeWav(new Float32Array(8000).fill(0.1), 16000));
    for (const [name, value] of Object.entries({ HF_HOME: join(home, '.cache/huggingface'), HF_HUB_CACHE: '' })) {
      vi.stubEnv(name, value);
    }
    const before = await bagpiper(['describe', wav, '-m', 'org/tiny'], { env });
    expect(before).toMatchObject({ code: 2, out: '' });
    expect(before.err).toContain('"bagpiper pull org/tiny" gets it from the hub');
    await bagpiper(['pull', 'org/tiny'], { env });
    await hub.stop();
    hub = await StubHub.start({});
    expect(await bagpiper(['describe', wav, '-m', 'org/tiny'], { env })).toMatchObject({
      code: 0,
      out: `${SAID.caption}\n`,
    });
    expect(await bagpiper(['info', 'org/tiny'], { env })).toMatchObject({ code: 0 });
  });
});

describe('progress', () => {
  it('shows bytes, speed and time left', () => {
    const line = { done: 1.2e9, total: 18.2e9, speed: 85e6, left: 200 };
    expect(progressLine(line)).toBe('1.2 GB of 18.2 GB, 85 MB/s, 3 min 20 s left');
    expect(progressLine({ ...line, speed: undefined, left: undefined })).toBe('1.2 GB of 18.2 GB');
    expect(progressLine({ ...line, left: 4000 })).toMatch(/1 h 6 min left$/);
    expect(progressLine({ ...line, left: 0.3 })).toMatch(/, 1 s left$/);
    expect(progressLine({ ...line, done: 18.2e9, left: 0 })).toBe('18.2 GB of 18.2 GB, 85 MB/s');
  });
});
