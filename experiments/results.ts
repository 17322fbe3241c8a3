/** Results on disk: one JSON file a run, there only when the run is complete. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Machine } from '../bench/table.js';
import { BagpiperError } from '../src/errors.js';
import { writeAtomically } from '../src/files.js';
import type { Measures } from './hearing.js';
import { type Run, settingsOf } from './plan.js';

/** What a training run cost, all its stages together. */
export interface Compute {
  steps: number;
  /** of matrix products, padding included (sizes.ts) */
  flops: number;
  /** rows that are not padding, those among them whose next row is scored, and samples */
  readTokens: number;
  scoredTokens: number;
  samples: number;
}

/** Held-out losses by kind of sample after so many steps. */
export interface CurvePoint {
  step: number;
  flops: number;
  losses: Record<string, number>;
}

export interface Result {
  id: string;
  experiments: string[];
  seed: number;
  settings: unknown;
  /** of the repository, "+" where files were changed; null without git */
  commit: string | null;
  machine: Machine;
  /** seconds of the process that finished the run, and the step that it began with */
  seconds: number;
  firstStep: number;
  compute?: Compute;
  curve?: CurvePoint[];
  measures: Measures;
  /** a few things that were said */
  examples?: string[];
}

export class ResultStore {
  /** @param out folder of the experiments @param data stands for corpus and model in the settings */
  constructor(
    readonly out: string,
    private readonly data: string,
  ) {}

  /** Settings as they are stored. */
  settings(run: Run): unknown {
    return JSON.parse(JSON.stringify({ run: settingsOf(run), data: this.data }));
  }

  /**
   * The result of a run, if there is one.
   *
   * @throws BagpiperError where it was made under other settings
   */
  read(run: Run): Result | undefined {
    const path = resultPath(this.out, run.id);
    if (!existsSync(path)) return undefined;
    const result = readResult(path);
    if (isDeepStrictEqual(result.settings, this.settings(run))) return result;
    throw new BagpiperError(
      `${path} was made with other settings, another corpus or another model; use the same ones, or another folder (--out).`,
    );
  }

  write(result: Result): void {
    mkdirSync(join(this.out, FOLDER), { recursive: true });
    const text = `${JSON.stringify(result, null, 2)}\n`;
    writeAtomically(resultPath(this.out, result.id), (append) => append(new TextEncoder().encode(text)));
  }
}

const FOLDER = 'results';

const resultPath = (out: string, id: string): string => join(out, FOLDER, `${id}.json`);

/** Whether a result is there, under whatever settings. */
export const hasResult = (out: string, id: string): boolean => existsSync(resultPath(out, id));

/** All results of a folder, in order of their names. @throws BagpiperError where there are none, or a file is damaged */
export function readResults(out: string): Result[] {
  const folder = join(out, FOLDER);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  if (names.length === 0) {
    throw new BagpiperError(`${out} holds no results yet; run some first: npm run experiments -- all --out ${out}`);
  }
  return names.sort().map((name) => readResult(join(folder, name)));
}

function readResult(path: string): Result {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Result;
  } catch {
    throw new BagpiperError(`${path} is no JSON; remove it, and the run is done again.`);
  }
}

/** The commit that runs, with "+" where tracked files differ from it. */
export function commitOf(): string | null {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return git('rev-parse', '--short=10', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? '+' : '');
  } catch {
    return null;
  }
}
