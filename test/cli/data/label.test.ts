import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lena } from '../../audio/make.js';
import { temporary } from '../../data/run/kit.js';
import { ScriptedEndpoint } from '../../data/scripted-endpoint.js';
import { bagpiper } from '../terminal.js';

let endpoint: ScriptedEndpoint;
let sounds: string;
const root = temporary();
const at = (name: string): string => join(root, name);
const linesOf = (path: string): { id: string }[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string });

beforeAll(async () => {
  endpoint = await ScriptedEndpoint.start({
    script: () => ({ text: 'A man speaks.', usage: { prompt: 1000, completion: 100 } }),
  });
  sounds = at('sounds');
  mkdirSync(sounds);
  for (const ending of ['wav', 'mp3', 'ogg']) copyFileSync(lena(ending), join(sounds, `lena.${ending}`));
  writeFileSync(join(sounds, 'notes.txt'), 'words');
});
afterAll(() => endpoint.stop());

describe('bagpiper data label', () => {
  it('captions a folder by an endpoint, goes on, and tells what it cost', async () => {
    const run = at('run');
    const label = (...more: string[]) =>
      bagpiper([
        'data',
        'label',
        sounds,
        '--run',
        run,
        '--endpoint',
        endpoint.address,
        '--price-in',
        '1',
        '--price-out',
        '10',
        ...more,
      ]);
    expect(await label('--limit', '2')).toMatchObject({
      code: 0,
      out: 'files: 3; set aside: not_sound 1\nlabel: 2; cost 0.00\n',
      err: '',
    });
    expect(endpoint.asked.length).toBe(2);
    expect(endpoint.asked[0].text).toMatch(/^You hear a recording of 12\.3 seconds\./);
    expect((await label('--json')).out).toContain('"results":3');
    expect(endpoint.asked.length).toBe(3);
    expect(linesOf(join(run, 'label.jsonl')).map(({ id }) => id)).toEqual(
      ['mp3', 'ogg', 'wav'].map((ending) => `sounds--lena.${ending}`),
    );
    const status = await bagpiper(['data', 'status', run]);
    expect(status.out).toBe('files: 3; set aside: not_sound 1\nclips: 3\nlabel: 3; 3,300 tokens, cost 0.01\n');
    expect(await label('--seed', '1')).toMatchObject({
      code: 2,
      complaints: [expect.stringMatching(/label\.jsonl was begun with seed 0, now it is 1/)],
    });
    const over = await label('--budget', '0.001');
    expect(over.code).toBe(0);
  });

  it('stops at the budget, what other calls have spent included, with all that was paid for', async () => {
    const run = at('budget');
    const label = (budget: string) =>
      bagpiper([
        'data',
        'label',
        sounds,
        '-r',
        run,
        '--endpoint',
        endpoint.address,
        '--window',
        '1',
        '--price-in',
        '1',
        '--price-out',
        '0',
        '--budget',
        budget,
      ]);
    for (const count of [2, 2]) {
      expect(await label('0.002')).toMatchObject({
        code: 2,
        complaints: [expect.stringContaining('budget of 0.002 is used up')],
      });
      expect(linesOf(join(run, 'label.jsonl')).length).toBe(count);
    }
    expect((await label('0.01')).code).toBe(0);
  });

  it('says what failed, and ends with 1', async () => {
    const broken = await ScriptedEndpoint.start({ script: () => '' });
    const run = at('broken');
    const shown = await bagpiper(['data', 'label', join(sounds, 'lena.wav'), '-r', run, '--endpoint', broken.address]);
    await broken.stop();
    expect(shown).toMatchObject({
      code: 1,
      complaints: [expect.stringMatching(/label: some failed \(empty 1\).*tries them again/)],
    });
    expect(linesOf(join(run, 'label.jsonl'))[0]).toMatchObject({ error: { kind: 'empty' } });
  });

  it('takes prompts of others, or none', async () => {
    const prompts = at('prompts');
    mkdirSync(prompts);
    writeFileSync(join(prompts, 'caption.md'), '# System\nYou listen.\n# User\nWhat is it? ({{seconds}})\n');
    const label = (run: string, ...more: string[]) =>
      bagpiper(['data', 'label', join(sounds, 'lena.wav'), '-r', at(run), '--endpoint', endpoint.address, ...more]);
    const before = endpoint.asked.length;
    await label('own', '--prompts', prompts);
    await label('none', '--no-prompt');
    const [own, none] = endpoint.asked.slice(before);
    expect(own.body.messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(own.text).toBe('You listen.\nWhat is it? (12.3)');
    expect(none.text).toBe('');
    expect(readFileSync(at('own/prompts/label/caption.md'), 'utf8')).toContain('You listen.');
    writeFileSync(join(prompts, 'caption.md'), '# User\nWhat is {{this}}?\n');
    expect((await label('odd', '--prompts', prompts)).complaints[0]).toMatch(
      /asks for \{\{this\}\}; it may use seconds/,
    );
  });

  it('takes labels of upstream', async () => {
    const file = at('captions_rank0.jsonl');
    const usage = { prompt_tokens: 100, completion_tokens: 300, total_tokens: 400, prompt_tokens_details: null };
    const rows = [
      { utt_id: 'a/b', caption: 'A dog.', duration: 3, usage, finish_reason: 'stop' },
      { utt_id: 'c', caption: 'A bell', duration: 30, usage, finish_reason: 'length' },
      { utt_id: 'd', duration: 30 },
      { caption: 'Rain.', duration: 4, usage, finish_reason: 'stop' },
      { utt_id: 'c', caption: 'Again.', duration: 30, usage, finish_reason: 'stop' },
    ];
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const shown = await bagpiper(['data', 'label', '--run', at('taken'), '--from', file]);
    expect(shown).toMatchObject({
      code: 0,
      out: 'label: 2; set aside: missing_fields 2\n',
      complaints: ['warning: A record was left out since another has its id, c.'],
    });
    const [first, second, third] = linesOf(at('taken/label.jsonl'));
    expect(first).toMatchObject({
      id: 'a--b',
      result: {
        id: 'a--b',
        caption: 'A dog.',
        duration: 3,
        finish_reason: 'stop',
        model: 'unknown',
        usage: { completion_tokens: 300 },
      },
    });
    expect(second).toMatchObject({ result: { finish_reason: 'length' } });
    expect(third).toMatchObject({ id: 'd', aside: { kind: 'missing_fields', message: 'The row has no caption.' } });
  });

  it('answers mistakes with one sentence', async () => {
    const wrong = async (...argv: string[]): Promise<string> => {
      const { code, complaints } = await bagpiper(['data', ...argv]);
      expect(complaints.length).toBe(1);
      return `${code} ${complaints[0]}`;
    };
    expect(await wrong('label', sounds)).toMatch(/^2 .*required option '-r, --run <dir>'/);
    expect(await wrong('label', at('nowhere'), '-r', at('x'))).toMatch(/^2 .*there is no such file or folder/);
    expect(await wrong('label', '-r', at('x'))).toMatch(/^2 .*is no run/);
    expect(await wrong('label', sounds, '-r', sounds)).toMatch(/^2 .*holds other things/);
    expect(await wrong('label', join(sounds, 'notes.txt'), '-r', at('y'))).toMatch(/^2 .*there are no sounds/);
    expect(await wrong('label', sounds, '-r', at('z'), '--endpoint', 'http://127.0.0.1:9/v1')).toMatch(/^3 /);
    expect(await wrong('label', sounds, '-r', at('z'), '--endpoint', 'x', '--model', 'y')).toMatch(
      /^2 .*exclude each other/,
    );
    expect(await wrong('status', at('nowhere'))).toMatch(/^2 .*is no run/);
  });
});
