/** What simulation takes from a run's folder: clips with their captions. */
import { existsSync } from 'node:fs';
import { type Inputs, resultsIn } from '../run/lines.js';
import { Lookup } from '../run/lookup.js';
import { stageFile } from '../run/run.js';
import type { Clip, Keyed, Label } from '../types.js';
import { type Source, sourceOf } from './types.js';

const CLIPS = 'clips';
const LABELS = 'label';
const FILTERED = 'filter';

/**
 * Clips with finished captions, in the run's order: those that the filter kept, if there was a filter; else all that have
 * labels; in a run without labels, clips that came with captions.
 */
export function sourcesIn(run: string): Inputs<Source> {
  const has = (stage: string): boolean => existsSync(stageFile(run, stage));
  return async function* (wanted) {
    if (!has(LABELS)) {
      for await (const clip of resultsIn<Clip>(stageFile(run, CLIPS))(wanted)) {
        if (clip.caption?.trim()) yield sourceOf(clip, clip.caption);
      }
      return;
    }
    const clips = await Lookup.open<Clip>(stageFile(run, CLIPS));
    try {
      for await (const { id, caption, finish_reason } of has(FILTERED) ? kept(run, wanted) : labelled(run, wanted)) {
        const clip = await clips.get(id);
        if (clip && finish_reason === 'stop' && caption.trim() !== '') yield sourceOf(clip, caption);
      }
    } finally {
      await clips.close();
    }
  };
}

function labelled(run: string, wanted: (id: string) => boolean): AsyncIterable<Label> {
  return resultsIn<Label>(stageFile(run, LABELS))(wanted);
}

async function* kept(run: string, wanted: (id: string) => boolean): AsyncGenerator<Label, void, void> {
  const labels = await Lookup.open<Label>(stageFile(run, LABELS));
  try {
    for await (const { id } of resultsIn(stageFile(run, FILTERED))(wanted)) {
      const label = await labels.get(id);
      if (label) yield label;
    }
  } finally {
    await labels.close();
  }
}

/** Inputs of a step: for each result of the step before, those that it gives. */
export function inputsOfStep<P extends Keyed, I extends Keyed>(
  results: Inputs<P>,
  expand: (result: P) => I[],
): Inputs<I> {
  return async function* (wanted) {
    // Which ids a result gives is known only once it is read, so all of them are.
    for await (const result of results(() => true)) {
      for (const input of expand(result)) if (wanted(input.id)) yield input;
    }
  };
}
