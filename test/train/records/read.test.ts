import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConversations } from '../../../src/train/records/read.js';
import { shownOf } from '../../../src/train/records/samples.js';
import type { Task } from '../../../src/train/records/types.js';

let folder: string;
const at = (name: string): string => join(folder, name);
const write = (name: string, text: string | Uint8Array): string => {
  writeFileSync(at(name), text);
  return at(name);
};
const read = (task: Task, name: string) => readConversations({ task, path: at(name), factor: 1 });
const manifest = (name: string, entries: [string, string, string][], samples: string[]): void => {
  const data_entry = entries.map(([entry, path, reader]) => ({ name: entry, path, reader }));
  write(name, JSON.stringify({ data_entry, samples }));
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-records-'));
  mkdirSync(at('cuts'));
  mkdirSync(at('recordings'));
  const recording = { id: 'r', sources: [{ type: 'file', channels: [0], source: '/sounds/r.wav' }], duration: 9 };
  const cuts = [
    { id: 'a', start: 0, duration: 9, recording },
    { id: 'b', start: 2, duration: 3, recording },
  ];
  write('cuts/cuts.jsonl.gz', gzipSync(cuts.map((cut) => `${JSON.stringify(cut)}\n`).join('')));
  write('recordings/recordings.jsonl.gz', gzipSync(JSON.stringify({ ...recording, id: 'a' })));
  write(
    'text.jsonl',
    '{"id": "a", "text": "first"}\n{"id": "lost"}\n{"id": "a", "text": "A."}\n{"id": "b", "text": "B."}\n',
  );
  write('text', 'a  A text, with words\nb B.\n');
  write('wav.scp', 'a /sounds/a.wav\nb b.flac\n');
  write('ark.scp', 'a /sounds/a.ark:17\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('manifests', () => {
  it('are read by the readers that they name: cuts as parts of files, the last of equal texts', () => {
    manifest(
      'm.json',
      [
        ['audio1', at('cuts'), 'lhotse_audio'],
        ['text1', at('text.jsonl'), 'text'],
      ],
      ['b', 'a'],
    );
    expect(read('audio_to_text', 'm.json')).toEqual([
      {
        id: 'b',
        turns: [
          { role: 'user', sound: { path: '/sounds/r.wav', start: 2, end: 5 } },
          { role: 'assistant', text: 'B.' },
        ],
      },
      {
        id: 'a',
        turns: [
          { role: 'user', sound: { path: '/sounds/r.wav' } },
          { role: 'assistant', text: 'A.' },
        ],
      },
    ]);
  });

  it('give the same set to several tasks', () => {
    manifest(
      'k.json',
      [
        ['audio1', 'wav.scp', 'kaldi_audio'],
        ['text1', 'text', 'text'],
      ],
      ['a', 'b'],
    );
    expect(read('text_to_audio', 'k.json')[1].turns).toEqual([
      { role: 'user', text: 'B.' },
      { role: 'assistant', sound: { path: at('b.flac') } },
    ]);
    expect(read('text_only', 'k.json')[0].turns).toEqual([{ role: 'assistant', text: 'A text, with words' }]);
  });

  const wrong: [string, [string, string, string][], string[], RegExp][] = [
    [
      'an id that a reader lacks',
      [['text1', 'text.jsonl', 'text']],
      ['c'],
      /lists "c", which its entry "text1" does not know/,
    ],
    [
      'an entry that is missing',
      [['text1', 'text', 'text']],
      ['a'],
      /has no entry "dialogue", which the task dialogue needs; it has text1/,
    ],
    ['an unknown reader', [['text1', 'text', 'arkive_text']], ['a'], /has the reader "arkive_text"; accepted are/],
    ['ark files', [['text1', 'ark.scp', 'kaldi_audio']], ['a'], /points into the ark file \/sounds\/a.ark:17/],
    [
      'a reader of another kind',
      [['text1', 'wav.scp', 'kaldi_audio']],
      ['a'],
      /the reader of its entry "text1" does not give text/,
    ],
    ['no samples', [['text1', 'text', 'text']], [], /holds no samples/],
  ];
  it.each(wrong)('refuse %s', (what, entries, samples, message) => {
    manifest('wrong.json', entries, samples);
    expect(() => read(what.startsWith('an entry') ? 'dialogue' : 'text_only', 'wrong.json')).toThrow(message);
  });

  it('refuse what is no manifest', () => {
    write('list.json', '[]');
    expect(() => read('dialogue', 'list.json')).toThrow(/is no manifest: "data_entry"/);
  });
});

describe('lines', () => {
  it('are dialogues, with paths from their own folder', () => {
    write(
      'd.jsonl',
      '{"example_id": "1", "messages": [["user", "audio", "x.wav"], ["assistant", "text", "X."]], "metadata": 1}\n\n',
    );
    expect(read('dialogue', 'd.jsonl')).toEqual([
      {
        id: '1',
        turns: [
          { role: 'user', sound: { path: at('x.wav') } },
          { role: 'assistant', text: 'X.' },
        ],
      },
    ]);
  });

  it("are sounds with captions, written by hand or by describe's --json", () => {
    write('c.jsonl', '{"audio": "x.wav", "caption": "X."}\n{"file": "/y.wav", "caption": "Y.", "seed": 0}\n');
    const sounds = read('audio_to_text', 'c.jsonl').map(({ turns }) => turns[0]);
    expect(sounds).toEqual([
      { role: 'user', sound: { path: at('x.wav') } },
      { role: 'user', sound: { path: '/y.wav' } },
    ]);
  });

  const wrong: [string, string, RegExp][] = [
    ['no JSON', '{"example_id": 1}\n{', /line 2 is no JSON/],
    ['no messages', '{"example_id": "1"}', /line 1 has no list "messages"/],
    ['two items', '{"messages": [["user", "hello"]]}', /line 1, message 1 is no \[role, modality, content\]/],
    ['a strange role', '{"messages": [["narrator", "text", "hello"]]}', /has the role "narrator"/],
    [
      'a picture',
      '{"messages": [["user", "image", "a.png"]]}',
      /has the modality "image"; accepted are text and audio/,
    ],
    ['nothing to learn', '{"messages": [["user", "text", "hello"]]}', /has no message of the assistant/],
  ];
  it.each(wrong)('refuse %s', (_, line, message) => {
    write('wrong.jsonl', line.replace('{"example_id": 1}', '{"messages": [["assistant", "text", "a"]]}'));
    expect(() => read('dialogue', 'wrong.jsonl')).toThrow(message);
  });
});

describe('factors', () => {
  const conversations = Array.from({ length: 10 }, (_, i) => ({ id: String(i), turns: [] }));
  const shown = (factor: number): string[] =>
    shownOf([{ source: { task: 'dialogue', path: '', factor }, conversations }], 'seed').map(({ id }) => id);

  it('repeat the whole set, and a seeded part of it', () => {
    expect(shown(2)).toHaveLength(20);
    const part = shown(1.35);
    expect(part.slice(0, 10)).toEqual(shown(1));
    expect(new Set(part.slice(10)).size).toBe(3);
    expect(shown(1.35)).toEqual(part);
  });
});
