import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addExport } from '../../../src/cli/data/export-command.js';
import { CheckFailed } from '../../../src/cli/failure.js';
import { Screen } from '../../../src/cli/screen.js';
import { readLog } from '../../../src/train/index.js';
import { byteTokenizer, writeRun } from '../../data/export/small-run.js';
import { bagpiper, Recorder } from '../terminal.js';

let folder: string;
let run: string;
const at = (...names: string[]): string => join(folder, ...names);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-data-export-'));
  run = writeRun(folder);
  writeFileSync(at('tokenizer.json'), JSON.stringify(byteTokenizer()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Types `data ...`, as the command line reads it. */
async function data(...argv: string[]): Promise<{ out: string; complaints: string[]; error?: unknown }> {
  const [stdout, stderr] = [new Recorder(), new Recorder()];
  const io = { stdin: Object.assign(new PassThrough(), { isTTY: true }), stdout, stderr, env: {} };
  const screen = new Screen(io, {});
  const command = new Command('data').exitOverride();
  const context = { io, screen, signal: new AbortController().signal, version: '0', fail: () => {} };
  addExport(command, (work) => work(context));
  let error: unknown;
  await command.parseAsync(argv, { from: 'user' }).catch((thrown: unknown) => {
    error = thrown;
  });
  return { out: stdout.text, complaints: stderr.text.split('\n').filter(Boolean), error };
}

describe('bagpiper data export', () => {
  it('says what was left out, and fails where its own check does', async () => {
    const out = at('espnet');
    const { complaints, error } = await data(
      'export',
      'espnet',
      run,
      '-o',
      out,
      '--tokenizer',
      folder,
      '--valid',
      '0.25',
    );
    expect(error).toBeInstanceOf(CheckFailed);
    expect(complaints).toEqual([
      expect.stringMatching(/tokenizer.json is not the tokenizer of Qwen3-8B-Base/),
      expect.stringMatching(/^warning: 1 left out \(too_long\): long: .* lasts 40\.0 s/),
      expect.stringMatching(/^warning: 1 left out \(too_short\): click: /),
      expect.stringMatching(/^warning: 1 left out \(unreadable\): gone: .*gone\.wav: there is no such file/),
      'warning: there are no tts to validate with, which the recipe asks for',
    ]);
    expect(existsSync(join(out, 'launch.sh'))).toBe(true);
  });

  it('prints the folder, or the counts', async () => {
    expect(await data('export', 'chat', run, '-o', at('chat'), '--valid', '0', '-q')).toMatchObject({
      error: undefined,
      out: expect.stringContaining('chat\n'),
    });
    const { out } = await data('export', 'chat', run, '-o', at('chat'), '--valid', '0', '--json');
    expect(JSON.parse(out)).toMatchObject({ format: 'chat', files: { 'captions_train.jsonl': 4 } });
  });

  const refused: [string[], string][] = [
    [['pickle', 'RUN', '-o', 'x'], 'pickle is no format to export; accepted are espnet, parquet, chat'],
    [['chat', 'none', '-o', 'x'], 'none is no folder; the folder of a run is expected'],
    [['espnet', 'RUN', '-o', 'x'], 'need the tokenizer of Qwen3-8B-Base'],
    [['espnet', 'RUN', '-o', 'x', '--tokenizer', '/none'], '/none/tokenizer.json does not exist'],
    [['espnet', 'RUN', '-o', 'x', '--attention', 'fast'], '--attention is "fast"; accepted are flash_attention_3'],
    [['chat', 'RUN', '-o', 'x', '--audio', 'cd'], '--audio is "cd"; accepted are inline and files'],
    [['chat', 'RUN', '-o', 'x', '--valid', '1'], '--valid is 1; a part from 0 to below 1'],
  ];
  it.each(refused)('refuses %s', async (argv, message) => {
    const typed = argv.map((word) => (word === 'RUN' ? run : word === 'x' ? at('refused') : word));
    expect((await data('export', ...typed)).error).toMatchObject({ message: expect.stringContaining(message) });
  });

  it('refuses folders at whose names the recipe would stumble', async () => {
    const { error } = await data('export', 'espnet', run, '-o', at('two words'), '--tokenizer', folder);
    expect(error).toMatchObject({ message: expect.stringContaining('holds " ", at which ESPnet splits') });
  });
});

describe('bagpiper data import', () => {
  it('takes exported dialogues into another run, and results of inference', async () => {
    const files = ['train', 'valid'].map((split) => at('espnet', 'dialogue', `${split}.jsonl`));
    const other = at('other');
    const first = await data('import', 'generation', other, ...files);
    expect(first).toEqual({ out: 'generation-dialogues: 2\n', complaints: [], error: undefined });
    const results = {
      one: [
        ['user', 'audio', '../sounds/rain.wav'],
        ['assistant', 'text', 'Rain.\n\n<think>\nSo.\n</think>\n\nYes.'],
      ],
      two: [
        ['user', 'audio', '../sounds/rain.wav'],
        ['assistant', 'text', 'No thinking.'],
      ],
      three: { role: 'user' },
    };
    writeFileSync(at('results.json'), JSON.stringify(results).replaceAll('../sounds', 'sounds'));
    const second = await data('import', 'understanding', other, at('results.json'));
    expect(second.out).toBe('understanding-dialogues: 1; set aside: form 2\n');
    // taken once: the same again adds nothing
    expect((await data('import', 'understanding', other, at('results.json'))).out).toBe(second.out);
    const { out } = await data('export', 'chat', other, '-o', at('other-chat'), '--valid', '0', '--json');
    expect(JSON.parse(out)).toMatchObject({ files: { 'dialogues_train.jsonl': 3 } });
  });

  it('refuses what it cannot read', async () => {
    const message = async (...argv: string[]) => ((await data('import', ...argv)).error as Error).message;
    expect(await message('speech', at('x'), at('results.json'))).toContain('speech is no kind of dialogue');
    expect(await message('tts', at('x'), at('none.jsonl'))).toContain('none.jsonl: there is no such file');
    writeFileSync(at('list.json'), '[]');
    expect(await message('tts', at('x'), at('list.json'))).toContain('is no object of ids and messages');
  });
});

it('bagpiper train learns from what was exported', { timeout: 60_000 }, async () => {
  const out = at('tuned');
  const of = (name: string): string => at('espnet', name);
  const config = {
    out,
    sizes: { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1 },
    data: ['train', 'valid'].flatMap((split) => [
      `audio_to_text:${of(`captions_${split}.json`)}`,
      `text_to_audio:${of(`captions_${split}.json`)}`,
      `dialogue:${of(`dialogues_${split}.json`)}`,
    ]),
    valid: `audio_to_text:${of('captions_valid.json')}`,
    steps: 3,
    rate: 0.01,
    rows: 320,
    threads: 2,
  };
  writeFileSync(at('tune.json'), JSON.stringify(config));
  const { code, complaints } = await bagpiper(['train', '-c', at('tune.json')]);
  expect(code).toBe(0);
  // the longest clip has 20 s, of which nano hears 12, and 500 frames, which no row has room for
  expect(complaints.filter((line) => line.startsWith('warning'))).toEqual([
    expect.stringMatching(
      /2 of 10 samples of train are too long and left out, "talk-2" first: .*lasts 19\.8 s; the model hears at most 12 s/,
    ),
  ]);
  const losses = readLog(join(out, 'train', 'log.jsonl')).map(({ loss }) => loss!);
  expect(losses[2]).toBeLessThan(losses[0]);
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject(config.sizes);
});
