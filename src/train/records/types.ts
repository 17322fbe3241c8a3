/**
 * Training records in ESPnet's format (docs/data-export.md): manifests that name their readers, tasks that say which entry
 * becomes whose message. `data/` writes them, `bagpiper train` reads them.
 */
import type { Role } from '../../model/index.js';

/** What is made of a manifest's entries. `dialogue` is taken as written; the others have one message a side. */
export const TASKS = ['dialogue', 'audio_to_text', 'text_to_audio', 'text_only'] as const;
export type Task = (typeof TASKS)[number];

/** A file of one data set and split. */
export interface Manifest {
  data_entry: ManifestEntry[];
  /** ids that every entry knows */
  samples: string[];
}

export interface ManifestEntry {
  /** `dialogue`, `audio1` to `audio10`, `text1` to `text10`, `speaker` */
  name: string;
  /** absolute, without a colon */
  path: string;
  /** how the path is read */
  reader: string;
}

/** Where a message's sound lies: a file, or a part of it in seconds. */
export interface SoundPlace {
  path: string;
  start?: number;
  end?: number;
}

/** A message before tokenizer, encoder and codec have seen it. */
export type Turn = { role: Role; text: string } | { role: Role; sound: SoundPlace };

/** One sample to learn from. */
export interface Conversation {
  id: string;
  turns: Turn[];
}

/** Where records come from, and how often they are shown. */
export interface DataSource {
  task: Task;
  /** a manifest (.json), or lines (.jsonl): dialogues, or `{"audio", "caption"}` for the tasks with sound */
  path: string;
  /** how often a pass shows the set: 2 is twice, 0.5 every second sample */
  factor: number;
}
