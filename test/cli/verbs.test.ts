import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWav, readAudio, readWavMetadata } from '../../src/audio/index.js';
import { FRAMES, RENDERED, SAID, writeTinyModel } from '../tiny-model.js';
import { bagpiper } from './terminal.js';

let folder: string;
let model: string;
const at = (name: string): string => join(folder, name);
const SOUND = encodeWav(
  Float32Array.from({ length: 8000 }, (_, i) => 0.5 * Math.sin(i / 5)),
  16000,
);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-cli-'));
  model = await writeTinyModel(at('model'));
  writeFileSync(at('a.wav'), SOUND);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('describe', () => {
  it('writes the caption alone into a pipe', async () => {
    const { code, out, err } = await bagpiper(['describe', at('a.wav'), '-m', model]);
    expect({ code, out, err }).toEqual({ code: 0, out: `${SAID.caption}\n`, err: '' });
  });

  it('shows the caption as it comes on a terminal', async () => {
    const { code, out, err } = await bagpiper(['describe', at('a.wav'), '-m', model], {
      tty: true,
      env: { NO_COLOR: '1' },
    });
    expect({ code, out }).toEqual({ code: 0, out: `Caption\n${SAID.caption}\n` });
    expect(err).toContain('Loading the model');
  });

  it('takes several files, and goes on after one that cannot be read', async () => {
    const args = ['describe', at('a.wav'), at('none.wav'), at('a.wav'), '-m', model, '--json', '--seed', '3'];
    const { code, out, complaints } = await bagpiper(args);
    expect(code).toBe(2);
    expect(complaints).toEqual([expect.stringContaining('none.wav: there is no such file')]);
    const lines = out.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0])).toMatchObject({
      file: at('a.wav'),
      caption: SAID.caption,
      seed: 3,
      model: { name: 'bagpiper', hash: expect.stringMatching(/^[0-9a-f]{16}$/) },
      stats: { textTokens: 6 },
      warnings: [],
    });
  });

  it('names the files where there are several', async () => {
    const { out } = await bagpiper(['describe', at('a.wav'), at('a.wav'), '-m', model]);
    expect(out).toBe(`==> ${at('a.wav')} <==\n${SAID.caption}\n`.repeat(2));
  });
});

describe('ask', () => {
  it('writes the answer alone into a pipe', async () => {
    const { code, out, err } = await bagpiper(['ask', '-', 'How often?', '-m', model], { stdin: SOUND });
    expect({ code, out, err }).toEqual({ code: 0, out: `${SAID.answer}\n`, err: '' });
  });

  it('shows all parts on a terminal', async () => {
    const { out } = await bagpiper(['ask', at('a.wav'), 'How often?', '-m', model], {
      tty: true,
      env: { NO_COLOR: '1' },
    });
    expect(out).toBe(`Caption\n${SAID.caption}\n\nThinking\n${SAID.thinking}\n\nAnswer\n${SAID.answer}\n`);
  });

  it('gives all parts as JSON', async () => {
    const { out } = await bagpiper(['ask', at('a.wav'), 'How often?', '-m', model, '--json']);
    expect(JSON.parse(out)).toMatchObject({ file: at('a.wav'), question: 'How often?', ...SAID });
  });

  it('writes the choice alone into a pipe, and warns where the answer names none', async () => {
    const ask = ['ask', at('a.wav'), 'What rings?', '-m', model];
    const named = await bagpiper([...ask, '--choice', 'a drum', '--choice', 'one bell']);
    expect({ out: named.out, complaints: named.complaints }).toEqual({ out: 'one bell\n', complaints: [] });
    const other = await bagpiper([...ask, '--choice', 'A drum.', '--choice', 'Two bells.', '--json']);
    const { choice, choices, warnings } = JSON.parse(other.out);
    expect(choices).toEqual(['A drum.', 'Two bells.']);
    expect(choice).toMatchObject({ named: false, probabilities: [expect.any(Number), expect.any(Number)] });
    expect(choice.probabilities[choice.index]).toBeGreaterThan(0.5);
    expect(warnings).toEqual([expect.stringContaining('The answer names none of the choices')]);
  });

  it('complains of a single choice before it loads anything', async () => {
    const { code, complaints } = await bagpiper([
      'ask',
      at('a.wav'),
      'What rings?',
      '-m',
      'none',
      '--choice',
      'a drum',
    ]);
    expect(code).toBe(2);
    expect(complaints).toEqual([expect.stringContaining('The question has 1 choices')]);
  });
});

