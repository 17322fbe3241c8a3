import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFlac, encodeWav, wavHeader } from '../../src/audio/index.js';
import { Random } from '../../src/random.js';
import { SAID, TINY, type TinyTensor, writeTinyModel } from '../tiny-model.js';
import { bagpiper, type Shown } from './terminal.js';

let folder: string;
let model: string;
const at = (name: string): string => join(folder, name);
const put = (name: string, bytes: Uint8Array): string => {
  writeFileSync(at(name), bytes);
  return at(name);
};
const tone = Float32Array.from({ length: 8000 }, (_, i) => Math.sin(i / 5));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-bad-'));
  model = await writeTinyModel(at('model'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One line for the user, the exit code of bad input, nothing on stdout. */
function refused({ code, out, err, complaints }: Shown, message: string | RegExp): void {
  expect({ code, out, lines: complaints.length }, err).toEqual({ code: 2, out: '', lines: 1 });
  expect(complaints[0]).toMatch(/^bagpiper: /);
  expect(complaints[0]).toMatch(message);
  expect(err).not.toContain('    at ');
}

describe('sound that is none', () => {
  const random = new Random(1);
  const noise = Uint8Array.from({ length: 5000 }, () => random.int(256));
  const lying = wavHeader(16000, 1, 2 ** 30, {}).slice(0, 44);
  const cases: [string, () => string, string | RegExp][] = [
    ['missing', () => at('missing.wav'), 'there is no such file'],
    ['a folder', () => folder, 'folder'],
    ['empty', () => put('empty.wav', new Uint8Array(0)), 'empty'],
    ['cut off in the header', () => put('cut.wav', encodeWav(tone, 16000).slice(0, 30)), 'cut off'],
    ['cut off FLAC', () => put('cut.flac', encodeFlac(tone, 16000).slice(0, 50)), 'cut.flac'],
    ['random bytes', () => put('noise.mp3', noise), /noise\.mp3.*(known|damaged|cut off)/],
    ['text called wav', () => put('text.wav', new TextEncoder().encode('hello, world')), 'no sound file'],
    ['0 samples', () => put('none.wav', encodeWav(new Float32Array(0), 16000)), /none\.wav.*no samples/],
    ['4 GB in 44 bytes', () => put('lying.wav', lying), /lying\.wav/],
    ['a name with line ends', () => at('a\nb\u001b[2J.wav'), 'there is no such file'],
  ];

  it.each(cases)('%s', async (_name, file, message) => {
    refused(await bagpiper(['describe', file(), '-m', model]), message);
  });

  it('nothing or nothing usable on standard input', async () => {
    refused(await bagpiper(['describe', '-', '-m', model]), 'Nothing is piped');
    refused(await bagpiper(['ask', '-', 'What?', '-m', model], { stdin: '' }), 'empty');
    refused(await bagpiper(['ask', '-', 'What?', '-m', model], { stdin: 'hello' }), 'standard input');
  });

  it('one sample, which only the model can refuse', async () => {
    const file = put('one.wav', encodeWav(new Float32Array(1), 16000));
    refused(await bagpiper(['describe', file, '-m', model]), 'at least 160');
  });
});

describe('strange sound that is answered', () => {
  it('silence, no numbers, lying content, eight channels at 192 kHz', async () => {
    const strange = tone.slice();
    strange[3] = Number.NaN;
    strange[4] = Number.POSITIVE_INFINITY;
    const files = [
      put('zeros.wav', encodeWav(new Float32Array(8000), 16000)),
      put('nan.wav', encodeWav(strange, 16000, { bitDepth: '32float' })),
      put('really-flac.mp3', encodeFlac(tone, 16000)),
      put('eight.wav', encodeWav(new Array<Float32Array>(8).fill(new Float32Array(19200).fill(0.1)), 192000)),
      put('half.wav', encodeWav(tone, 16000).slice(0, 9000)),
    ];
    const { code, out, complaints } = await bagpiper(['describe', ...files, '-m', model, '--json']);
    expect(code).toBe(0);
    const answers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { caption: string });
    expect(answers.map(({ caption }) => caption)).toEqual(files.map(() => SAID.caption));
    expect(complaints).toEqual([
      expect.stringContaining('2 samples that are not finite'),
      expect.stringContaining('half.wav'),
    ]);
  });

  it('an hour of silence', async () => {
    const file = openSync(at('hour.wav'), 'w');
    writeSync(file, wavHeader(8000, 1, 3600 * 8000));
    ftruncateSync(file, 44 + 3600 * 8000 * 2);
    closeSync(file);
    const { code, out, complaints } = await bagpiper(['ask', at('hour.wav'), 'What?', '-m', model]);
    expect({ code, out }).toEqual({ code: 0, out: `${SAID.answer}\n` });
    expect(complaints).toEqual([expect.stringContaining('only the first 30 s were read')]);
  });
});

describe('text that is none', () => {
  const render = (text: string) => bagpiper(['render', text, '-o', at('t.wav'), '-m', model]);

  it('0 characters, and control characters alone', async () => {
    refused(await render(''), 'empty');
    refused(await render('\u0000\u0001\u001b\n'), 'empty');
    refused(await bagpiper(['ask', at('a.wav'), ' ', '-m', model]), 'question is empty');
    refused(await bagpiper(['render', '-', '-o', at('t.wav'), '-m', model], { stdin: '' }), 'empty');
    refused(await bagpiper(['render', '-o', at('t.wav'), '-m', model], { stdin: Uint8Array.of(0xff, 0xfe) }), 'UTF-8');
    refused(await bagpiper(['render', '-o', at('t.wav'), '-m', model]), 'no text');
  });

  it('100,000 characters', async () => {
    refused(await render('word '.repeat(20000)), /takes at most \d+.*Shorten/);
  });

  it('control characters among words are left out', async () => {
    const { code, out } = await bagpiper(['render', 'Ri\u0000ng\u001b!', '-o', at('t.wav'), '-m', model, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ text: 'Ring!' });
  });
});

describe('a model folder that is not right', () => {
  const head = 'lm_head.weight';
  const changed = (change: (tensor: TinyTensor) => TinyTensor[]) => (tensors: TinyTensor[]) =>
    tensors.flatMap((tensor) => (tensor.name === head ? change(tensor) : [tensor]));
  const cases: [string, (tensors: TinyTensor[]) => TinyTensor[], RegExp][] = [
    ['missing tensor', changed(() => []), /lacks tensor "lm_head\.weight"/],
    ['renamed tensor', changed((t) => [{ ...t, name: 'head.weight' }]), /"head\.weight".*renamed/],
    ['misshaped tensor', changed((t) => [{ ...t, shape: [...t.shape].reverse() }]), /lm_head\.weight.*\[64, 586\]/],
    [
      'wrongly typed tensor',
      changed((t) => [{ ...t, dtype: 'F64', data: Float64Array.from(t.data) }]),
      /lm_head\.weight.*F64/,
    ],
    ['unknown tensor', changed((t) => [t, { ...t, name: 'extra' }]), /"extra"/],
  ];

  it.each(cases)('%s', async (name, change, message) => {
    const broken = await writeTinyModel(at(name), change);
    refused(await bagpiper(['info', broken]), message);
    refused(await bagpiper(['render', 'Ring!', '-o', at('m.wav'), '-m', broken]), message);
  });

  it('missing, empty, or without sense', async () => {
    refused(await bagpiper(['info', at('nowhere')]), 'is no folder');
    mkdirSync(at('void'));
    refused(await bagpiper(['info', at('void')]), 'config.json');
    const odd = await writeTinyModel(at('odd'), undefined, { ...TINY, num_attention_heads: 'two' });
    refused(await bagpiper(['info', odd]), /config\.json.*num_attention_heads/);
  });
});

describe('targets that cannot be written', () => {
  const render = (...more: string[]) => bagpiper(['render', 'Ring!', '-m', model, ...more]);

  it('is said before the work starts', async () => {
    refused(await render(), 'where to write');
    refused(await render('-o', at('x.mp3')), /\.wav or \.flac/);
    refused(await render('-o', at('no/x.wav')), 'folder does not exist');
    refused(await render('-o', folder), 'this is a folder');
    refused(await render('-o', at('x.wav'), '--spectrogram', at('x.jpg')), /\.png/);
    refused(await render('-o', '-', '--json'), 'both sound and JSON');
    const tty = await bagpiper(['render', 'Ring!', '-m', model, '-o', '-'], { tty: true, env: { NO_COLOR: '1' } });
    expect(tty.code).toBe(2);
  });

  it.runIf(process.platform === 'linux')('a full disk', async () => {
    refused(await render('-o', '/dev/full'), /\/dev\/full.*disk is full/);
  });

  it('leaves nothing behind', () => {
    expect(readdirSync(folder).filter((name) => /x\.|m\.wav|\.part/.test(name))).toEqual([]);
  });
});

describe('a command line that makes no sense', () => {
  it.each([
    [['frob'], 'unknown command'],
    [['describe'], "missing required argument 'file'"],
    [['describe', 'a.wav', '--frob'], "unknown option '--frob'"],
    [['describe', 'a.wav', '--seed', 'x'], '--seed is "x"'],
    [['describe', 'a.wav', '--seed', '-1'], 'seed is -1'],
    [['describe', 'a.wav', '--temperature', ''], '--temperature is ""'],
    [['render', 'x', '-o', 'x.wav', '--guidance', '0'], 'guidance is 0'],
    [['render', 'x', '-o', 'x.wav', '--top-k', '1.5'], 'Top-k is 1.5'],
    [['render', 'x', '-o', 'x.wav', '--threads', '0'], '--threads is 0'],
    [['render', 'x', '-o', 'x.wav', '--device', 'gpu'], 'The device is "gpu"; cpu, webgpu, cuda or auto is accepted.'],
    [['render', 'x', '-o', 'x.wav', '--direct', '--request'], 'either a caption or a request'],
    [['render', 'x', '-o', 'x.wav', '--replay', 'y.wav'], 'leave out TEXT'],
    [['render', '-o', 'x.wav', '--replay', 'nowhere.wav'], 'no such file'],
  ])('%j', async (argv, message) => {
    refused(await bagpiper(argv), message);
  });

  it('a file to replay that does not say how it was made', async () => {
    const file = put('plain.wav', encodeWav(tone, 16000, { metadata: { ICMT: '{"seed":1}' } }));
    refused(await bagpiper(['render', '--replay', file, '-o', at('r.wav')]), 'does not say how it was made');
  });
});

describe('a stack trace', () => {
  it('comes with --verbose only', async () => {
    const { code, err } = await bagpiper(['describe', at('missing.wav'), '-m', model, '--verbose']);
    expect(code).toBe(2);
    expect(err).toContain('    at ');
    expect(err.trim().split('\n').at(-1)).toMatch(/^bagpiper: .*no such file/);
  });
});
