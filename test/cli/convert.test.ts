import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/index.js';
import { FRAMES, RENDERED, SAID, TINY } from '../tiny-model.js';
import { bagpiper } from './terminal.js';

/** Written by PyTorch; see scripts/golden/checkpoint.py. */
const PUBLISHED = fileURLToPath(new URL('../fixtures/checkpoint', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'bagpiper-convert-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const sound = at('a.wav');

beforeAll(() => {
  writeFileSync(sound, encodeWav(new Float32Array(8000).fill(0.1), 16000));
});

describe('bagpiper convert', () => {
  it.each(['none', 'q8', 'q4'])('to %s: what comes out describes, answers and renders', async (quantize) => {
    const out = at(quantize);
    const done = await bagpiper(['convert', PUBLISHED, out, '--quantize', quantize]);
    expect(done).toMatchObject({ code: 0, out: `${out}\n`, err: '' });
    expect(await bagpiper(['describe', sound, '-m', out])).toMatchObject({ code: 0, out: `${SAID.caption}\n` });
    const asked = await bagpiper(['ask', sound, 'What rings?', '-m', out, '--json']);
    expect(JSON.parse(asked.out)).toMatchObject(SAID);
    const wav = at(`${quantize}.wav`);
    const rendered = await bagpiper(['render', 'Ring!', '-o', wav, '-m', out, '--json']);
    expect(JSON.parse(rendered.out)).toMatchObject({ ...RENDERED, file: wav, seconds: (FRAMES * 640) / 16000 });
  });

  it('makes 4 bits unless told otherwise, and says everything as JSON', async () => {
    const out = at('json');
    const { out: line } = await bagpiper(['convert', PUBLISHED, out, '--block', '32', '--head-bits', '4', '--json']);
    expect(JSON.parse(line)).toMatchObject({
      ...{ folder: out, quantize: 'q4', block: 32, headBits: 4, kept: 0, dropped: ['vocab_weight'] },
      bytes: expect.any(Number),
      groups: expect.arrayContaining([{ name: 'decoder layers', tensors: 11, parameters: 12448 }]),
    });
  });

  it('tells onlookers what there is, what is left out, and how far it is', async () => {
    const { complaints } = await bagpiper(['convert', PUBLISHED, at('shown')], { tty: true, env: { NO_COLOR: '1' } });
    const lines = complaints.map((line) => line.split('\x1b[K').at(-1));
    expect(lines[0]).toMatch(/^Tensors: embeddings and head 4 \(75,328 numbers\), .*codec 23 \(21,363 numbers\)\.$/);
    expect(lines[1]).toMatch(/^vocab_weight is left out: /);
    expect(complaints.join()).toMatch(/Converted [\d.]+ kB of 225 kB: model\./);
    expect(lines.at(-1)).toMatch(/^\d+ kB in \d+ s\.$/);
  });

  it('ends with 130 on Ctrl-C, and goes on', async () => {
    const controller = new AbortController();
    const running = bagpiper(['convert', PUBLISHED, at('stopped')], { tty: true, signal: controller.signal });
    controller.abort(new Error('Ctrl-C'));
    const { code, out, err } = await running;
    expect({ code, out }).toEqual({ code: 130, out: '' });
    expect(err).toContain('What is done is kept');
    expect(existsSync(at('stopped'))).toBe(false);
    expect(await bagpiper(['convert', PUBLISHED, at('stopped')])).toMatchObject({ code: 0 });
    expect(readdirSync(folder).filter((name) => name.startsWith('stopped'))).toEqual(['stopped']);
  });

  it.each([
    [['convert', PUBLISHED], /missing required argument 'out'/],
    [['convert', PUBLISHED, at('x'), '--quantize', 'q5'], /quantize is "q5"; accepted are none, q8, q4/],
    [['convert', PUBLISHED, at('x'), '--block', 'many'], /--block is "many"/],
    [['convert', PUBLISHED, at('x'), '--block', '100'], /block is 100; accepted are 16, 32/],
    [['convert', PUBLISHED, at('x'), '--head-bits', '5'], /headBits is 5/],
    [['convert', at('nowhere'), at('x')], /nowhere does not exist/],
    [['convert', sound, at('x')], /a\.wav is neither a safetensors nor a PyTorch file/],
    [['convert', PUBLISHED, folder], /exists already; choose another folder/],
    [['convert', PUBLISHED, at('x'), '--tokenizer', folder], /tokenizer\.json does not exist/],
    [['convert', PUBLISHED, at('x'), '--config', sound], /a\.wav is not valid JSON/],
    [['convert', 'org/nothing', at('x')], /org\/nothing is no folder here, and no model that was pulled/],
  ])('%j is refused in one line', async (argv, message) => {
    const shown = await bagpiper(argv, { env: { HOME: folder } });
    expect({ code: shown.code, out: shown.out, lines: shown.complaints.length }).toEqual({
      code: 2,
      out: '',
      lines: 1,
    });
    expect(shown.complaints[0]).toMatch(message);
    expect(readdirSync(folder).some((name) => name.startsWith('x'))).toBe(false);
  });

  it('takes the sizes of another config and leaves the tokenizer out', async () => {
    writeFileSync(at('config.json'), JSON.stringify({ ...TINY, max_position_embeddings: 64 }));
    const argv = ['convert', join(PUBLISHED, 'model.pt'), at('other'), '--config', at('config.json'), '--no-tokenizer'];
    expect(await bagpiper(argv)).toMatchObject({ code: 0 });
    expect(readdirSync(at('other')).sort()).toEqual(['config.json', 'model.safetensors']);
    const about = JSON.parse((await bagpiper(['info', at('other'), '--json'])).out);
    expect(about.sizes.longestRow).toBe(64);
  });
});
