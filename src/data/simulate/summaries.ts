/** Writes what judging came to: RUN/summaries/VARIANT/, one file a level, kind or group and one of all, as the recipe names them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../files.js';
import { resultsIn } from '../run/lines.js';
import { Lookup } from '../run/lookup.js';
import { stageFile } from '../run/run.js';
import type { Dialogue, JsonObject } from '../types.js';
import type { Variant } from './flow.js';
import type { Judged } from './judge.js';
import { partOf } from './judge.js';
import { NameLimit, rejection, Statistics, THRESHOLDS, thresholdFor } from './keep.js';

/** Decides about every dialogue of a variant and counts. */
export async function judgeStatistics(run: string, variant: Variant, thresholds = THRESHOLDS): Promise<Statistics> {
  const dialogues = resultsIn<Dialogue>(stageFile(run, `${variant}-dialogues`));
  const all = (): boolean => true;
  const names = new NameLimit();
  if (variant === 'tts') for await (const dialogue of dialogues(all)) names.add(dialogue);
  const judgements = await Lookup.open<Judged>(stageFile(run, `${variant}-judged`));
  const statistics = new Statistics(thresholds);
  try {
    for await (const dialogue of dialogues(all)) {
      const judged = await judgements.get(dialogue.id);
      const reason = rejection(judged, thresholdFor(partOf(dialogue), thresholds)) ?? names.rejection(dialogue);
      statistics.add(dialogue, judged, reason);
    }
  } finally {
    await judgements.close();
  }
  return statistics;
}

/** @returns the summary of all parts */
export async function writeSummaries(run: string, variant: Variant): Promise<JsonObject> {
  const statistics = await judgeStatistics(run, variant);
  const folder = join(run, 'summaries', variant);
  mkdirSync(folder, { recursive: true });
  for (const part of statistics.names) {
    writeJson(join(folder, `summary_${part}.json`), statistics.judgeSummary(part));
    writeJson(join(folder, `filter_${part}.json`), statistics.filterSummary(part));
  }
  const all = statistics.judgeSummaryAll();
  writeJson(join(folder, 'summary_all.json'), all);
  return all;
}

function writeJson(path: string, value: JsonObject): void {
  writeAtomically(path, `${JSON.stringify(value, null, 2)}\n`);
}
