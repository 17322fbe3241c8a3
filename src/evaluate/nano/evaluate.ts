/** Runs the parts of the evaluation and puts their rows together. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Bagpiper } from '../../tasks/index.js';
import { askClips } from './ask.js';
import { codeClips } from './codec.js';
import { type ClipChoice, type Context, readClips, type TestClip } from './context.js';
import { describeClips } from './describe.js';
import { limitRows } from './limits.js';
import { describeReal } from './real.js';
import { pickScenes, renderScenes } from './render.js';
import type { Row } from './report.js';
import type { Tell } from './results.js';

export const PARTS = ['describe', 'ask', 'codec', 'render', 'real', 'limits'] as const;
export type PartName = (typeof PARTS)[number];

export interface EvaluateOptions extends ClipChoice {
  corpus: string;
  /** folder for raw results; what is in it already is not made again */
  work: string;
  /** folder of labelled recordings; without it there are no parts "real" and "limits" */
  real?: string;
  /** folder of train clips, on which the signal measures of renderings are fixed; without it these are not measured */
  train?: string;
  parts: readonly PartName[];
  /** clips that are described and asked about */
  clips: number;
  codecClips: number;
  renders: number;
  /** of each rendering, of which the model keeps one; missing: as many as the model is used to */
  takes?: number;
  seed: number;
  temperature: number;
  together: number;
  progress?: (part: string) => Tell;
}

export interface Evaluation {
  machine: Record<string, string>;
  model: { source: string; hash: string; parameters: number; threads: number };
  settings: Omit<EvaluateOptions, 'progress'>;
  rows: Row[];
}

/** @throws BagpiperError when the corpus or the folder of recordings is not as it must be */
export async function evaluateNano(bagpiper: Bagpiper, options: EvaluateOptions): Promise<Evaluation> {
  const { progress = () => () => {}, ...settings } = options;
  const { clips, codecClips, renders, seed, temperature, together, parts } = settings;
  const takes = settings.takes ?? bagpiper.info.takes ?? 1;
  const all = readClips(settings.corpus, Math.max(clips, codecClips, renders), settings);
  const context: Context = {
    bagpiper,
    folder: join(settings.work, fingerprint(bagpiper, all, seed, temperature)),
    seed,
    temperature,
    takes,
    together,
    progress,
  };
  const rows: Row[] = [];
  const wanted = (part: PartName): boolean => parts.includes(part);
  if (wanted('describe')) rows.push(...(await describeClips(context, all.slice(0, clips))));
  if (wanted('ask')) rows.push(...(await askClips(context, all.slice(0, clips))));
  if (wanted('codec')) rows.push(...(await codeClips(context, all.slice(0, codecClips))));
  if (wanted('render')) rows.push(...(await renderScenes(context, pickScenes(all, renders), settings.train)));
  if (wanted('real') && settings.real !== undefined) rows.push(...(await describeReal(context, settings.real)));
  if (wanted('limits') && settings.real !== undefined)
    rows.push(...(await limitRows(context, all.slice(0, clips), settings.real)));
  const { source, hash, parameters, threads } = bagpiper.info;
  return { machine: machine(), model: { source, hash, parameters, threads }, settings: { ...settings, takes }, rows };
}

/** Raw results serve again only for the same model, the same clips (the first ones stand for all) and the same settings. */
function fingerprint(bagpiper: Bagpiper, clips: readonly TestClip[], seed: number, temperature: number): string {
  const hash = createHash('sha256').update(JSON.stringify([bagpiper.info.hash, seed, temperature]));
  for (const { record, path } of clips.slice(0, 8)) hash.update(JSON.stringify(record)).update(readFileSync(path));
  return hash.digest('hex').slice(0, 12);
}

function machine(): Record<string, string> {
  const processors = cpus();
  return {
    processor: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    system: `${platform()} ${arch()}, Node ${process.versions.node}`,
  };
}
