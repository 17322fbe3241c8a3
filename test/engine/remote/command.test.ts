/** The command line with a server for a model. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeWav, readAudio, readWavMetadata } from '../../../src/audio/index.js';
import { bagpiper } from '../../cli/terminal.js';
import { writeTinyModel } from '../../tiny-model.js';
import { completion, hang, json, PLANNED, raw, refuse, SOUND, StubServer, UNDERSTOOD } from './stub-server.js';

const BIN = fileURLToPath(new URL('../../../bin/bagpiper.js', import.meta.url));
let folder: string;
let server: StubServer;
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-remote-'));
  writeFileSync(at('a.wav'), encodeWav(new Float32Array(8000).fill(0.1), 16000));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  server = await StubServer.start();
});
afterEach(() => server.stop());

describe('the verbs', () => {
  it('describe and ask', async () => {
    const described = await bagpiper(['describe', at('a.wav'), '-m', server.address]);
    expect(described).toMatchObject({ code: 0, out: `${UNDERSTOOD.caption}\n`, err: '' });
    const { code, out } = await bagpiper(['ask', at('a.wav'), 'How often?', '-m', server.address, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ...UNDERSTOOD,
      model: { name: 'bagpiper', hash: '', server: server.address },
      stats: { promptRows: 12, textTokens: 20 },
    });
  });

  it('show text as it comes, and what is waited for', async () => {
    const args = ['ask', at('a.wav'), 'How often?', '-m', server.address, '-v', '--threads', '2'];
    const { out, err } = await bagpiper(args, { tty: true, env: { NO_COLOR: '1' } });
    const { caption, thinking, answer } = UNDERSTOOD;
    expect(out).toBe(`Caption\n${caption}\n\nThinking\n${thinking}\n\nAnswer\n${answer}\n`);
    expect(err).toContain('Reaching the server ...');
    expect(err).toContain(`model bagpiper at ${server.address}, reached in`);
    expect(err).toContain('--threads acts on models in folders');
  });

  it('send the key of an option or of the environment, and show it nowhere', async () => {
    const args = ['describe', at('a.wav'), '-m', server.address, '-v', '--json'];
    const env = { BAGPIPER_API_KEY: 'sk-one', OPENAI_API_KEY: 'sk-two' };
    const shown = [
      await bagpiper(args, { env }),
      await bagpiper(args, { env: { OPENAI_API_KEY: 'sk-two' } }),
      await bagpiper([...args, '--api-key', 'sk-three'], { env }),
    ];
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer sk-one',
      'Bearer sk-two',
      'Bearer sk-three',
    ]);
    for (const { out, err } of shown) expect(out + err).not.toContain('sk-');
  });

  it('render a file that says how it was made', async () => {
    const args = ['render', 'A bell.', '-o', at('b.wav'), '-m', server.address, '--seed', '7', '--guidance', '2'];
    const { code, out, err } = await bagpiper([...args, '--system', 'Make sound.', '--api-key', 'sk-one']);
    expect({ code, out, err }).toEqual({ code: 0, out: `${at('b.wav')}\n`, err: '' });
    const { channels } = await readAudio(at('b.wav'));
    expect(channels[0]).toEqual(Float32Array.from(SOUND, (x) => x / 32768));
    expect(JSON.parse((await readWavMetadata(at('b.wav'))).ICMT)).toEqual({
      model: { name: 'bagpiper', hash: '', server: server.address },
      text: 'A bell.',
      direct: false,
      seed: 7,
      temperature: 0.8,
      topK: 20,
      guidance: 2,
      system: 'Make sound.',
      caption: 'A bell rings once.',
    });
  });

  it('replay a file with the same request, and say that the sound is another take', async () => {
    await bagpiper(['render', 'A bell.', '-o', at('c.wav'), '-m', server.address, '--seed', '3', '--system', '', '-q']);
    expect(existsSync(at('c.wav'))).toBe(false);
    await bagpiper(['render', 'A bell.', '-o', at('c.wav'), '-m', server.address, '--seed', '3', '--system', 'Sound!']);
    const args = ['render', '--replay', at('c.wav'), '-o', at('d.wav')];
    const { code, complaints } = await bagpiper([...args, '-m', server.address]);
    expect({ code, complaints }).toEqual({ code: 0, complaints: [expect.stringContaining('another take of')] });
    const [first, again] = server.asked.slice(-2).map(({ body }) => body);
    expect(again).toEqual(first);
    // Never at the address in the file by itself: files come from anywhere.
    const asked = server.asked.length;
    const local = await bagpiper([...args, '-m', await writeTinyModel(at('tiny'))]);
    expect(local.complaints).toEqual([expect.stringContaining(`made by model bagpiper at ${server.address}; this is`)]);
    expect(server.asked).toHaveLength(asked);
  });

  it('render what another one described, with a warning', async () => {
    const { code, complaints } = await bagpiper(['render', '-', '-o', at('e.wav'), '-m', server.address], {
      stdin: 'A bell rings.\n',
    });
    expect({ code, complaints }).toEqual({ code: 0, complaints: [expect.stringContaining('took it as a request')] });
  });
});

describe('exit codes', () => {
  const describeWith = (...more: string[]) => bagpiper(['describe', at('a.wav'), '-m', server.address, ...more]);

  it('2 for what the user can put right', async () => {
    server.mischief.push(refuse(401, 'no'), raw('<html>', 'text/html'), refuse(400, 'bad'));
    for (const message of ['BAGPIPER_API_KEY', 'web page', 'refuses the request']) {
      const { code, out, complaints } = await describeWith();
      expect({ code, out, lines: complaints.length }).toEqual({ code: 2, out: '', lines: 1 });
      expect(complaints[0]).toMatch(`bagpiper: ${server.address}: `);
      expect(complaints[0]).toContain(message);
    }
    for (const [args, message] of [
      [['--timeout', '0'], '--timeout is 0'],
      [['--server-model', 'x'], 'no model "x"; it has bagpiper'],
    ] as const) {
      const { code, complaints } = await describeWith(...args);
      expect({ code, complaints }).toEqual({ code: 2, complaints: [expect.stringContaining(message)] });
    }
  });

  it('3 for what the server did', async () => {
    server.mischief.push(hang);
    const late = await describeWith('--timeout', '0.5');
    expect({ code: late.code, out: late.out }).toEqual({ code: 3, out: '' });
    expect(late.err).toMatch(/^bagpiper: .*no answer came within 0\.5 s.*\n$/);
    server.mischief.push(json({ choices: [] }));
    expect((await describeWith()).code).toBe(3);
  });

  it('1 where there is no sound, with advice', async () => {
    server.mischief.push(json(completion(PLANNED, null)), json(completion(PLANNED, null)));
    const { code, complaints } = await bagpiper(['render', 'A bell.', '-o', at('f.wav'), '-m', server.address]);
    expect({ code, there: existsSync(at('f.wav')) }).toEqual({ code: 1, there: false });
    expect(complaints).toEqual([
      expect.stringMatching(/^warning: The server gave text but no sound/),
      expect.stringMatching(/^bagpiper: The model made no sound/),
    ]);
  });
});

describe('info and doctor', () => {
  it('say what a server is', async () => {
    const { code, out } = await bagpiper(['info', server.address]);
    expect(code).toBe(0);
    expect(out).toMatch(/^server +http:.*\nsoftware +vLLM 0\.28\.0\nmodel +bagpiper \(\/models\/bagpiper-tts-sft\)\n/);
    expect(out).toMatch(/longest row +16,384 tokens\nspoken to as +Bagpiper/);
    const json = JSON.parse((await bagpiper(['info', server.address, '--json'])).out);
    expect(json).toMatchObject({ address: server.address, model: 'bagpiper', kind: 'bagpiper', version: '0.28.0' });
  });

  it('say which of several cannot be used', async () => {
    const other = await StubServer.start();
    await other.stop();
    const both = `${server.address},${other.address}`;
    const info = await bagpiper(['info', both]);
    expect({ code: info.code, complaints: info.complaints }).toEqual({
      code: 3,
      complaints: [expect.stringContaining(`${other.address}: the connection was refused`)],
    });
    expect(info.out).toContain(`server          ${server.address}\n`);
    server.models = [{ id: 'omni' }];
    const { code, out } = await bagpiper(['doctor', '-m', both, '--json']);
    expect(code).toBe(1);
    const findings = (JSON.parse(out) as { check: string; verdict: string }[]).filter(
      ({ check }) => check === 'server',
    );
    expect(findings.map(({ verdict }) => verdict)).toEqual(['warn', 'fail']);
  });
});

/** The program itself. @param onAsked called when the server has got a completion */
function child(
  args: readonly string[],
  stopIt?: Promise<void>,
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const process_ = spawn(process.execPath, [BIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { out: '', err: '' };
    for (const name of ['out', 'err'] as const) {
      process_[`std${name}`].on('data', (text: Buffer) => {
        said[name] += text.toString();
      });
    }
    void stopIt?.then(() => process_.kill('SIGINT'));
    process_.on('close', (code) => resolve({ code, ...said }));
  });
}

describe('bin/bagpiper.js', () => {
  it('renders at a server', async () => {
    const { code, out, err } = await child(['render', 'A bell.', '-o', 'g.wav', '-m', server.address]);
    expect({ code, out, err }).toEqual({ code: 0, out: 'g.wav\n', err: '' });
    expect(readFileSync(at('g.wav')).subarray(-2 * SOUND.length)).toEqual(Buffer.from(SOUND.buffer));
  });

  it('ends on Ctrl-C while it waits for a server', async () => {
    const asked = new Promise<void>((resolve) => server.mischief.push(() => resolve()));
    const { code, out } = await child(['render', 'A bell.', '-o', 'h.wav', '-m', server.address], asked);
    expect({ code, out, there: existsSync(at('h.wav')) }).toEqual({ code: 130, out: '', there: false });
  });
});
