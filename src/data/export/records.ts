/** What a run has to export: clips with the captions that the filter kept, and dialogues that the judge passed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { VARIANTS, type Variant } from '../simulate/flow.js';
import { type Judged, partOf } from '../simulate/judge.js';
import { NameLimit, rejection, thresholdFor } from '../simulate/keep.js';
import type { AudioReference, Clip, Dialogue, Keyed, Label, Line } from '../types.js';
import { jsonLines } from './stream.js';

/** A clip with its caption, and who wrote it: null where it came along with the clip. */
export interface Captioned extends Keyed {
  clip: Clip;
  caption: string;
  model: string | null;
}

export const audioOfCaption = ({ clip }: Captioned): AudioReference => clip.audio;
/** Dialogues of the TTS variant name their group; the recipe trains on them apart. */
export const isSpeech = ({ metadata }: Dialogue): boolean => metadata.group !== undefined;
export const audioOfDialogue = ({ audio }: Dialogue): AudioReference => audio;

/** Stages of a run that are exported, and those that decide about them. */
const CLIPS = 'clips';
const LABELS = 'label';
const FILTERED = 'filter';
const dialogueStage = (variant: Variant): string => `${variant}-dialogues`;
const judgedStage = (variant: Variant): string => `${variant}-judged`;

const fileOf = (run: string, stage: string): string => join(run, `${stage}.jsonl`);
const has = (run: string, stage: string): boolean => existsSync(fileOf(run, stage));

/** What a run holds. */
export interface Contents {
  captions: boolean;
  dialogues: Variant[];
  /** variants whose dialogues nobody judged */
  unjudged: Variant[];
}

/** @throws BagpiperError where it is no run, or holds neither captions nor dialogues */
export function contentsOf(run: string): Contents {
  const captions = has(run, CLIPS);
  const dialogues = VARIANTS.filter((variant) => has(run, dialogueStage(variant)));
  if (captions || dialogues.length > 0) {
    return { captions, dialogues, unjudged: dialogues.filter((variant) => !has(run, judgedStage(variant))) };
  }
  throw new BagpiperError(
    `${run} holds neither clips (${CLIPS}.jsonl) nor dialogues; make a run with "bagpiper data label" first.`,
  );
}

/** Clips with finished captions that no filter set aside, in the run's order; without labels, clips that came with captions. */
export async function* captionsOf(run: string): AsyncGenerator<Captioned> {
  if (!has(run, LABELS)) {
    for await (const [clip] of joined<[Clip]>(run, [CLIPS])) {
      if (clip.caption?.trim()) yield { id: clip.id, clip, caption: clip.caption, model: null };
    }
    return;
  }
  const stages = [CLIPS, LABELS, ...(has(run, FILTERED) ? [FILTERED] : [])];
  for await (const [clip, label] of joined<[Clip, Label, Keyed?]>(run, stages)) {
    const { caption, finish_reason, model } = label;
    if (finish_reason === 'stop' && caption.trim() !== '') yield { id: clip.id, clip, caption, model };
  }
}

/**
 * Dialogues that the judge passed, in the run's order; of a variant that was not judged, all.
 *
 * @throws BagpiperError as {@link contentsOf}
 */
export async function* dialoguesOf(run: string): AsyncGenerator<Dialogue> {
  const { dialogues, unjudged } = contentsOf(run);
  for (const variant of dialogues) {
    const names = new NameLimit();
    for await (const [dialogue] of joined<[Dialogue]>(run, [dialogueStage(variant)])) names.add(dialogue);
    const judge = unjudged.includes(variant) ? [] : [judgedStage(variant)];
    for await (const [dialogue, judged] of joined<[Dialogue, Judged?]>(run, [dialogueStage(variant), ...judge])) {
      const low = judged ? rejection(judged, thresholdFor(partOf(dialogue))) : null;
      if (low === null && names.rejection(dialogue) === null) yield dialogue;
    }
  }
}

/**
 * The results of an id in each of the stages, for ids that have a result in all of them. A finished stage leaves its lines in
 * the order of its inputs, so what is waiting for its other halves stays small; in any other order it is still right.
 */
async function* joined<T extends unknown[]>(run: string, stages: readonly string[]): AsyncGenerator<T> {
  const waiting = new Map<string, { results: unknown[]; seen: number; out: boolean }>();
  const readers = stages.map((stage) => jsonLines<Line>(fileOf(run, stage)));
  const open = new Set(readers.keys());
  while (open.size > 0) {
    for (const i of open) {
      const next = await readers[i].next();
      if (next.done) {
        open.delete(i);
        continue;
      }
      const line = next.value;
      const known = waiting.get(line.id) ?? { results: [], seen: 0, out: false };
      if ('result' in line) known.results[i] = line.result;
      else known.out = true;
      known.seen++;
      if (known.seen < stages.length) waiting.set(line.id, known);
      else {
        waiting.delete(line.id);
        if (!known.out) yield known.results as T;
      }
    }
  }
}
