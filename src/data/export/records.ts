/** What a run has to export: clips with the captions that the filter kept, and dialogues that the judge passed. */
import { existsSync } from 'node:fs';
import { BagpiperError } from '../../errors.js';
import { Lookup, resultsIn, stageFile } from '../run/index.js';
import { VARIANTS, type Variant } from '../simulate/flow.js';
import { type Judged, partOf } from '../simulate/judge.js';
import { NameLimit, rejection, thresholdFor } from '../simulate/keep.js';
import type { AudioReference, Clip, Dialogue, Keyed, Label } from '../types.js';

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

const has = (run: string, stage: string): boolean => existsSync(stageFile(run, stage));

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
    for await (const clip of resultsOf<Clip>(run, CLIPS)) {
      if (clip.caption?.trim()) yield { id: clip.id, clip, caption: clip.caption, model: null };
    }
    return;
  }
  const labels = await lookup<Label>(run, LABELS);
  const kept = has(run, FILTERED) ? await lookup(run, FILTERED) : undefined;
  try {
    for await (const clip of resultsOf<Clip>(run, CLIPS, (id) => kept?.has(id) ?? true)) {
      const label = await labels.get(clip.id);
      if (label?.finish_reason !== 'stop' || label.caption.trim() === '') continue;
      yield { id: clip.id, clip, caption: label.caption, model: label.model };
    }
  } finally {
    await labels.close();
    await kept?.close();
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
    for await (const dialogue of resultsOf<Dialogue>(run, dialogueStage(variant))) names.add(dialogue);
    const judgements = unjudged.includes(variant) ? undefined : await lookup<Judged>(run, judgedStage(variant));
    try {
      const judged = (id: string): boolean => judgements?.has(id) ?? true;
      for await (const dialogue of resultsOf<Dialogue>(run, dialogueStage(variant), judged)) {
        const scores = await judgements?.get(dialogue.id);
        const low = scores ? rejection(scores, thresholdFor(partOf(dialogue))) : null;
        if (low === null && names.rejection(dialogue) === null) yield dialogue;
      }
    } finally {
      await judgements?.close();
    }
  }
}

/** The results of a stage, whose other halves are looked up: memory holds some bytes an id, whatever a stage left out. */
function resultsOf<O extends Keyed>(
  run: string,
  stage: string,
  wanted = (_: string): boolean => true,
): AsyncIterable<O> {
  return resultsIn<O>(stageFile(run, stage))(wanted);
}

function lookup<O extends Keyed>(run: string, stage: string): Promise<Lookup<O>> {
  return Lookup.open<O>(stageFile(run, stage));
}
