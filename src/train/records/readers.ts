/** The readers that a manifest's entries may name: id to text, sound, or a whole dialogue. As upstream, files are held whole. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { beside, type JsonLine, readJsonLines, readText } from './lines.js';
import { parseMessages } from './messages.js';
import type { ManifestEntry, SoundPlace, Turn } from './types.js';

/** What a reader knows of an id. */
export type RecordValue = { text: string } | { sound: SoundPlace } | { turns: Turn[] };

export interface RecordReader {
  get(id: string): RecordValue | undefined;
}

/** @throws BagpiperError for a reader that is not known here, or a file that is not as the reader needs it */
export function openReader({ path, reader, name }: ManifestEntry): RecordReader {
  switch (reader) {
    case 'dialogue':
      return dialogues(path);
    case 'text':
      return texts(path);
    case 'lhotse_audio':
      return lhotse(path);
    case 'kaldi_audio':
      return kaldi(path);
    default:
      throw new BagpiperError(
        `The entry "${name}" of ${path} has the reader "${reader}"; accepted are dialogue, text, lhotse_audio and kaldi_audio.`,
      );
  }
}

function dialogues(path: string): RecordReader {
  const lines = new Map<string, JsonLine>();
  for (const line of readJsonLines(path)) {
    const { example_id } = line.value;
    if (typeof example_id !== 'string') throw new BagpiperError(`${line.where} has no "example_id".`);
    lines.set(example_id, line);
  }
  return {
    get: (id) => {
      const line = lines.get(id);
      return line && { turns: parseMessages(line.value.messages, line.where, path) };
    },
  };
}

/** JSON lines `{"id", "text"}`, or plain lines "id text". */
function texts(path: string): RecordReader {
  const known = new Map<string, string>();
  if (path.endsWith('.jsonl')) {
    for (const { value } of readJsonLines(path)) {
      const { id, text } = value;
      if (typeof id === 'string' && typeof text === 'string') known.set(id, text);
    }
  } else for (const [id, text] of plainLines(path)) known.set(id, text);
  return { get: (id) => lookUp(known, id, (text) => ({ text })) };
}

/** A folder with Lhotse's cuts, else recordings; of each the first source file. */
function lhotse(folder: string): RecordReader {
  const file = ['cuts.jsonl.gz', 'recordings.jsonl.gz'].map((name) => join(folder, name)).find(existsSync);
  if (!file) throw new BagpiperError(`${folder} has neither cuts.jsonl.gz nor recordings.jsonl.gz.`);
  const known = new Map<string, SoundPlace>();
  for (const { value, where } of readJsonLines(file)) {
    const line = value as LhotseLine;
    const { id, start = 0, duration, recording = line } = line;
    const source = recording.sources?.[0]?.source;
    if (typeof id !== 'string' || typeof source !== 'string') {
      throw new BagpiperError(`${where} has no id, or no source file; a Lhotse cut or recording is expected.`);
    }
    const whole = start === 0 && (duration === undefined || duration === recording.duration);
    const path = beside(file, source);
    known.set(id, whole || duration === undefined ? { path } : { path, start, end: start + duration });
  }
  return { get: (id) => lookUp(known, id, (sound) => ({ sound })) };
}

interface LhotseLine {
  id?: string;
  start?: number;
  duration?: number;
  recording?: LhotseLine;
  sources?: { source?: string }[];
}

/** Lines "id file"; offsets into ark files are not read here. */
function kaldi(path: string): RecordReader {
  const known = new Map<string, SoundPlace>();
  for (const [id, file] of plainLines(path)) {
    if (/:\d+$/.test(file)) {
      throw new BagpiperError(`${path} points into the ark file ${file}, which is not read here; name sound files.`);
    }
    known.set(id, { path: beside(path, file) });
  }
  return { get: (id) => lookUp(known, id, (sound) => ({ sound })) };
}

function* plainLines(path: string): Generator<[string, string]> {
  for (const line of readText(path).split('\n')) {
    const found = /^(\S+)\s+(.*\S)/.exec(line.trim());
    if (found) yield [found[1], found[2]];
  }
}

function lookUp<V>(
  known: ReadonlyMap<string, V>,
  id: string,
  wrap: (value: V) => RecordValue,
): RecordValue | undefined {
  const value = known.get(id);
  return value === undefined ? undefined : wrap(value);
}
