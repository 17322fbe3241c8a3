/** What the workflows pass on: clips, the lines that stages leave behind, and the stages themselves. */

import type { Json, JsonObject } from '../json.js';

export type { Json, JsonObject };

/**
 * Anything with a stable id, the key of a run. Ids are made of letters, digits and `._-` alone (no `:`, which upstream's
 * specifiers split at), at most 200 characters: so they serve as file names, job ids and keys without quoting.
 */
export interface Keyed {
  id: string;
}

/** Where sound lies: a whole file, or a part of one. */
export interface AudioReference {
  /** absolute path, or `s3://bucket/key` */
  uri: string;
  /** seconds from the file's beginning; both or neither */
  start?: number;
  end?: number;
}

export type SoundKind = 'speech' | 'music' | 'sound';

/** A clip that goes into a run: sound by reference and what is known about it. */
export interface Clip extends Keyed {
  audio: AudioReference;
  /** length in seconds */
  seconds: number;
  /** the collection it comes from */
  dataset: string;
  /** what was really said, where a source tells */
  transcript?: string;
  /** a caption that came along */
  caption?: string;
  kind?: SoundKind;
  /** columns of the source's table that have no name here */
  more?: JsonObject;
}

/** Tokens that requests took, as OpenAI-compatible servers count them. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** A rich caption of a clip. Field names are those of upstream's label files, but for `id` (there `utt_id`). */
export interface Label extends Keyed {
  caption: string;
  /** seconds */
  duration: number;
  usage: Usage;
  /** only "stop" is a finished caption */
  finish_reason: string;
  model: string;
}

/** A message of a dialogue: text, or a sound's uri. Upstream's triplet. */
export type Message = [role: 'system' | 'user' | 'assistant', modality: 'text' | 'audio', content: string];

/** A conversation to learn from. The id is upstream's `example_id`, dataset_idx_level. */
export interface Dialogue extends Keyed {
  messages: Message[];
  /** the sound that the one audio message names, which may be a part of a file */
  audio: AudioReference;
  /** what is known about it; nothing reads it when training */
  metadata: JsonObject;
}

/** Why a record has no result. */
export interface Reason {
  /** short and countable, as in "duration_high" or "timeout" */
  kind: string;
  /** one sentence, for people */
  message: string;
}

/**
 * A line of a stage's file. `id` comes first and the outcome second, so that a file of millions can be taken up again by
 * looking at the beginnings of its lines. No times and no counts of tries: equal runs leave equal bytes.
 */
export type Line<O extends Keyed = Keyed> = Keyed &
  (
    | { result: O }
    /** decided: it is not wanted, or cannot be made; not tried again */
    | { aside: Reason }
    /** undecided: tried again last, and when the stage is run again */
    | { error: Reason }
  ) & { usage?: Usage };

/** What a stage is made of, as it is kept in the run's manifest and sent to workers. Holds no secrets. */
export interface StageSpec {
  /** a name of the table in stages.ts */
  stage: string;
  settings: JsonObject;
}

export interface StageContext {
  signal: AbortSignal;
  /** counts tokens for this record, whether it succeeds or not */
  spend: (usage: Usage) => void;
}

/** Work on one record after another, many at once. */
export interface Stage<I extends Keyed, O extends Keyed> {
  readonly spec: StageSpec;
  /** it reads the sound of its records, which must then be readable where it works */
  readonly hears?: boolean;
  /**
   * @returns the result, whose id is the input's
   * @throws SetAside when the record is decided without a result; BagpiperError for what concerns all records (no such
   *   server, budget spent), which ends the stage; the signal's reason; anything else is this record's error
   */
  process(input: I, context: StageContext): Promise<O>;
  close(): Promise<void>;
}

/** Thrown by a stage: this record gets no result, now or later. */
export class SetAside extends Error {
  override readonly name = 'SetAside';

  constructor(readonly reason: Reason) {
    super(reason.message);
  }
}

/** Thrown by a stage: this record failed in a way that may pass. */
export class RecordError extends Error {
  override readonly name = 'RecordError';

  constructor(readonly reason: Reason) {
    super(reason.message);
  }
}
