import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { encodeWav, loadMono16k } from '../../../src/audio/index.js';
import { run } from '../../../src/cli/main.js';
import { openModel } from '../../../src/model/bagpiper.js';
import { Random } from '../../../src/random.js';
import { readHeard } from '../../../src/train/heard.js';
import { readLog } from '../../../src/train/index.js';
import { bagpiper, Recorder } from '../../cli/terminal.js';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

/** A hiss or a tone, a second long. */
function sound(pitch: number): Float32Array {
  const random = new Random(pitch);
  return Float32Array.from({ length: 16000 }, (_, i) => (pitch ? 0.3 * Math.sin(i * pitch) : 0.1 * random.normal()));
}

const SOUNDS = [
  { name: 'low', pitch: 0.05, caption: 'A low tone hums for one second.' },
  { name: 'high', pitch: 0.4, caption: 'A high tone rings for one second.' },
  { name: 'hiss', pitch: 0, caption: 'Only a hiss is heard.' },
];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-tune-'));
  mkdirSync(at('sounds'));
  for (const { name, pitch } of SOUNDS) writeFileSync(at('sounds', `${name}.wav`), encodeWav(sound(pitch), 16000));
  const lines = SOUNDS.map(({ name, caption }) => JSON.stringify({ audio: `sounds/${name}.wav`, caption }));
  writeFileSync(at('labels.jsonl'), `${lines.join('\n')}\n`);
  const messages = [
    ['user', 'text', 'Make a low tone.'],
    ['assistant', 'text', '<think>\nEasy.\n</think>\n\nA low tone hums.'],
    ['assistant', 'audio', at('sounds', 'low.wav')],
  ];
  writeFileSync(at('dialogues.jsonl'), `${JSON.stringify({ example_id: 'low_1', messages })}\n`);
  const manifest = {
    data_entry: [{ name: 'dialogue', path: at('dialogues.jsonl'), reader: 'dialogue' }],
    samples: ['low_1'],
  };
  writeFileSync(at('dialogues.json'), JSON.stringify(manifest));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RECIPE = {
  data: ['audio_to_text:labels.jsonl', 'dialogue:dialogues.json'],
  rows: 112,
  packs: 1,
  rate: 0.001,
  threads: 2,
};
const write = (name: string, settings: object): string => {
  writeFileSync(at(name), stringify({ ...RECIPE, out: at('out', name), ...settings }));
  return at(name);
};

describe('bagpiper train', () => {
  it('fine-tunes the shipped model on a handful of sounds, and the result describes', { timeout: 60_000 }, async () => {
    const stages = [{ name: 'short', steps: 12, warmup: 2 }];
    const samples = { every: 12, describe: ['sounds/low.wav'] };
    const config = write('tuned.yaml', { stages, samples, valid: 'audio_to_text:labels.jsonl', valid_every: 6 });
    const { code, out, complaints } = await bagpiper(['train', '--config', config, '--json', '--quiet']);
    expect({ code, complaints }).toEqual({ code: 0, complaints: [] });
    expect(JSON.parse(out)).toEqual({ finished: true, out: at('out', 'tuned.yaml'), stage: 'short', step: 12 });
    const log = readLog(at('out', 'tuned.yaml', 'short', 'log.jsonl'));
    const [early, late] = [log.slice(0, 3), log.slice(-3)].map((lines) => lines.reduce((n, l) => n + l.loss!, 0) / 3);
    expect(late).toBeLessThan(0.8 * early);
    expect(log[11].held_loss).toBeLessThan(log[5].held_loss as number);
    const heard = readdirSync(at('out', 'tuned.yaml', 'samples')).sort();
    expect(heard).toEqual(['model', 'short-000000', 'short-000012', 'sounds']);
    const [{ sound }] = readHeard(at('out', 'tuned.yaml', 'samples', 'short-000012'));
    expect((await loadMono16k(at('out', 'tuned.yaml', 'samples', sound as string))).samples.length).toBe(16000);
    const text = readFileSync(at('out', 'tuned.yaml', 'samples', 'short-000012', 'captions.md'), 'utf8');
    expect(text).toContain('## describe low.wav');
    const said = await bagpiper(['describe', at('sounds', 'low.wav'), '--model', at('out', 'tuned.yaml')]);
    expect(said.code).toBe(0);
    expect(text).toContain(said.out.trim());
  });

  it('goes on where it was stopped, and trains anew from given sizes', { timeout: 60_000 }, async () => {
    const sizes = { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1 };
    const stages = [
      { name: 'first', steps: 2, freeze: ['model.layers.'] },
      { name: 'second', steps: 4 },
    ];
    const config = write('small.yaml', { sizes, stages, cache: at('out', 'tuned.yaml', 'heard') });
    const stopped = await bagpiper(['train', '-c', config, '--max-minutes', '1e-9']);
    expect(stopped.code).toBe(1);
    expect(stopped.err).toContain('stopped at step 0 of first; the same command goes on from there');
    expect((await bagpiper(['train', '-c', config])).code).toBe(0);
    const model = openModel(at('out', 'small.yaml'));
    expect(model.config).toMatchObject(sizes);
    const steps = ['first', 'second'].map((name) => readLog(at('out', 'small.yaml', name, 'log.jsonl')).length);
    expect(steps).toEqual([2, 4]);
    // another call with other settings is refused, in words
    write('small.yaml', { sizes, stages: [{ ...stages[0], rate: 1 }], cache: at('out', 'tuned.yaml', 'heard') });
    const { code, err } = await bagpiper(['train', '-c', config]);
    expect(code).toBe(2);
    expect(err).toContain('settings.schedule.peak was 0.001 and is 1');
  });
});

