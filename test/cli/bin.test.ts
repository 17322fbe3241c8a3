/** The program itself, in processes of its own: what streams, signals and pipes do there. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWav, readAudio } from '../../src/audio/index.js';
import { FRAMES, SAID, TINY, writeTinyModel } from '../tiny-model.js';

const BIN = fileURLToPath(new URL('../../bin/bagpiper.js', import.meta.url));
let folder: string;
let model: string;
let endless: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-bin-'));
  model = await writeTinyModel(at('model'));
  const text = { ...TINY.generation.text, min_step: 900_000, max_step: 900_000 };
  const config = { ...TINY, max_position_embeddings: 1_000_000, generation: { ...TINY.generation, text } };
  endless = await writeTinyModel(at('endless'), undefined, config);
  writeFileSync(at('a.wav'), encodeWav(new Float32Array(8000).fill(0.1), 16000));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs a shell line in which $B is the program. @param onErr sees stderr while it grows */
function shell(line: string, onErr: (text: string, kill: () => void) => void = () => {}): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, B: `${process.execPath} ${BIN}`, M: model, E: endless };
    const child = spawn('bash', ['-o', 'pipefail', '-c', line], { cwd: folder, env });
    let out = '';
    let err = '';
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString();
    });
    child.stderr.on('data', (text: Buffer) => {
      err += text.toString();
      onErr(err, () => child.kill('SIGINT'));
    });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('bin/bagpiper.js', () => {
  it('passes a caption through a pipe and renders it', async () => {
    const { code, out, err } = await shell(
      '$B describe a.wav -m $M | tee caption | $B render - -o b.wav -m $M && cat caption',
    );
    expect({ code, out, err }).toEqual({ code: 0, out: `b.wav\n${SAID.caption}\n`, err: '' });
    expect((await readAudio(at('b.wav'))).channels[0].length).toBe(FRAMES * 640);
  });

  it.runIf(existsSync('/dev/full'))('says that the disk is full when stdout takes no more', async () => {
    const { code, err } = await shell('$B info $M > /dev/full');
    expect(code).toBe(2);
    expect(err).toMatch(/^bagpiper: .*disk is full.*\n$/);
  });

  it('is silent when the reader of its pipe has left', async () => {
    const { code, err } = await shell('$B info $M | true');
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  it('shows everything in the demo', async () => {
    const { code, out, err } = await shell('$B demo -m $M');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('bagpiper describe ');
    for (const said of [SAID.caption, SAID.thinking, SAID.answer]) expect(out).toContain(said);
    expect(readdirSync(at('out')).sort()).toEqual(['demo.png', 'demo.wav']);
  });

  it('ends cleanly on Ctrl-C', async () => {
    // exec: the signal reaches the program itself. The line about the model comes when it is loaded.
    let killed = false;
    const { code, out } = await shell('exec $B render "Ring!" -o c.wav -m $E --verbose', (text, kill) => {
      if (!killed && text.includes('loaded in')) kill();
      killed ||= text.includes('loaded in');
    });
    expect({ code, out }).toEqual({ code: 130, out: '' });
    expect(readdirSync(folder).filter((name) => name.startsWith('c.wav'))).toEqual([]);
  });
});
