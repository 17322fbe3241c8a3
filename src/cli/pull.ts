/** `bagpiper pull REPO`: a model from the hub. On stdout goes the folder where it lies. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../errors.js';
import { conversionTo } from '../tasks/convert.js';
import {
  convertedFolder,
  type Progress,
  type PullEvent,
  type Pulled,
  pullModel,
  type Skipped,
  sizeText,
} from '../weights/hub/index.js';
import type { Context } from './context.js';
import { showConversion } from './convert.js';
import type { Screen } from './screen.js';

export interface PullFlags {
  revision?: string;
  out?: string;
  include?: string[];
  jobs?: number;
  quantize?: string;
  /** false: `--no-tokenizer` */
  tokenizer?: string | boolean;
  json?: boolean;
}

export async function pull(repo: string, flags: PullFlags, { io, screen, signal }: Context): Promise<void> {
  const { revision, out, include, jobs, tokenizer, json } = flags;
  const format = formatOf(flags);
  screen.progress(`Asking for ${repo} ...`);
  try {
    const pulled = await pullModel(repo, {
      ...(revision === undefined ? {} : { revision }),
      ...(out === undefined ? {} : { out }),
      ...(include === undefined ? {} : { include }),
      ...(typeof tokenizer === 'string' || tokenizer === false ? { tokenizer } : {}),
      ...(jobs === undefined ? {} : { jobs }),
      ...(format && { convert: conversionTo(format, { onEvent: (event) => showConversion(event, screen) }) }),
      signal,
      env: io.env,
      onEvent: (event) => show(event, screen),
    });
    screen.clearProgress();
    tell(pulled, out ?? convertedFolder(io.env, pulled.repo, pulled.commit, 'q4'), out !== undefined, screen);
    await screen.result(json ? JSON.stringify(pulled) : pulled.folder);
  } finally {
    screen.clearProgress();
    if (signal.aborted) screen.note('What has come is kept; the same command goes on from there.');
  }
}

/** @throws BagpiperError for another format, or where it could not be made */
function formatOf({ quantize, tokenizer }: PullFlags): 'q4' | 'q8' | undefined {
  if (quantize === undefined) return undefined;
  if (quantize !== 'q4' && quantize !== 'q8') {
    throw new BagpiperError(
      `--quantize is "${quantize}"; q4 and q8 are accepted, and without it nothing is converted.`,
    );
  }
  if (tokenizer === false) throw new BagpiperError('--quantize needs a tokenizer; leave out --no-tokenizer.');
  return quantize;
}

function show(event: PullEvent, screen: Screen): void {
  if (event.type === 'warning') screen.warn(event.text);
  else if (event.type === 'progress') screen.progress(progressLine(event));
  else {
    const { repo, commit, files, bytes, present, skipped } = event;
    const there =
      present === 0 ? '' : present === bytes ? ', all there already' : `, ${sizeText(present)} there already`;
    screen.note(`${repo} at ${commit.slice(0, 12)}: ${files} files, ${sizeText(bytes)}${there}.`);
    if (skipped.length > 0) screen.note(skippedLine(skipped));
  }
}

/** Such as `1.2 GB of 18.2 GB, 85 MB/s, 3 min 20 s left`. */
export function progressLine({ done, total, speed, left }: Progress): string {
  const parts = [`${sizeText(done)} of ${sizeText(total)}`];
  if (speed !== undefined) parts.push(`${sizeText(Math.round(speed))}/s`);
  if (left !== undefined && done < total) parts.push(`${timeText(left)} left`);
  return parts.join(', ');
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Such as `Skipped 5 files (12.3 GB): 4 training state, 1 log; --include "*" takes all.` */
function skippedLine(skipped: readonly Skipped[]): string {
  const kinds = new Map<string, number>();
  for (const { why } of skipped) kinds.set(why, (kinds.get(why) ?? 0) + 1);
  const bytes = skipped.reduce((sum, { size }) => sum + size, 0);
  const list = [...kinds].map(([why, count]) => `${count} ${why}`).join(', ');
  return `Skipped ${skipped.length} files (${sizeText(bytes)}): ${list}; --include "*" takes all.`;
}

/** What one may want to know of the result, and what comes next. @param place for a conversion, or the folder itself */
function tell({ folder, received, tokenizer }: Pulled, place: string, plain: boolean, screen: Screen): void {
  if (tokenizer) screen.detail(`tokenizer of ${tokenizer.repo} at ${tokenizer.commit}`);
  screen.detail(`${sizeText(received)} came over the network`);
  // Published checkpoints have none; it is made when they are converted.
  if (existsSync(join(folder, 'config.json'))) return;
  screen.note(`As published. To run it here, once: bagpiper convert "${folder}" "${plain ? `${place}-q4` : place}"`);
}