describe('bagpiper train --page', () => {
  const sizes = { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1 };

  it('shows the run while it trains, and no longer', { timeout: 60_000 }, async () => {
    const config = write('shown.yaml', { sizes, steps: 40, cache: at('out', 'tuned.yaml', 'heard') });
    const [stdout, stderr] = [new Recorder(), new Recorder()];
    const asked = new Promise<[string, string]>((done) => {
      const write = stderr._write.bind(stderr);
      stderr._write = (piece: Uint8Array, encoding, after) => {
        write(piece, encoding, after);
        const url = /^Curves: (\S+)$/m.exec(stderr.text)?.[1];
        if (url) done(fetch(url).then(async (response) => [url, await response.text()]));
      };
    });
    const io = { stdin: process.stdin, stdout, stderr, env: {} };
    const ended = run(['train', '-c', config, '--page', '0'], io, new AbortController().signal);
    const [url, page] = await asked;
    expect(page).toContain('<h1>shown.yaml</h1>');
    expect(page).toContain('audio_to_text:../../labels.jsonl');
    expect(await ended).toBe(0);
    expect(stderr.text).toMatch(/^train: step 1\/40, loss [\d.]+, \d+ tokens\/s, \d:\d\d:\d\d left$/m);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('begins nothing where the port is taken', async () => {
    const server = createServer();
    const port = await new Promise<number>((done) => {
      server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port));
    });
    const config = write('taken.yaml', { sizes, steps: 1, cache: at('out', 'tuned.yaml', 'heard') });
    const { code, complaints } = await bagpiper(['train', '-c', config, '--page', String(port)]);
    server.close();
    expect(code).toBe(2);
    expect(complaints).toEqual([
      `bagpiper: Port ${port} is in use already; name another one, or 0 for any that is free.`,
    ]);
    expect(readdirSync(at('out', 'taken.yaml'))).toEqual(['run.json']);
  });
});

describe('what is refused', () => {
  const refused: [string, object, string][] = [
    ['an unknown field', { steps: 1, speed: 2 }, 'speed is not known; accepted are'],
    ['no steps', {}, 'steps is missing'],
    ['data without a task', { steps: 1, data: 'labels.jsonl' }, 'task is absent; accepted: "dialogue"'],
    ['a missing file', { steps: 1, data: 'dialogue:none.jsonl' }, 'none.jsonl: there is no such file'],
    ['rows too short', { steps: 1, rows: 16 }, 'No sample fits 16 places'],
    [
      'freezing nothing',
      { steps: 1, freeze: ['layers'] },
      'freeze holds "layers", with which no trained parameter begins',
    ],
    ['sizes of other networks', { steps: 1, sizes: { num_stream: 4 } }, 'sizes: num_stream cannot be set'],
    ['an output folder that is a file', { steps: 1, out: 'labels.jsonl' }, 'Name another folder in "out"'],
    ['a model that is not there', { steps: 1, start: './none' }, 'none is no folder'],
  ];
  it.each(refused)('%s', async (_, settings, message) => {
    const config = write('refused.yaml', { ...settings, cache: at('out', 'tuned.yaml', 'heard') });
    const { code, err } = await bagpiper(['train', '-c', config]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
