import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readAudio } from '../../../src/audio/index.js';
import { wrongMessages } from '../../../src/data/export/check.js';
import { checkExport, type EspnetReport, exportEspnet } from '../../../src/data/export/index.js';
import { Tokenizer } from '../../../src/text/index.js';
import { readConversations } from '../../../src/train/records/read.js';
import { byteTokenizer, KEPT, writeRun } from './small-run.js';

let folder: string;
let run: string;
let report: EspnetReport;
const at = (...names: string[]): string => join(folder, 'out', ...names);
const tokenizer = Tokenizer.fromJson(byteTokenizer());
const json = <T>(...names: string[]): T => JSON.parse(readFileSync(at(...names), 'utf8')) as T;
const lines = (text: string): unknown[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-export-'));
  run = writeRun(folder);
  report = await exportEspnet(run, at(), { tokenizer, name: 'mine', valid: 0.25 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Lines of all statistics of a task. */
function statistics(task: string): Record<string, number> {
  const files = readdirSync(at('stats')).filter((name) => name.startsWith(`stats_${task}_`));
  return Object.assign({}, ...files.flatMap((name) => lines(readFileSync(at('stats', name), 'utf8'))));
}

describe('an export for ESPnet', () => {
  it('holds the captions that are finished and kept, each in one split, and says what was left out', () => {
    const samples = ['train', 'valid'].map((split) => json<{ samples: string[] }>(`captions_${split}.json`).samples);
    expect(samples.flat().sort()).toEqual(KEPT);
    expect(samples.every((ids) => ids.length > 0)).toBe(true);
    const left = Object.entries(report.leftOut.toJSON()).map(([kind, { count }]) => [kind, count]);
    expect(Object.fromEntries(left)).toEqual({ too_long: 1, too_short: 1, unreadable: 1 });
  });

  it('writes sound as 16-bit mono WAV files at 16 kHz, parts of files on their own', async () => {
    const cuts = ['train', 'valid'].flatMap((split) =>
      lines(gunzipSync(readFileSync(at('cuts', split, 'cuts.jsonl.gz'))).toString()),
    ) as {
      id: string;
      duration: number;
      recording: { sources: { source: string }[]; num_samples: number; duration: number; sampling_rate: number };
    }[];
    const lengths: Record<string, number> = { bells: 40000, rain: 12345, 'talk-1': 160000, 'talk-2': 316000 };
    for (const { id, duration, recording } of cuts) {
      const { channels, sampleRate, format } = await readAudio(recording.sources[0].source);
      expect([id, channels.length, sampleRate, format, channels[0].length]).toEqual([
        id,
        1,
        16000,
        'wav (16-bit)',
        lengths[id],
      ]);
      expect(recording).toMatchObject({ num_samples: lengths[id], sampling_rate: 16000, duration });
      expect(duration * 16000).toBeCloseTo(lengths[id], 6);
    }
  });

  it('counts rows as upstream does', () => {
    // text: its bytes; heard: of 100 mel frames 13 rows; answered: samples / 320 and the delay of 8 streams
    const bytes = (id: string): number => Buffer.byteLength(`This is \u2028${id}.`);
    const heard: Record<string, number> = { bells: 2 * 13 + 7, rain: 10, 'talk-1': 130, 'talk-2': 19 * 13 + 10 };
    const answered: Record<string, number> = { bells: 125 + 7, rain: 38 + 7, 'talk-1': 507, 'talk-2': 987 + 7 };
    for (const id of KEPT) {
      expect([id, statistics('audio_to_text')[id]]).toEqual([id, 1 + 3 + heard[id] + 3 + bytes(id)]);
      expect([id, statistics('text_to_audio')[id]]).toEqual([id, 1 + 3 + bytes(id) + 3 + answered[id]]);
    }
    const told = (text: string): number => text.length - '<think></think>'.length + 2;
    const dialogue = statistics('dialogue');
    expect(dialogue.small_bells_realistic).toBe(
      1 + 3 + 6 + 3 + 6 + 3 + told('<think>\nBells.\n</think>\n\nBells ring.') + 3 + 132,
    );
    expect(dialogue.small_rain_simple_qa1).toBe(
      1 + 3 + 10 + 3 + 4 + 3 + told('Rain.\n\n<think>\nRain.\n</think>\n\nYes.'),
    );
  });

  it('writes dialogues that the judge passed, speech apart, with the exported sound', () => {
    const dialogues = ['dialogue', 'dialogue-tts'].map(
      (name) =>
        readdirSync(at(name)).flatMap((file) => lines(readFileSync(at(name, file), 'utf8'))) as {
          example_id: string;
          messages: [string, string, string][];
        }[],
    );
    expect(dialogues[0].map((d) => d.example_id).sort()).toEqual(['small_bells_realistic', 'small_rain_simple_qa1']);
    expect(dialogues[1].map((d) => d.example_id)).toEqual(['small_talk_classical']);
    for (const { messages } of dialogues.flat()) {
      const [sound] = messages.flatMap(([, modality, content]) => (modality === 'audio' ? [content] : []));
      expect(sound.startsWith(at('audio'))).toBe(true);
      expect(existsSync(sound)).toBe(true);
    }
  });

  it('configures each stage that the data serve, as YAML 1.1 reads it', () => {
    expect(readdirSync(at('conf')).sort()).toEqual(['pretrain.yaml', 'sft.yaml', 'tts_sft.yaml', 'warmup.yaml']);
    const text = readFileSync(at('conf', 'sft.yaml'), 'utf8');
    // PyYAML takes 1e-8 for a string
    const sft = parse(text, { version: '1.1' }) as Record<string, Record<string, never>>;
    expect(text).not.toMatch(/: \d+e/);
    expect(sft.trainer).toMatchObject({
      max_step: 50_000,
      optimizer: { lr: 1e-5, eps: 1e-8, weight_decay: 3e-7 },
      lr_scheduler: { warmup_steps: 1000, min_lr_ratio: 0.1 },
      freeze_param: ['multimodal_io_dict.discrete_audio', 'multimodal_io_dict.continuous_audio'],
    });
    expect(Object.keys(sft.multimodal_io)).toEqual(['text', 'discrete_audio', 'continuous_audio']);
    const registry = parse(readFileSync(at('registry.yaml'), 'utf8')) as Record<string, { path: string }>;
    expect(registry.mine_dialogues_train.path).toBe(at('dialogues_train.json'));
  });

  it('starts the recipe with a script: the stage before it first, its own checkpoint later', () => {
    const espnet = join(folder, 'espnet');
    const exp = join(folder, 'exp');
    for (const recipe of ['bagpiper', 'bagpiper_tts']) {
      const path = join(espnet, 'egs2', recipe, 'speechlm1');
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'run.sh'), '#!/bin/sh\npwd\nfor word in "$@"; do echo "$word"; done\n', { mode: 0o755 });
    }
    const launch = (args: string[], env: Record<string, string> = {}) => {
      const done = spawnSync(at('launch.sh'), args, {
        env: { PATH: process.env.PATH, EXP: exp, ESPNET: espnet, ...env },
        encoding: 'utf8',
      });
      return { code: done.status, words: done.stdout.trim().split('\n'), err: done.stderr };
    };
    const after = (words: string[], option: string): string => words[words.indexOf(option) + 1];
    const { words } = launch(['warmup', '--ngpu', '8']);
    expect(words[0]).toBe(join(espnet, 'egs2/bagpiper/speechlm1'));
    expect(words).not.toContain('--resume-path');
    expect(after(words, '--ngpu')).toBe('8');
    expect(after(words, '--train-unregistered-specifier').split(' ')).toEqual(
      ['audio_to_text', 'text_to_audio'].map((task) => `${task}:mine_captions_train:${at('captions_train.json')}`),
    );
    expect(existsSync(after(words, '--train-config'))).toBe(true);
    expect(launch(['pretrain'])).toMatchObject({ code: 2, err: expect.stringContaining('no checkpoint of warmup') });
    for (const step of [1000, 10_000])
      mkdirSync(join(exp, 'warmup', 'checkpoints', `step_${step}`), { recursive: true });
    expect(after(launch(['pretrain']).words, '--resume-path')).toBe(join(exp, 'warmup/checkpoints/step_10000'));
    const tts = launch(['tts_sft'], { RESUME: '/base.pt' }).words;
    expect([tts[0], after(tts, '--resume-path')]).toEqual([join(espnet, 'egs2/bagpiper_tts/speechlm1'), '/base.pt']);
    mkdirSync(join(exp, 'sft', 'checkpoints', 'step_1'), { recursive: true });
    expect(launch(['sft'], { RESUME: '/base.pt' }).words).not.toContain('--resume-path');
    expect(launch(['all'])).toMatchObject({ code: 2, err: expect.stringContaining('warmup|pretrain|sft|tts_sft') });
  });

  it('passes its own check, but for the speech that nothing can validate', () => {
    expect(report.check).toEqual({
      ok: false,
      problems: ['there are no tts to validate with, which the recipe asks for'],
      notes: [],
    });
  });

  it('is read back by the trainer', () => {
    const read = (task: 'dialogue' | 'audio_to_text', file: string) =>
      readConversations({ task, path: at(file), factor: 1 });
    const captions = ['train', 'valid'].flatMap((split) => read('audio_to_text', `captions_${split}.json`));
    expect(captions.map(({ id }) => id).sort()).toEqual(KEPT);
    expect(captions.find(({ id }) => id === 'rain')!.turns).toEqual([
      { role: 'user', sound: { path: expect.stringMatching(/\.wav$/) } },
      { role: 'assistant', text: 'This is \u2028rain.' },
    ]);
    const [dialogue] = read('dialogue', 'tts_train.json');
    expect(dialogue.turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'assistant']);
  });

  it('goes on with the sound that is there, and ends with the same bytes', async () => {
    const stopped = new AbortController();
    const again = join(folder, 'again');
    const onProgress = ({ done }: { done: number }): void => {
      if (done === 6) stopped.abort(new Error('stopped'));
    };
    const options = { tokenizer, name: 'mine', valid: 0.25 };
    await expect(exportEspnet(run, again, { ...options, signal: stopped.signal, onProgress })).rejects.toThrow(
      'stopped',
    );
    const left = readdirSync(again, { recursive: true, encoding: 'utf8' });
    expect(left.some((name) => name.endsWith('.wav'))).toBe(true);
    expect(left.filter((name) => /\.(part|json|jsonl)$/.test(name))).toEqual([]);
    await exportEspnet(run, again, options);
    const names = readdirSync(at(), { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(at(name)).isFile(),
    );
    for (const name of names) {
      const bytes = readFileSync(join(again, name), 'latin1').replaceAll(again, at());
      if (!name.endsWith('.gz')) expect([name, bytes === readFileSync(at(name), 'latin1')]).toEqual([name, true]);
    }
  });
});

describe('the check', () => {
  it('finds what upstream would stumble over', async () => {
    const broken = join(folder, 'broken');
    cpSync(at(), broken, { recursive: true });
    const edit = (name: string, change: (text: string) => string): void =>
      writeFileSync(join(broken, name), change(readFileSync(join(broken, name), 'utf8').replaceAll(at(), broken)));
    const sets = JSON.parse(JSON.stringify(report.sets).replaceAll(at(), broken)) as EspnetReport['sets'];
    for (const { manifest } of Object.values(sets)) edit(manifest.slice(broken.length + 1), (text) => text);
    for (const split of ['train', 'valid']) edit(`dialogue/${split}.jsonl`, (text) => text);
    edit('registry.yaml', (text) => text);
    edit('text/valid.jsonl', (text) => text.replace(/^\{"id":"/, '{"id":"another-'));
    edit('stats/stats_audio_to_text_mine_captions_valid.jsonl', (text) => text.replace(/\d+\}/, '9000}'));
    edit('dialogue-tts/train.jsonl', (text) => text.replace('["user"', '["narrator"').replaceAll(/<.?think>/g, ''));
    const sound = /"(\/[^"]+\.wav)"/.exec(readFileSync(join(broken, 'dialogue/valid.jsonl'), 'utf8'))![1];
    writeFileSync(sound, readFileSync(sound).subarray(0, 1000));
    const { problems, notes } = await checkExport(broken, sets);
    expect(problems.join('\n')).toMatch(/text\/valid\.jsonl lacks ".*" of/);
    expect(problems.join('\n')).toMatch(/"small_talk_classical": the role narrator does not exist/);
    expect(problems.join('\n')).toMatch(/"small_talk_classical": there is not exactly one <think>/);
    expect(problems.join('\n')).toMatch(/\.wav is cut short/);
    expect(notes).toEqual([expect.stringMatching(/has 9000 rows, over the batch of 8192/)]);
  });

  it('knows where thinking belongs', () => {
    expect(
      wrongMessages([
        ['user', 'audio', 'a.wav'],
        ['user', 'text', 'q'],
        ['assistant', 'text', '<think>t</think>c'],
      ]),
    ).toEqual(['thinking does not come after the caption of a heard sound']);
    expect(
      wrongMessages([
        ['user', 'text', 'q'],
        ['assistant', 'text', 'c<think>t</think>'],
        ['assistant', 'audio', 'a.wav'],
      ]),
    ).toEqual(['thinking does not come before the caption of a sound to make']);
    expect(
      wrongMessages([
        ['assistant', 'text', 'c<think>t</think>a'],
        ['user', 'text', ' '],
      ]),
    ).toEqual(['a message is empty', "the last message is not the assistant's"]);
  });
});
