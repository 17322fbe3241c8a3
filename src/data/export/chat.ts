/** A run as conversations in the form of OpenAI's chat API, one JSON object a line: for fine-tuning elsewhere, and for tests of servers. */

import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BagpiperError } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import type { Message } from '../types.js';
import { Each } from './each.js';
import { type ExportOptions, LeftOut } from './progress.js';
import { audioOfCaption, audioOfDialogue, captionsOf, contentsOf, dialoguesOf } from './records.js';
import type { SoundFile } from './sound.js';
import { AsideFiles } from './stream.js';

export interface ChatOptions extends ExportOptions {
  /** where sound goes: into the lines (base64), or into files that they refer to (`file://`); default `inline` */
  audio?: 'inline' | 'files';
}

export interface ChatReport {
  format: 'chat';
  /** lines by file */
  files: Record<string, number>;
  leftOut: LeftOut;
}

/** A part of a message. `input_audio` is OpenAI's; `audio_url` is what vLLM takes besides. */
type Part =
  | { type: 'text'; text: string }
  | { type: 'input_audio'; input_audio: { data: string; format: 'wav' } }
  | { type: 'audio_url'; audio_url: { url: string } };

/** Messages of one role in a row are one message with several parts, as the API wants turns. */
interface ChatTurn {
  role: string;
  content: Part[] | string;
  /** sound that the assistant made, as the API answers it */
  audio?: { data: string; format: 'wav' } | { url: string };
}

/**
 * Writes `captions_train.jsonl`, `dialogues_train.jsonl` and those of the held-out clips; with `files` also `audio/`. Files
 * appear at the end, export.json last.
 *
 * @throws BagpiperError for folders that cannot serve; the signal's reason
 */
export async function exportChat(run: string, out: string, options: ChatOptions = {}): Promise<ChatReport> {
  const folder = resolve(out);
  mkdirSync(folder, { recursive: true });
  const files = new AsideFiles();
  const leftOut = new LeftOut();
  const lines: Record<string, number> = {};
  const each = new Each(run, join(folder, 'audio'), leftOut, options);
  const soundOf = options.audio === 'files' ? reference : inline;
  const write = async (name: string, line: object): Promise<void> => {
    await files.line(join(folder, name), line);
    lines[name] = (lines[name] ?? 0) + 1;
  };
  try {
    if (contentsOf(run).captions) {
      for await (const { record, sound, split } of each.of('captions', captionsOf(run), audioOfCaption)) {
        const messages: Message[] = [
          ['user', 'audio', ''],
          ['assistant', 'text', record.caption],
        ];
        await write(`captions_${split}.jsonl`, { id: record.id, messages: turnsOf(messages, await soundOf(sound)) });
      }
    }
    for await (const { record, sound, split } of each.of('dialogues', dialoguesOf(run), audioOfDialogue)) {
      const { id, messages, metadata } = record;
      await write(`dialogues_${split}.jsonl`, { id, messages: turnsOf(messages, await soundOf(sound)), metadata });
    }
    if (Object.keys(lines).length === 0)
      throw new BagpiperError(`${run} has nothing to export: every record was left out.`);
    await files.close();
  } catch (error) {
    await files.abandon();
    throw error;
  } finally {
    await each.close();
  }
  const report: ChatReport = { format: 'chat', files: lines, leftOut };
  await writeFileAtomically(join(folder, 'export.json'), `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

/** One sound in both roles. */
interface ChatSound {
  heard: Part;
  made: NonNullable<ChatTurn['audio']>;
}

async function inline({ path }: SoundFile): Promise<ChatSound> {
  const audio = { data: (await readFile(path)).toString('base64'), format: 'wav' } as const;
  return { heard: { type: 'input_audio', input_audio: audio }, made: audio };
}

async function reference({ path }: SoundFile): Promise<ChatSound> {
  const { href: url } = pathToFileURL(path);
  return { heard: { type: 'audio_url', audio_url: { url } }, made: { url } };
}

function turnsOf(messages: readonly Message[], sound: ChatSound): ChatTurn[] {
  const turns: ChatTurn[] = [];
  for (const [role, modality, text] of messages) {
    let turn = turns.at(-1);
    if (turn?.role !== role) {
      turn = { role, content: role === 'user' ? [] : '' };
      turns.push(turn);
    }
    if (role === 'user') (turn.content as Part[]).push(modality === 'text' ? { type: 'text', text } : sound.heard);
    else if (modality === 'text') turn.content += text;
    else turn.audio = sound.made;
  }
  return turns;
}
