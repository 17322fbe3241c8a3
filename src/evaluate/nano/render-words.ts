/** Whether the requested words can be heard in renderings: by the model itself, and by an independent recognizer. */

import { extractFacts } from '../../corpus/index.js';
import { isSpeechAlone } from '../../corpus/words/caption.js';
import type { WordErrors } from '../../text/index.js';
import { ratioOf } from '../metrics/statistics.js';
import { heardWords } from './captions.js';
import { type Context, ofTakes, resultsOf, type TestClip } from './context.js';
import { findRecognizer, type Recognizer } from './recognizer.js';
import type { Rendering } from './render.js';
import { atMost, missing, type Row, statistic, wordErrorRow, wordPart } from './report.js';
import { STAGE_NAMES, STAGES, type Stage, type StagedSounds, stagedSounds } from './stages.js';

const PART = 'render';
/** By how much more than on the synthesizers' own audio the recognizer may err (issue "The small world, mastered"). */
const TARGET = atMost(0.15);
const DIFFERENCE = 'word error rate by pocketsphinx, renderings minus original recordings';

export function missingWords(why: string): Row[] {
  return [missing(PART, DIFFERENCE, why, TARGET, 'points')];
}

export async function wordRows(
  context: Context,
  clips: readonly TestClip[],
  renderings: readonly Rendering[],
): Promise<Row[]> {
  const spoken = clips
    .map((clip, i) => ({ ...clip, rendering: renderings[i] }))
    .filter(({ scene }) => isSpeechAlone(scene));
  const own = spoken.map(({ scene, rendering }) =>
    heardWords(
      scene,
      extractFacts(rendering.heard).turns.map(({ sentence }) => sentence),
    ),
  );
  const rows = [wordErrorRow(PART, 'word error rate, the model hearing its own renderings', own)];
  const recognizer = await findRecognizer();
  if (!recognizer) return [...rows, ...missingWords('pocketsphinx is not installed')];
  return [...rows, ...recognizedRows(await recognized(context, recognizer, spoken))];
}

/** Word errors of each clip at each stage. */
export type RecognizedErrors = Record<Stage, WordErrors[]>;

/** One row a stage, and how much worse renderings are than the originals of the same scenes. */
export function recognizedRows(errors: RecognizedErrors): Row[] {
  const pairs = errors.rendered.map((ours, i) => ({ ours, theirs: errors.original[i] }));
  const difference = statistic(PART, DIFFERENCE, pairs, 'pairs of clips', {
    value: (drawn) =>
      ratioOf(drawn.map(({ ours }) => wordPart(ours))) - ratioOf(drawn.map(({ theirs }) => wordPart(theirs))),
    unit: 'points',
    target: TARGET,
  });
  const stages = STAGES.map((stage) =>
    wordErrorRow(PART, `word error rate by pocketsphinx ${STAGE_NAMES[stage]}`, errors[stage]),
  );
  return [difference, ...stages];
}

/** The recognizer on all stages: what it, the codec and the model lose can be told apart. What it heard is kept. */
async function recognized(
  context: Context,
  recognizer: Recognizer,
  clips: readonly (TestClip & { rendering: Rendering })[],
): Promise<RecognizedErrors> {
  const kept = resultsOf<string>(context, ofTakes(context, 'render-words'));
  const keyOf = (stage: Stage, i: number): string => `${stage} ${clips[i].scene.id}: ${clips[i].rendering.request}`;
  const waiting = STAGES.flatMap((stage) =>
    clips.flatMap((_, i) => (kept.get(keyOf(stage, i)) === undefined ? [{ stage, i }] : [])),
  );
  if (waiting.length > 0) {
    const sounds: StagedSounds = await stagedSounds(context, clips);
    const heard = await recognizer.hear(waiting.map(({ stage, i }) => sounds[stage][i]));
    waiting.forEach(({ stage, i }, k) => {
      kept.add(keyOf(stage, i), heard[k]);
    });
  }
  const errors = (stage: Stage): WordErrors[] =>
    clips.map(({ scene }, i) => heardWords(scene, [kept.get(keyOf(stage, i))!]));
  return { rendered: errors('rendered'), coded: errors('coded'), original: errors('original') };
}
