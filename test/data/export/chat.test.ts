import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAudio } from '../../../src/audio/index.js';
import { exportChat } from '../../../src/data/export/index.js';
import { KEPT, writeRun } from './small-run.js';

let folder: string;
let run: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-chat-'));
  run = writeRun(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Part {
  type: string;
  text?: string;
  input_audio?: { data: string; format: string };
  audio_url?: { url: string };
}
interface ChatLine {
  id: string;
  messages: { role: string; content: string | Part[]; audio?: { data?: string; url?: string } }[];
}
const lines = (path: string): ChatLine[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as ChatLine);

it('puts sound into the lines, as the API takes it', async () => {
  const out = join(folder, 'inline');
  const report = await exportChat(run, out, { valid: 0 });
  expect(report.files).toEqual({ 'captions_train.jsonl': KEPT.length, 'dialogues_train.jsonl': 3 });
  const [bells] = lines(join(out, 'captions_train.jsonl')).filter(({ id }) => id === 'bells');
  const [heard] = bells.messages[0].content as Part[];
  expect([heard.type, heard.input_audio!.format]).toEqual(['input_audio', 'wav']);
  const { sampleRate, channels } = await readAudio(Buffer.from(heard.input_audio!.data, 'base64'));
  expect([sampleRate, channels[0].length]).toEqual([16000, 40000]);
  expect(bells.messages[1]).toEqual({ role: 'assistant', content: 'This is \u2028bells.' });
});

it('makes one turn of what one role says, and gives files by reference', async () => {
  const out = join(folder, 'files');
  await exportChat(run, out, { valid: 0, audio: 'files' });
  const dialogues = new Map(lines(join(out, 'dialogues_train.jsonl')).map((line) => [line.id, line.messages]));
  const [asked, said] = dialogues.get('small_rain_simple_qa1')!;
  const [sound, question] = asked.content as Part[];
  expect(question).toEqual({ type: 'text', text: 'Wet?' });
  expect((await readAudio(fileURLToPath(sound.audio_url!.url))).channels[0].length).toBe(12345);
  expect(said).toEqual({ role: 'assistant', content: 'Rain.\n\n<think>\nRain.\n</think>\n\nYes.' });
  const made = dialogues.get('small_bells_realistic')!;
  expect(made.map(({ role }) => role)).toEqual(['system', 'user', 'assistant']);
  expect(made[2]).toEqual({
    role: 'assistant',
    content: '<think>\nBells.\n</think>\n\nBells ring.',
    audio: { url: expect.stringMatching(/^file:.*\.wav$/) },
  });
});

it('takes the captions that clips came with where there are no labels', async () => {
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  const clip = {
    id: 'bells',
    audio: { uri: join(folder, 'sounds', 'bells.wav') },
    seconds: 2.5,
    dataset: 'small',
    caption: 'Bells.',
  };
  const clips = [clip, { ...clip, id: 'unknown', caption: undefined }];
  writeFileSync(
    join(bare, 'clips.jsonl'),
    clips.map((result) => `${JSON.stringify({ id: result.id, result })}\n`).join(''),
  );
  const report = await exportChat(bare, join(folder, 'bare-chat'), { valid: 0, audio: 'files' });
  expect(report.files).toEqual({ 'captions_train.jsonl': 1 });
});

it('refuses a folder that is no run', async () => {
  await expect(exportChat(folder, join(folder, 'none'))).rejects.toThrow('holds neither clips');
});
