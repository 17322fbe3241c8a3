/**
 * `npm run bench -- full-size --dir D`: the published 8B model at its full size with random weights, from the checkpoint to
 * sound, beside what the machine and llama.cpp can do in the same minutes. How and why: docs/performance.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../measure.js';
import { type JobName, type JobOutcome, type Results, runJob } from './jobs.js';
import { findLlama } from './llama.js';
import { fullSizeRows, type Round } from './rows.js';
import { type JobSettings, scaleOf } from './scale.js';
import { makeStages, SMALL_BLOCK } from './stages.js';

export interface FullSizeOptions {
  /** where files are made and found again */
  dir: string;
  /** sizes for trying the program instead of the published ones */
  tiny: boolean;
  /** layers, where not all */
  layers?: number;
  /** a folder whose node_modules hold node-llama-cpp */
  llama?: string;
  threads: number;
  runs: number;
  progress: (message: string) => void;
}

export async function fullSize(options: FullSizeOptions): Promise<{ rows: Row[]; notes: string[] }> {
  const { dir, threads, runs, progress } = options;
  const scale = scaleOf(options.tiny, options.layers);
  const llama = findLlama(options.llama);
  const stages = await makeStages(dir, scale, progress);
  const rounds: Round[] = [];
  for (let i = 0; i < runs; i++) {
    const job = <Name extends JobName>(
      name: Name,
      folder: string,
      more: Partial<JobSettings> = {},
    ): Promise<JobOutcome<Results[Name]>> => {
      progress(`round ${i + 1} of ${runs}: ${name}${name === 'bandwidth' ? '' : ` of ${folder}`}`);
      return runJob(name, { folder, threads, steps: scale.steps, ...more });
    };
    const { standard, prepared, small } = stages;
    // In turn, so that each meets the machine's moods alike.
    rounds.push({
      bandwidth: await job('bandwidth', ''),
      bare: await job('bare', standard.folder),
      engine: await job('engine', standard.folder, { whole: true }),
      prepared: await job('engine', prepared.folder, { whole: true }),
      smallBare: await job('bare', small.folder),
      smallEngine: await job('engine', small.folder),
      llama: llama === undefined ? undefined : await job('llama', stages.gguf, { llama }),
      networks: await job('networks', standard.folder),
    });
  }
  const blocks = { standard: blockOf(stages.standard.folder), small: SMALL_BLOCK };
  return { rows: fullSizeRows(rounds, stages, scale, blocks), notes: notesOf(options, scale.name, llama, blocks) };
}

function blockOf(folder: string): number {
  const { quantization } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as {
    quantization: { block: number };
  };
  return quantization.block;
}

function notesOf(
  { tiny, layers }: FullSizeOptions,
  name: string,
  llama: string | undefined,
  blocks: { standard: number; small: number },
): string[] {
  const notes = [
    `Random weights of the published names and shapes; 4 bits in blocks of ${blocks.standard} (the default) and ${blocks.small}, head and embeddings in 8 bits. A bare loop is the products of all layers and of the text head, and nothing else.`,
  ];
  if (tiny || layers !== undefined) notes.push(`Sizes "${name}", not the published ones: targets mean nothing here.`);
  if (!llama) {
    notes.push(
      'llama.cpp is left out: node-llama-cpp is not installed ("npm install --no-save node-llama-cpp", or name a folder that has it with --llama).',
    );
  }
  return notes;
}