describe('render', () => {
  it('writes a file that says how it was made', async () => {
    const file = at('b.wav');
    const args = ['render', 'Ring!', '-o', file, '-m', model, '--seed', '7', '--guidance', '2', '--temperature', '0.5'];
    const { code, out, err } = await bagpiper(args);
    expect({ code, out, err }).toEqual({ code: 0, out: `${file}\n`, err: '' });
    const { ICMT, ISFT } = await readWavMetadata(file);
    expect(ISFT).toMatch(/^bagpiper \d/);
    expect(JSON.parse(ICMT)).toEqual({
      model: { name: 'bagpiper', hash: expect.stringMatching(/^[0-9a-f]{16}$/) },
      text: 'Ring!',
      direct: false,
      seed: 7,
      temperature: 0.5,
      topK: 8,
      guidance: 2,
      caption: RENDERED.caption,
    });
    const { channels, sampleRate } = await readAudio(file);
    expect([sampleRate, channels[0].length]).toEqual([16000, FRAMES * 640]);
    expect(Math.max(...channels[0])).toBeGreaterThan(0.001);
  });

  it('makes a file again from itself, bit by bit', async () => {
    for (const name of ['once.wav', 'once.flac']) {
      const again = `again-${name}`;
      await bagpiper(['render', 'Ring!', '-o', at(name), '-m', model, '--seed', '9', '--top-k', '3']);
      const { code, err } = await bagpiper(['render', '--replay', at(name), '-o', at(again), '-m', model]);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(readFileSync(at(again)).equals(readFileSync(at(name)))).toBe(true);
    }
    await bagpiper(['render', '--replay', at('once.wav'), '-o', at('other.wav'), '-m', model, '--seed', '10']);
    expect(readFileSync(at('other.wav')).equals(readFileSync(at('once.wav')))).toBe(false);
  });

  it('makes a sound of the length that is asked, and again from its file', async () => {
    const args = ['render', 'Ring!', '-o', at('long.wav'), '-m', model, '--seconds', '1.2', '--json'];
    const { code, out } = await bagpiper(args);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ seconds: 1.2, warnings: [] });
    await bagpiper(['render', '--replay', at('long.wav'), '-o', at('again-long.wav'), '-m', model]);
    expect(readFileSync(at('again-long.wav')).equals(readFileSync(at('long.wav')))).toBe(true);
    const refused = await bagpiper([...args.slice(0, -2), '-1']);
    expect([refused.code, refused.complaints]).toEqual([
      2,
      ['bagpiper: The length is -1 s; above 0, up to 600 s are accepted.'],
    ]);
  });

  it('makes several takes, and the kept one again from its seed alone', async () => {
    const args = ['render', 'Ring!', '-m', model, '--seconds', '0.4'];
    const { code, out } = await bagpiper([...args, '-o', at('kept.wav'), '--seed', '3', '--takes', '3', '--json']);
    const { takes, seed, caption } = JSON.parse(out);
    expect([code, takes.map((take: { seed: number }) => take.seed), caption]).toEqual([0, [3, 4, 5], RENDERED.caption]);
    const best = takes.reduce((a: { likeness: number }, b: { likeness: number }) => (b.likeness > a.likeness ? b : a));
    expect(seed).toBe(best.seed);
    await bagpiper([...args, '-o', at('alone.wav'), '--seed', String(seed)]);
    expect(readFileSync(at('alone.wav')).equals(readFileSync(at('kept.wav')))).toBe(true);
    const told = await bagpiper([...args, '-o', at('told.wav'), '--seed', '3', '--takes', '2', '--verbose']);
    expect(told.err).toMatch(/seed 3, likeness \d\.\d\d: .+\n.*seed 4, likeness/);
    expect(told.err).toMatch(/seed [34], the best of 2 takes/);
    const refused = await bagpiper([...args, '-o', at('no.wav'), '--takes', '0']);
    expect([refused.code, refused.complaints]).toEqual([
      2,
      ['bagpiper: The number of takes is 0; a whole number from 1 to 100 is accepted.'],
    ]);
  });

  it('warns when another model made the file to replay', async () => {
    const other = await writeTinyModel(at('other'), (tensors) => {
      tensors[0].data[0] += 1;
      return tensors;
    });
    await bagpiper(['render', 'Ring!', '-o', at('mine.wav'), '-m', model]);
    const { code, complaints } = await bagpiper(['render', '--replay', at('mine.wav'), '-o', at('x.wav'), '-m', other]);
    expect(code).toBe(0);
    expect(complaints).toEqual([expect.stringMatching(/mine\.wav was made by model bagpiper .* will differ/)]);
  });

  it('renders a piped caption directly, and a piped request with --request', async () => {
    const args = ['render', '-', '-o', at('c.wav'), '-m', model, '--json'];
    const caption = await bagpiper(args, { stdin: `${SAID.caption}\n` });
    expect(JSON.parse(caption.out)).toMatchObject({ text: SAID.caption, direct: true, thinking: '' });
    const request = await bagpiper([...args, '--request'], { stdin: 'Ring!\n' });
    expect(JSON.parse(request.out)).toMatchObject({ text: 'Ring!', direct: false, ...RENDERED });
    const json = await bagpiper(args, { stdin: JSON.stringify({ file: 'a.wav', caption: 'Rain.' }) });
    expect(JSON.parse(json.out)).toMatchObject({ text: 'Rain.', direct: true });
  });

  it('draws a spectrogram and writes sound to standard output', async () => {
    const args = ['render', 'Ring!', '-o', '-', '-m', model, '--spectrogram', at('p.png')];
    const { code, bytes } = await bagpiper(args);
    expect(code).toBe(0);
    expect((await readAudio(bytes)).channels[0].length).toBe(FRAMES * 640);
    expect(readFileSync(at('p.png')).subarray(1, 4).toString()).toBe('PNG');
  });

  it('leaves no half-written files', () => {
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });
});

describe('--verbose', () => {
  it('tells the model and the time of each phase, on stderr', async () => {
    const { out, err } = await bagpiper(['describe', at('a.wav'), '-m', model, '--verbose', '--threads', '1']);
    expect(out).toBe(`${SAID.caption}\n`);
    expect(err).toMatch(/1 threads, loaded in .*\n.*prompt rows, 6 text tokens/);
  });
});
