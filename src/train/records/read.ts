/** Records to conversations: a manifest with its readers, or a file of lines alone. */
import { BagpiperError } from '../../errors.js';
import { beside, readJsonLines, readText } from './lines.js';
import { parseMessages } from './messages.js';
import { openReader, type RecordReader } from './readers.js';
import type { Conversation, DataSource, Manifest, ManifestEntry, SoundPlace, Task, Turn } from './types.js';

/** Entries that a task needs. */
const NEEDS: Record<Task, readonly string[]> = {
  dialogue: ['dialogue'],
  audio_to_text: ['audio1', 'text1'],
  text_to_audio: ['text1', 'audio1'],
  text_only: ['text1'],
};

/**
 * The conversations of a source, in the order of its file.
 *
 * @throws BagpiperError naming the file, and the line or sample, for what does not fit the format
 */
export function readConversations(source: DataSource): Conversation[] {
  const conversations = source.path.endsWith('.jsonl') ? readLines(source) : readManifestSamples(source);
  if (conversations.length === 0) {
    throw new BagpiperError(`${source.path} holds no samples; give a file with at least one.`);
  }
  return conversations;
}

/** @throws BagpiperError where it is no manifest */
export function readManifest(path: string): Manifest {
  let manifest: unknown;
  try {
    manifest = JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof BagpiperError) throw error;
    throw new BagpiperError(`${path} is no JSON; a manifest with "data_entry" and "samples" is expected.`);
  }
  const { data_entry, samples } = (manifest ?? {}) as Partial<Manifest>;
  const strings = (values: unknown): boolean => Array.isArray(values) && values.every((v) => typeof v === 'string');
  const entry = (e: ManifestEntry): boolean => strings([e?.name, e?.path, e?.reader]);
  if (!Array.isArray(data_entry) || !data_entry.every(entry) || !strings(samples)) {
    throw new BagpiperError(
      `${path} is no manifest: "data_entry" with name, path and reader, and "samples" with ids are expected.`,
    );
  }
  return manifest as Manifest;
}

function readManifestSamples({ path, task }: DataSource): Conversation[] {
  const manifest = readManifest(path);
  const readers = new Map<string, RecordReader>();
  for (const name of NEEDS[task]) {
    const entry = manifest.data_entry.find((e) => e.name === name);
    if (!entry) {
      const has = manifest.data_entry.map((e) => e.name).join(', ');
      throw new BagpiperError(`${path} has no entry "${name}", which the task ${task} needs; it has ${has}.`);
    }
    readers.set(name, openReader({ ...entry, path: beside(path, entry.path) }));
  }
  const get = <K extends 'text' | 'sound' | 'turns'>(name: string, kind: K, id: string) => {
    const value = readers.get(name)!.get(id);
    if (value === undefined) throw new BagpiperError(`${path} lists "${id}", which its entry "${name}" does not know.`);
    if (!(kind in value)) throw new BagpiperError(`${path}: the reader of its entry "${name}" does not give ${kind}.`);
    return value as Extract<typeof value, Record<K, unknown>>;
  };
  return manifest.samples.map((id) => {
    if (task === 'dialogue') return { id, turns: get('dialogue', 'turns', id).turns };
    const text = get('text1', 'text', id).text;
    return { id, turns: turnsOf(task, text, task === 'text_only' ? undefined : get('audio1', 'sound', id).sound) };
  });
}

/** Who says what in the tasks of pre-training. */
function turnsOf(task: Task, text: string, sound: SoundPlace | undefined): Turn[] {
  if (sound === undefined) return [{ role: 'assistant', text }];
  return task === 'audio_to_text'
    ? [
        { role: 'user', sound },
        { role: 'assistant', text },
      ]
    : [
        { role: 'user', text },
        { role: 'assistant', sound },
      ];
}

/** Lines without a manifest: dialogues, or sounds with captions as people write them by hand. */
function readLines({ path, task }: DataSource): Conversation[] {
  const conversations: Conversation[] = [];
  for (const { value, where } of readJsonLines(path)) {
    if (task === 'dialogue') {
      const { example_id: id = String(conversations.length + 1), messages } = value;
      conversations.push({ id: String(id), turns: parseMessages(messages, where, path) });
      continue;
    }
    const text = value.caption ?? value.text;
    // `describe --json` says "file": what a model says now can be rehearsed while it learns something new
    const { audio = value.file, id = String(conversations.length + 1) } = value;
    if (typeof text !== 'string' || text.trim() === '')
      throw new BagpiperError(`${where} has no "caption"; a text is expected.`);
    if (task !== 'text_only' && typeof audio !== 'string')
      throw new BagpiperError(`${where} has no "audio"; the path of a sound file is expected.`);
    const sound = task === 'text_only' ? undefined : { path: beside(path, audio as string) };
    conversations.push({ id: String(id), turns: turnsOf(task, text, sound) });
  }
  return conversations;
}
