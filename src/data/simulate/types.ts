/** What simulation passes from step to step. Each record carries what the next step needs, so that one file is enough to go on. */
import { createHash } from 'node:crypto';
import { Random } from '../../random.js';
import type { ChatClient } from '../llm/types.js';
import type { AudioReference, Clip, JsonObject, Keyed, SoundKind, Usage } from '../types.js';
import type { PromptBook } from './prompts.js';

/** What simulation starts from: a clip with its rich caption. */
export interface Source extends Keyed {
  dataset: string;
  audio: AudioReference;
  /** length in seconds */
  seconds: number;
  caption: string;
  kind?: SoundKind;
  /** what was really said or sung, where a source tells */
  transcript?: string;
  more?: JsonObject;
}

/** What all steps work with. */
export interface Tools {
  client: ChatClient;
  prompts: PromptBook;
  /** draws styles and orders; equal seeds give equal requests */
  seed: number;
}

/** What a step needs of the runner. */
export interface StepContext {
  signal: AbortSignal;
  spend: (usage: Usage) => void;
}

/** One step on one record. */
export type Step<I extends Keyed, O extends Keyed> = (input: I, context: StepContext) => Promise<O>;

/** A clip with its caption, as a source of dialogues. */
export function sourceOf(clip: Clip, caption: string): Source {
  const { id, dataset, audio, seconds, kind, transcript, more } = clip;
  return {
    id,
    dataset,
    audio,
    seconds,
    caption,
    ...(kind && { kind }),
    ...(transcript !== undefined && { transcript }),
    ...(more && { more }),
  };
}

/** Characters that an id may have (Keyed). */
const LONGEST_ID = 200;

/**
 * The id of an example: upstream's dataset_idx_level. The clip's own id stands for the index, as a place in a list changes
 * when the list grows; a data set's name that it begins with already is not said twice.
 */
export function exampleId(source: { id: string; dataset: string }, part: string): string {
  const dataset = source.dataset.replace(/[^A-Za-z0-9._-]+/g, '-');
  const base = dataset === '' || source.id.startsWith(`${dataset}_`) ? source.id : `${dataset}_${source.id}`;
  const room = LONGEST_ID - part.length - 1;
  if (base.length <= room) return `${base}_${part}`;
  const sum = createHash('sha256').update(base).digest('hex').slice(0, 16);
  return `${base.slice(0, room - 17)}-${sum}_${part}`;
}

/** Random numbers of one record for one purpose, whatever else is drawn. */
export function randomFor(tools: Pick<Tools, 'seed'>, id: string, purpose: string): Random {
  return new Random(`simulate/${tools.seed}/${purpose}/${id}`);
}
